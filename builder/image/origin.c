/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/origin.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

#define LIST ".list"
#define DIVERSIONS "/var/lib/dpkg/diversions"
#define ORIGINS_MAX (4u << 20) /* a file may be in several lists, and a directory is in many */

static int add_path(struct origins *o, struct image *image, const char *path, const char *package, struct error *err)
{
	const struct image_entry *e;
	int found = image_stat(image, path, &e, err);

	if (o->list.n >= ORIGINS_MAX)
		return error_set(err, ERROR_FAILED, "dpkg's lists in the image name more than %u files", ORIGINS_MAX);
	if (found > 0)
		vec_push(&o->list, (struct origin){ e, package });
	return found < 0 ? -1 : 0;
}

struct reading {
	struct image *image;
	struct origins *origins;
};

/* NAME.list or NAME:ARCHITECTURE.list: a path a line. */
static int read_list(void *context, const struct image_entry *e, struct error *err)
{
	struct reading *r = context;
	CLEANUP(text_done) struct text text = { 0 };
	char *rest, *line;

	if (!text_starts(e->path, ORIGIN_INFO) || !text_ends(e->path, LIST) || !S_ISREG(e->mode))
		return 0;
	if (image_read(r->image, e->path, ORIGIN_FILE_MAX, &text, err) < 0)
		return -1;
	const char *name = e->path + strlen(ORIGIN_INFO);
	strings_own(&r->origins->packages, xstrndup(name, strlen(name) - strlen(LIST)));
	const char *package = r->origins->packages.at[r->origins->packages.n - 1];
	for (rest = text.data; (line = strsep(&rest, "\n"));)
		if (*line && add_path(r->origins, r->image, line, package, err) < 0)
			return -1;
	return 0;
}

/* Three lines a diversion: the path in the list, where the file is instead, and the package that diverts it. */
static int read_diversions(struct reading *r, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	const struct image_entry *e;
	int found = image_stat(r->image, DIVERSIONS, &e, err);

	if (found <= 0 || !S_ISREG(e->mode))
		return found < 0 ? -1 : 0;
	if (image_read(r->image, DIVERSIONS, ORIGIN_FILE_MAX, &text, err) < 0)
		return -1;
	char *rest = text.data, *line;
	for (unsigned i = 0; (line = strsep(&rest, "\n")); i++)
		if (i % 3 == 0)
			strings_add(&r->origins->diverted, line);
		else if (i % 3 == 1 && add_path(r->origins, r->image, line, "dpkg", err) < 0)
			return -1;
	return 0;
}

static int read_built(struct reading *r, const struct json *paths, struct error *err)
{
	for (size_t i = 0; i < json_count(paths); i++) {
		const char *path = json_as_string(json_at(paths, i));
		if (path && add_path(r->origins, r->image, path, NULL, err) < 0)
			return -1;
	}
	return 0;
}

/* The build's own first. */
static int compare(const void *a, const void *b)
{
	const struct origin *x = a, *y = b;

	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return !!x->package - !!y->package;
}

/* Leaves the first of each entry. */
static void sort(struct origins *o)
{
	size_t n = 0;

	if (o->list.n > 1)
		qsort(o->list.at, o->list.n, sizeof *o->list.at, compare);
	for (size_t i = 0; i < o->list.n; i++)
		if (!n || o->list.at[n - 1].entry != o->list.at[i].entry)
			o->list.at[n++] = o->list.at[i];
	o->list.n = n;
}

int origins_read(struct image *image, const struct json *about, struct origins *ret, struct error *err)
{
	struct reading r = { image, ret };

	if (image_walk(image, read_list, &r, err) < 0 || read_diversions(&r, err) < 0 ||
	    read_built(&r, json_get(about, "programs"), err) < 0 || read_built(&r, json_get(about, "files"), err) < 0)
		return -1;
	sort(ret);
	return 0;
}

const struct origin *origins_find(const struct origins *o, const struct image_entry *e)
{
	size_t low = 0, high = o->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (o->list.at[middle].entry == e)
			return &o->list.at[middle];
		if (o->list.at[middle].entry < e)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool origins_diverted(const struct origins *o, const char *path)
{
	return strings_has(&o->diverted, path);
}

void origins_done(struct origins *o)
{
	strings_done(&o->diverted);
	vec_done(&o->list);
	strings_done(&o->packages);
}
