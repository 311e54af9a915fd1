/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/inspect.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "builder/lock/dpkg_status.h"
#include "builder/tree/dpkgdb.h"
#include "lib/alloc.h"
#include "lib/text.h"
#include "lib/vec.h"

#define ABOUT "/etc/nodekiln/image.json"
#define ABOUT_MAX (16u << 20)
#define OS_RELEASE_MAX (64u << 10)
#define KERNEL "/boot/vmlinuz-"

/* 1 and the text when the image has the file, 0 when not. */
static int read_if_there(struct inspection *i, const char *path, size_t limit, struct text *ret, struct error *err)
{
	const struct image_entry *entry;
	int rc = image_stat(i->image, path, &entry, err);

	if (rc <= 0)
		return rc;
	if (image_read(i->image, path, limit, ret, err) < 0)
		return -1;
	return 1;
}

static int read_about(struct inspection *i, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	int rc = read_if_there(i, ABOUT, ABOUT_MAX, &text, err);

	return rc <= 0 ? rc : json_parse(ABOUT, text.data, text.len, &i->about, err);
}

static int read_system(struct inspection *i, struct error *err)
{
	static const char key[] = "PRETTY_NAME=";
	CLEANUP(text_done) struct text text = { 0 };
	int rc = read_if_there(i, "/etc/os-release", OS_RELEASE_MAX, &text, err);
	char *save = NULL;

	if (rc <= 0 || !text.data)
		return rc;
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!text_starts(line, key) || i->system)
			continue;
		line += sizeof key - 1;
		line += *line == '"';
		i->system = xstrndup(line, strcspn(line, "\""));
	}
	return 0;
}

static void add_package(struct inspection *i, const char *paragraph)
{
	CLEANUP(free_p) char *status = dpkgdb_field(paragraph, "Status");
	struct inspect_package p = { dpkgdb_field(paragraph, "Package"), dpkgdb_field(paragraph, "Version"),
				     dpkgdb_field(paragraph, "Architecture") };

	if (p.name && p.version && status && text_ends(status, " installed")) {
		vec_push(&i->packages, p);
		return;
	}
	free(p.name);
	free(p.version);
	free(p.architecture);
}

static int read_packages(struct inspection *i, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	int rc = read_if_there(i, "/var/lib/dpkg/status", DPKG_STATUS_MAX, &text, err);

	if (rc <= 0 || !text.len)
		return rc;
	for (const char *paragraph = text.data; paragraph && *paragraph; paragraph = dpkgdb_next(paragraph))
		add_package(i, paragraph);
	return 0;
}

static int count_entry(void *context, const struct image_entry *e, struct error *err UNUSED)
{
	struct inspection *i = context;

	i->entries++;
	if (S_ISREG(e->mode))
		i->bytes += e->size;
	if (text_starts(e->path, KERNEL))
		strings_add(&i->kernels, e->path + strlen(KERNEL));
	return 0;
}

/* The version in image.json, else that of the package or of the program, for an image that was made by other tools. */
static void find_kubernetes(struct inspection *i)
{
	CLEANUP(free_p) char *linked = NULL;
	const struct json *claim = i->about ? json_get(i->about, "kubernetes") : NULL;
	const char *version = claim ? json_get_string(claim, "version") : NULL;

	for (size_t n = 0; !version && n < i->packages.n; n++) {
		if (text_same(i->packages.at[n].name, "kubelet"))
			version = i->packages.at[n].version;
	}
	for (size_t n = 0; !version && n < i->programs.n; n++) {
		if (i->programs.at[n].fault || !text_same(inspect_program_name(&i->programs.at[n]), "kubelet"))
			continue;
		linked = inspect_program_version(&i->programs.at[n]);
		version = linked + (*linked == 'v');
	}
	i->kubernetes = xstrdup_or_null(version);
}

int inspect_open(const char *path, struct inspection *ret, struct error *err)
{
	struct stat st;

	*ret = (struct inspection){ .path = path };
	if (image_open(path, &ret->image, err) < 0)
		return -1;
	if (fstat(image_fd(ret->image), &st) < 0) {
		inspection_done(ret);
		return error_errno(err, errno, "open %s", path);
	}
	ret->file_size = (uint64_t)st.st_size;
	return 0;
}

/* Programs, for what Go wrote into them, and the few files that are read. */
static enum image_want wants(const struct image_entry *e)
{
	static const char *const read[] = { "/etc/", "/usr/lib/os-release", "/var/lib/dpkg/" };

	for (size_t i = 0; i < ARRAY_SIZE(read); i++)
		if (text_starts(e->path, read[i]))
			return IMAGE_KEEP;
	return e->mode & 0111 ? IMAGE_KEEP : IMAGE_SKIP;
}

int inspect_load(struct inspection *i, struct error *err)
{
	if (image_load(i->image, wants, err) < 0 || read_about(i, err) < 0 || read_system(i, err) < 0 ||
	    read_packages(i, err) < 0 || image_walk(i->image, count_entry, i, err) < 0 || inspect_programs(i, err) < 0)
		return -1;
	find_kubernetes(i);
	return 0;
}

void inspection_done(struct inspection *i)
{
	for (size_t n = 0; n < i->packages.n; n++) {
		free(i->packages.at[n].name);
		free(i->packages.at[n].version);
		free(i->packages.at[n].architecture);
	}
	vec_done(&i->packages);
	for (size_t n = 0; n < i->programs.n; n++) {
		free(i->programs.at[n].package);
		free(i->programs.at[n].fault);
		go_buildinfo_done(&i->programs.at[n].info);
	}
	vec_done(&i->programs);
	strings_done(&i->kernels);
	json_free_p(&i->about);
	image_close_p(&i->image);
	free(i->system);
	free(i->kubernetes);
	*i = (struct inspection){ 0 };
}
