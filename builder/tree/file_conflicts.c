/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/file_conflicts.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/alloc.h"

#define BUCKETS_FIRST (1u << 15)

struct file_conflicts {
	pthread_mutex_t lock;
	struct file_conflicts_entry *bucket; /* owned; open addressing, path NULL = free; at most half full */
	size_t buckets, used;
	VEC(struct file_conflict) conflicts;
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
static struct file_conflicts_entry *find(const struct file_conflicts *c, const char *path)
{
	size_t i = hash_path(path) & (c->buckets - 1);

	while (c->bucket[i].path && strcmp(c->bucket[i].path, path))
		i = (i + 1) & (c->buckets - 1);
	return &c->bucket[i];
}

static void grow(struct file_conflicts *c)
{
	struct file_conflicts larger = { .buckets = c->buckets * 2 };

	larger.bucket = xcalloc(larger.buckets, sizeof *larger.bucket);
	for (size_t i = 0; i < c->buckets; i++)
		if (c->bucket[i].path)
			*find(&larger, c->bucket[i].path) = c->bucket[i];
	free(c->bucket);
	c->bucket = larger.bucket;
	c->buckets = larger.buckets;
}

static struct tar_entry stamp_of(const struct tar_entry *e)
{
	return (struct tar_entry){ .mode = e->mode, .uid = e->uid, .gid = e->gid, .mtime = e->mtime };
}

static bool add_new(struct file_conflicts *c, struct file_conflicts_entry *entry, const char *path, unsigned owner,
		    const struct tar_entry *e)
{
	bool directory = S_ISDIR(e->mode);

	*entry = (struct file_conflicts_entry){
		.path = xstrdup(path), .owner = owner, .directory = directory, .stamp = stamp_of(e)
	};
	if (++c->used > c->buckets / 2)
		grow(c);
	return true;
}

static bool add_again(struct file_conflicts *c, struct file_conflicts_entry *entry, unsigned owner,
		      const struct tar_entry *e)
{
	bool directory = S_ISDIR(e->mode);

	if (entry->directory && directory) {
		if (owner < entry->owner) {
			entry->owner = owner;
			entry->stamp = stamp_of(e);
		}
		return true;
	}
	/* One package ships the path twice: the later member wins, as with tar. */
	if (entry->owner == owner && entry->directory == directory)
		return true;
	vec_push(&c->conflicts, (struct file_conflict){ .path = xstrdup(entry->path),
							.owner = entry->owner,
							.rival = owner,
							.kinds_differ = entry->directory != directory });
	return false;
}

bool file_conflicts_add(struct file_conflicts *c, const char *path, unsigned owner, const struct tar_entry *e)
{
	pthread_mutex_lock(&c->lock);
	struct file_conflicts_entry *entry = find(c, path);
	bool mine = entry->path ? add_again(c, entry, owner, e) : add_new(c, entry, path, owner, e);
	pthread_mutex_unlock(&c->lock);
	return mine;
}

static int compare_conflicts(const void *a, const void *b)
{
	const struct file_conflict *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order)
		return order;
	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->rival < y->rival ? -1 : x->rival > y->rival;
}

size_t file_conflicts_find(struct file_conflicts *c, const struct file_conflict **ret)
{
	if (c->conflicts.n > 1)
		qsort(c->conflicts.at, c->conflicts.n, sizeof *c->conflicts.at, compare_conflicts);
	*ret = c->conflicts.at;
	return c->conflicts.n;
}

int file_conflicts_each_directory(struct file_conflicts *c,
				  int (*visit)(void *context, const struct file_conflicts_entry *entry,
					       struct error *err),
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
