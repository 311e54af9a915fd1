/* SPDX-License-Identifier: Apache-2.0 */
/* Reads images and JSON documents as lists of entries. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "builder/image/diff.h"
#include "builder/image/image_reader.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/input.h"

#define DIGEST_SHOWN 16 /* digits: enough to distinguish two contents, short enough to read */

struct listing {
	struct image *image; /* borrowed */
	struct diff_list *list;
	bool times;
};

static const char *type_name(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} types[] = { { S_IFREG, "file" },         { S_IFDIR, "directory" },
		      { S_IFLNK, "link" },         { S_IFCHR, "character device" },
		      { S_IFBLK, "block device" }, { S_IFIFO, "pipe" },
		      { S_IFSOCK, "socket" } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].type)
			return types[i].name;
	return "unknown";
}

static int add_content(struct listing *l, const struct image_entry *e, struct error *err)
{
	char hex[SHA256_HEX];

	if (image_content_digest(l->image, e, hex, err) < 0)
		return -1;
	diff_fact(l->list, "size", "%llu", (unsigned long long)e->size);
	diff_fact(l->list, "content", "%.*s", DIGEST_SHOWN, hex);
	return 0;
}

/* A directory's size depends on the file system's internals. */
static int add_file(void *listing, const struct image_entry *e, struct error *err)
{
	struct listing *l = listing;
	char date[CLOCK_TEXT_MAX];

	diff_add(l->list, xstrdup(e->path));
	diff_fact(l->list, "type", "%s", type_name(e->mode));
	diff_fact(l->list, "mode", "%04o", (unsigned)(e->mode & ~S_IFMT));
	diff_fact(l->list, "owner", "%u:%u", e->uid, e->gid);
	if (l->times)
		diff_fact(l->list, "time", "%s", clock_text((time_t)e->mtime, date));
	if (e->link)
		diff_fact(l->list, "target", "%s", e->link);
	if (e->attributes)
		diff_fact(l->list, "attributes", "%s", e->attributes);
	return S_ISREG(e->mode) ? add_content(l, e, err) : 0;
}

/* The content of a partition other than the root (an ESP, GRUB's core) is compared by digest only. */
static int add_partition(struct listing *l, const struct image_partition *p, struct error *err)
{
	char hex[SHA256_HEX];

	diff_add(l->list, xasprintf("partition %u", p->number));
	diff_fact(l->list, "start", "%llu", (unsigned long long)p->start);
	diff_fact(l->list, "size", "%llu", (unsigned long long)p->size);
	diff_fact(l->list, "name", "%s", p->name);
	diff_fact(l->list, "type", "%s", p->type);
	diff_fact(l->list, "uuid", "%s", p->uuid);
	diff_fact(l->list, "filesystem", "%s %s %s", p->filesystem, p->label, p->filesystem_uuid);
	if (!strcmp(p->filesystem, "ext4"))
		return 0;
	if (image_digest(l->image, p->start, p->size, hex, err) < 0)
		return -1;
	diff_fact(l->list, "content", "%.*s", DIGEST_SHOWN, hex);
	return 0;
}

static enum image_want wants(const struct image_entry *e UNUSED)
{
	return IMAGE_DIGEST;
}

static int load_image(const struct diff_source *source, struct diff_list *ret, struct error *err)
{
	const struct image_partition *partition;
	struct image *image = source->image;
	struct listing l = { .image = image, .list = ret, .times = source->times };

	if (image_load(image, wants, err) < 0)
		return -1;
	size_t n = image_partitions(image, &partition);
	for (size_t i = 0; i < n; i++)
		if (add_partition(&l, &partition[i], err) < 0)
			return -1;
	return image_walk(image, add_file, &l, err);
}

static void add_json(struct diff_list *ret, const char *path, const struct json *value);

static bool is_scalar(const struct json *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static void add_scalar(struct diff_list *ret, const char *name, const struct json *value)
{
	CLEANUP(text_done) struct text text = { 0 };
	const char *string = value ? json_as_string(value) : "null";

	if (!string)
		json_print(value, false, &text);
	const char *line = string ? string : text.data;
	if (!strchr(line, '\n')) {
		diff_fact(ret, name, "%s", line);
		return;
	}
	char hex[SHA256_HEX];
	sha256_hex(line, strlen(line), hex);
	diff_fact(ret, name, "%.*s", DIGEST_SHOWN, hex);
}

/* "PATH VERSION SUM SUM": a module of a component that is compiled from this version. Others of its versions, whose go.mod alone is
 * needed, have "-" as their first sum. */
static bool add_module(struct diff_list *ret, const char *path, const char *word)
{
	size_t name = strcspn(word, " "), version = word[name] ? strcspn(word + name + 1, " ") : 0;
	const char *sum = word + name + 1 + version;

	if (!version || *sum != ' ' || !strchr(sum + 1, ' '))
		return false;
	if (sum[1] == '-') {
		diff_add(ret, xasprintf("%s[%.*s go.mod]", path, (int)(name + 1 + version), word));
		return true;
	}
	diff_add(ret, xasprintf("%s[%.*s]", path, (int)name, word));
	diff_fact(ret, "version", "%.*s", (int)version, word + name + 1);
	diff_fact(ret, "sums", "%s", sum + 1);
	return true;
}

/* An element is identified by its name where it has one: its index in the array means nothing. */
static void add_elements(struct diff_list *ret, const char *path, const struct json *array)
{
	for (size_t i = 0; i < json_count(array); i++) {
		const struct json *element = json_at(array, i);
		const char *name = json_get_string(element, "name"), *file = json_get_string(element, "file");
		const char *word = json_as_string(element), *called = name ? name : file ? file : word;
		CLEANUP(free_p)
		char *below = called ? xasprintf("%s[%s]", path, called) : xasprintf("%s[%zu]", path, i);

		if (!is_scalar(element)) {
			add_json(ret, below, element);
			continue;
		}
		if (word && add_module(ret, path, word))
			continue;
		diff_add(ret, xstrdup(below));
		if (!word)
			add_scalar(ret, "value", element);
	}
}

/* An index into the lock's repositories, which shifts when one is added; the path and the digest say what the file is. */
static bool is_index(const struct json *object, const char *key)
{
	return !strcmp(key, "repository") && json_get_string(object, "path") && !json_get_string(object, key);
}

/* When a document was made, and how fast. */
static bool is_time(const char *path)
{
	return !strcmp(path, "timings") || !strcmp(path, "created");
}

/* An object's scalar members are facts about it, the others are entries of their own. */
static void add_json(struct diff_list *ret, const char *path, const struct json *value)
{
	const char *key;

	if (json_is_array(value)) {
		add_elements(ret, path, value);
		return;
	}
	diff_add(ret, *path ? xstrdup(path) : xstrdup("(document)"));
	for (size_t i = 0; (key = json_key(value, i)); i++)
		if (is_scalar(json_get(value, key)) && !is_index(value, key) && (*path || !is_time(key)))
			add_scalar(ret, key, json_get(value, key));
	for (size_t i = 0; (key = json_key(value, i)); i++) {
		CLEANUP(free_p) char *below = xasprintf("%s%s%s", path, *path ? "." : "", key);
		if (!is_scalar(json_get(value, key)) && !is_time(below))
			add_json(ret, below, json_get(value, key));
	}
}

static int load_document(const struct diff_source *source, struct diff_list *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = NULL;

	if (json_parse(source->path, source->text.data, source->text.len, &json, err) < 0)
		return -1;
	add_json(ret, "", json);
	return 0;
}

static int is_document(const char *path, bool *ret, struct error *err)
{
	CLEANUP(close_p) int fd = input_open(path, err);
	char first = 0;

	if (fd < 0)
		return -1;
	if (read(fd, &first, 1) < 0)
		return error_errno(err, errno, "read %s", path);
	*ret = first == '{';
	return 0;
}

int diff_open(const char *path, struct diff_source *ret, struct error *err)
{
	bool document = false;

	*ret = (struct diff_source){ .path = path };
	if (is_document(path, &document, err) < 0)
		return -1;
	return document ? input_read(path, JSON_SIZE_MAX, &ret->text, err) : image_open(path, &ret->image, err);
}

int diff_load(struct diff_source *source, struct diff_list *ret, struct error *err)
{
	if ((source->image ? load_image(source, ret, err) : load_document(source, ret, err)) < 0)
		return -1;
	diff_sort(ret);
	return 0;
}

int diff_source_digest(const struct diff_source *source, char ret_hex[SHA256_HEX], struct error *err)
{
	return sha256_fd(image_fd(source->image), ret_hex, err);
}

void diff_source_done(struct diff_source *source)
{
	image_close_p(&source->image);
	text_done(&source->text);
}
