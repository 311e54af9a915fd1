/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/file_conflicts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"

#define BUCKETS_FIRST (1u << 15)

struct file_conflicts {
	pthread_mutex_t lock;
	struct claim *bucket; /* owned; open addressing, path NULL = free; at most half full */
	size_t buckets, used;
	VEC(struct claim_conflict) conflicts;
};

struct file_conflicts *file_conflicts_new(void)
{
	struct file_conflicts *c = xcalloc(1, sizeof *c);

	pthread_mutex_init(&c->lock, NULL);
	c->buckets = BUCKETS_FIRST;
	c->bucket = xcalloc(c->buckets, sizeof *c->bucket);
	return c;
}

/* FNV-1a. */
static uint64_t hash_path(const char *path)
{
	uint64_t h = 14695981039346656037u;

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 1099511628211u;
	return h;
}

/* The path's bucket, or the free one where it would be inserted. */
static struct claim *find(const struct file_conflicts *c, const char *path)
{
	size_t i = hash_path(path) & (c->buckets - 1);

	while (c->bucket[i].path && strcmp(c->bucket[i].path, path))
		i = (i + 1) & (c->buckets - 1);
	return &c->bucket[i];
}

static void grow(struct file_conflicts *c)
{
	struct file_conflicts wider = { .buckets = c->buckets * 2 };

	wider.bucket = xcalloc(wider.buckets, sizeof *wider.bucket);
	for (size_t i = 0; i < c->buckets; i++)
		if (c->bucket[i].path)
			*find(&wider, c->bucket[i].path) = c->bucket[i];
	free(c->bucket);
	c->bucket = wider.bucket;
	c->buckets = wider.buckets;
}

static struct tar_entry stamp_of(const struct tar_entry *e)
{
	return (struct tar_entry){ .mode = e->mode, .uid = e->uid, .gid = e->gid, .mtime = e->mtime };
}

static bool take_new(struct file_conflicts *c, struct claim *claim, const char *path, unsigned owner,
		     const struct tar_entry *e)
{
	bool directory = S_ISDIR(e->mode);

	*claim = (struct claim){ .path = xstrdup(path), .owner = owner, .directory = directory, .stamp = stamp_of(e) };
	if (++c->used > c->buckets / 2)
		grow(c);
	return true;
}

static bool take_again(struct file_conflicts *c, struct claim *claim, unsigned owner, const struct tar_entry *e)
{
	bool directory = S_ISDIR(e->mode);

	if (claim->directory && directory) {
		if (owner < claim->owner) {
			claim->owner = owner;
			claim->stamp = stamp_of(e);
		}
		return true;
	}
	/* One package ships the path twice: the later member wins, as with tar. */
	if (claim->owner == owner && claim->directory == directory)
		return true;
	vec_push(&c->conflicts, (struct claim_conflict){ .path = xstrdup(claim->path),
							 .owner = claim->owner,
							 .rival = owner,
							 .kinds_differ = claim->directory != directory });
	return false;
}

bool file_conflicts_add(struct file_conflicts *c, const char *path, unsigned owner, const struct tar_entry *e)
{
	pthread_mutex_lock(&c->lock);
	struct claim *claim = find(c, path);
	bool mine = claim->path ? take_again(c, claim, owner, e) : take_new(c, claim, path, owner, e);
	pthread_mutex_unlock(&c->lock);
	return mine;
}

static int compare_conflicts(const void *a, const void *b)
{
	const struct claim_conflict *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order)
		return order;
	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->rival < y->rival ? -1 : x->rival > y->rival;
}

size_t file_conflicts_find(struct file_conflicts *c, const struct claim_conflict **ret)
{
	if (c->conflicts.n > 1)
		qsort(c->conflicts.at, c->conflicts.n, sizeof *c->conflicts.at, compare_conflicts);
	*ret = c->conflicts.at;
	return c->conflicts.n;
}

int file_conflicts_each_directory(struct file_conflicts *c,
				  int (*visit)(void *context, const struct claim *claim, struct error *err),
				  void *context, struct error *err)
{
	for (size_t i = 0; i < c->buckets; i++)
		if (c->bucket[i].path && c->bucket[i].directory && visit(context, &c->bucket[i], err) < 0)
			return -1;
	return 0;
}

void file_conflicts_free_p(struct file_conflicts **c)
{
	if (!*c)
		return;
	for (size_t i = 0; i < (*c)->buckets; i++)
		free((*c)->bucket[i].path);
	for (size_t i = 0; i < (*c)->conflicts.n; i++)
		free((*c)->conflicts.at[i].path);
	vec_done(&(*c)->conflicts);
	free((*c)->bucket);
	pthread_mutex_destroy(&(*c)->lock);
	free(*c);
}
