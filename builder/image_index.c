/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image_index.h"

#include <stdlib.h>
#include <string.h>

#define SYMLINKS_MAX 40 /* as the kernel has it */

static void node_done(struct image_node *node)
{
	free(node->entry.path);
	free(node->entry.link);
}

int image_index_add(struct image_index *index, struct image_node node, struct error *err)
{
	if (index->n >= IMAGE_ENTRIES_MAX) {
		node_done(&node);
		return error_set(err, ERROR_FAILED, "the image has more than %u entries", IMAGE_ENTRIES_MAX);
	}
	vec_push(index, node);
	return 0;
}

static int compare_path(const void *a, const void *b)
{
	const struct image_node *x = a, *y = b;

	return strcmp(x->entry.path, y->entry.path);
}

/* glibc's qsort() is a merge sort only while memory lasts, so the order of adding is made part of the key. */
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
			node_done(&sorted[--n]);
		sorted[n++] = *order[i];
	}
	free(order);
	free(index->at);
	*index = (struct image_index){ .at = sorted, .n = n, .max = index->n + 1 };
}

const struct image_node *image_index_find(const struct image_index *index, const char *path)
{
	struct image_node key = { .entry = { .path = (char *)path } };

	return index->n ? bsearch(&key, index->at, index->n, sizeof key, compare_path) : NULL;
}

/* Cuts the last component off; the root stays. */
static void path_up(struct text *path)
{
	char *slash = path->data ? strrchr(path->data, '/') : NULL;

	path->len = slash ? (size_t)(slash - path->data) : 0;
	if (path->data)
		path->data[path->len] = '\0';
}

/* The symlink at `here` is replaced by its target, in front of what is still to go. */
static char *expand(const char *target, const char *rest, struct text *here)
{
	path_up(here);
	if (*target == '/') {
		here->len = 0;
		here->data[0] = '\0';
	}
	return xasprintf("%s/%s", target, rest);
}

/* Takes one component off *rest and goes there. NULL: the entry is missing. */
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

void image_index_done(struct image_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		node_done(&index->at[i]);
	vec_done(index);
}
