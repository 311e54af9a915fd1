/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_fetch.h"

void lock_wants_packages(const struct lock *lock, enum lock_group group, struct lock_wants *wants)
{
	for (size_t i = 0; i < lock->group[group].n; i++) {
		const struct lock_package *p = &lock->group[group].at[i];

		vec_push(&wants->list, (struct cache_want){ p->name, p->url, p->sha256, p->size, true });
		wants->bytes += p->size;
	}
}

/* apt: they are from an apt repository. */
static void want_files(const struct lock_files *files, bool apt, struct lock_wants *wants)
{
	for (size_t i = 0; i < files->list.n; i++) {
		const struct lock_file *f = &files->list.at[i];

		vec_push(&wants->list, (struct cache_want){ f->name, f->url, f->sha256, f->size, apt });
		wants->bytes += f->size;
	}
}

void lock_wants_done(struct lock_wants *wants)
{
	vec_done(&wants->list);
	wants->bytes = 0;
}

int lock_fetch_packages(const struct lock *lock, enum lock_group group, struct cache *cache, struct error *err)
{
	CLEANUP(lock_wants_done) struct lock_wants wants = { 0 };

	lock_wants_packages(lock, group, &wants);
	return cache_fetch(cache, wants.list.at, wants.list.n, NULL, NULL, err);
}

int lock_fetch_source(const struct lock_source *source, struct cache *cache, struct error *err)
{
	CLEANUP(lock_wants_done) struct lock_wants wants = { 0 };

	want_files(&source->files, true, &wants);
	return cache_fetch(cache, wants.list.at, wants.list.n, NULL, NULL, err);
}

int lock_fetch_files(const struct lock_files *files, struct cache *cache, struct error *err)
{
	CLEANUP(lock_wants_done) struct lock_wants wants = { 0 };

	want_files(files, false, &wants);
	return cache_fetch(cache, wants.list.at, wants.list.n, NULL, NULL, err);
}
