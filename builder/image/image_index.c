/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/image_index.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"
#include "lib/vec.h"

#define SYMLINKS_MAX 40    /* the kernel's own limit */
#define ATTRIBUTE_SHOWN 64 /* bytes of a value; a capability has 20 */

static void image_node_done(struct image_node *node)
{
	free(node->entry.path);
	free(node->entry.link);
	free(node->entry.attributes);
	free(node->entry.sha256);
}

static size_t text_of(const struct image_entry *e)
{
	return sizeof *e + strlen(e->path) + (e->link ? strlen(e->link) : 0) +
	       (e->attributes ? strlen(e->attributes) : 0);
}

int image_index_add(struct image_index *index, struct image_node node, struct error *err)
{
	if (index->n >= IMAGE_ENTRIES_MAX) {
		image_node_done(&node);
		return error_set(err, ERROR_FAILED, "the image has more than %u entries", IMAGE_ENTRIES_MAX);
	}
	/* A directory that is in itself, or long names, multiply: the entries alone are no limit. */
	index->text += text_of(&node.entry);
	if (index->text > IMAGE_TEXT_MAX) {
		image_node_done(&node);
		return error_set(err, ERROR_FAILED, "the names in the image have more than %s",
				 text_bytes(IMAGE_TEXT_MAX));
	}
	vec_push(index, node);
	return 0;
}

int image_index_check(const struct image_index *index, struct error *err)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < index->n; i++) {
		uint64_t size = S_ISREG(index->at[i].entry.mode) ? index->at[i].entry.size : 0;
		if (size > IMAGE_BYTES_MAX || (bytes += size) > IMAGE_BYTES_MAX)
			return error_set(err, ERROR_FAILED, "the files in the image have more than %s",
					 text_bytes(IMAGE_BYTES_MAX));
	}
	return 0;
}

static int compare_path(const void *a, const void *b)
{
	const struct image_node *x = a, *y = b;

	return strcmp(x->entry.path, y->entry.path);
}

/* glibc's qsort() is stable only while it has memory for a merge sort, so the order of adding is part of the key. */
static int compare_added(const void *a, const void *b)
{
	const struct image_node *const *x = a, *const *y = b;
	int order = compare_path(*x, *y);

	return order ? order : (*x > *y) - (*x < *y);
}

void image_index_sort(struct image_index *index)
{
	struct image_node **order = xcalloc(index->n + 1, sizeof *order);
	struct image_node *sorted = xcalloc(index->n + 1, sizeof *sorted);
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++)
		order[i] = &index->at[i];
	qsort(order, index->n, sizeof *order, compare_added);
	for (size_t i = 0; i < index->n; i++) {
		if (n && compare_path(&sorted[n - 1], order[i]) == 0)
			image_node_done(&sorted[--n]);
		sorted[n++] = *order[i];
	}
	free(order);
	free(index->at);
	*index = (struct image_index){ .at = sorted, .n = n, .max = index->n + 1, .text = index->text };
}

const struct image_node *image_index_find(const struct image_index *index, const char *path)
{
	struct image_node key = { .entry = { .path = (char *)path } };

	return index->n ? bsearch(&key, index->at, index->n, sizeof key, compare_path) : NULL;
}

/* Removes the last component; the root stays. */
static void path_up(struct text *path)
{
	char *slash = path->data ? strrchr(path->data, '/') : NULL;

	path->len = slash ? (size_t)(slash - path->data) : 0;
	if (path->data)
		path->data[path->len] = '\0';
}

/* Replaces the symlink at `here` by its target, put in front of the remaining path. */
static char *expand(const char *target, const char *rest, struct text *here)
{
	path_up(here);
	if (*target == '/' && here->len) {
		here->len = 0;
		here->data[0] = '\0';
	}
	return xasprintf("%s/%s", target, rest);
}

/* Removes the first component from *rest and looks it up. NULL: the entry is missing. */
static const struct image_node *step(const struct image_index *index, char **rest, struct text *here)
{
	size_t len;

	*rest += strspn(*rest, "/");
	len = strcspn(*rest, "/");
	if (len == 2 && memcmp(*rest, "..", 2) == 0) {
		path_up(here);
	} else if (len && !(len == 1 && **rest == '.')) {
		text_add(here, "/");
		text_addn(here, *rest, len);
	}
	*rest += len;
	*rest += strspn(*rest, "/");
	return image_index_find(index, here->len ? here->data : "/");
}

const struct image_node *image_index_resolve(const struct image_index *index, const char *path, bool follow)
{
	CLEANUP(free_p) char *work = xstrdup(path);
	CLEANUP(text_done) struct text here = { 0 };
	const struct image_node *node;
	char *rest = work, *longer;
	unsigned links = 0;

	do {
		node = step(index, &rest, &here);
		if (!node)
			return NULL;
		if (!S_ISLNK(node->entry.mode) || (!*rest && !follow))
			continue;
		if (++links > SYMLINKS_MAX)
			return NULL;
		longer = expand(node->entry.link, rest, &here);
		free(work);
		rest = work = longer;
	} while (*rest);
	return node;
}

void image_attribute(void *list, const char *name, const void *value, size_t len)
{
	CLEANUP(text_done) struct text word = { 0 };
	char digest[SHA256_HEX];

	text_addf(&word, "%s=", name);
	for (size_t i = 0; i < len && len <= ATTRIBUTE_SHOWN; i++)
		text_addf(&word, "%02x", ((const unsigned char *)value)[i]);
	if (len > ATTRIBUTE_SHOWN) {
		sha256_hex(value, len, digest);
		text_addf(&word, "sha256:%s", digest);
	}
	strings_add(list, word.data);
}

char *image_attributes(struct strings *list)
{
	struct text all = { 0 };

	strings_sort(list);
	for (size_t i = 0; i < list->n; i++)
		text_addf(&all, "%s%s", i ? " " : "", list->at[i]);
	return list->n ? text_take(&all) : NULL;
}

void image_index_done(struct image_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		image_node_done(&index->at[i]);
	vec_done(index);
}
