/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's build cache, which stays between builds. Go believes what is in it, so it is used only with a good seal (seal.h), and
 * otherwise emptied. The seal is removed while Go compiles: what a killed build leaves is not used. One build at a time has
 * it, by flock(2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "builder/gomod/go_tree.h"
#include "builder/sandbox/rootless.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/log.h"

#define CACHE_TARGET "/gocache"

/* Of one tree: the cache does not notice another libseccomp, and a Go of another lock may have put anything there. Versions of
 * nodekiln without seals use gocache/DIGEST, which may be in use now. */
static char *cache_name(const struct lock *lock)
{
	char digest[SHA256_HEX];

	lock_group_digest(lock, LOCK_GO, digest);
	return xasprintf("gocache/sealed.%s", digest);
}

static int lock_patiently(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		log_info("another build compiles with Go; this one continues when it has ended");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* Waits while another build compiles with it. 1 with the lock; 0 when the directory was replaced meanwhile. */
static int lock_cache(const struct cache *cache, const char *name, int *ret_fd, struct error *err)
{
	if (dir_make(cache->fd, name, 0700, err) < 0)
		return -1;
	CLEANUP(close_p) int fd = openat(cache->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open %s/%s", cache->path, name);
	if (lock_patiently(fd) < 0)
		return error_errno(err, errno, "lock %s/%s", cache->path, name);
	if (!file_still_there(cache->fd, name, fd))
		return 0;
	*ret_fd = TAKE_FD(fd);
	return 1;
}

static bool is_usable(const struct cache *cache, const char *name, int fd)
{
	struct error why = { 0 };

	if (file_check_own(fd, name, S_IRWXG | S_IRWXO, &why) == 0)
		return dir_is_empty(fd, ".") || seal_check(cache, name);
	log_debug("%s", why.text);
	return false;
}

static int enter_cache(struct go_tree *g, const char *name, struct error *err)
{
	const struct cache *cache = g->toolchain.cache;
	CLEANUP(free_p) char *seal = seal_name(name);

	for (;;) {
		CLEANUP(close_p) int fd = -1;
		int rc = lock_cache(cache, name, &fd, err);
		if (rc < 0)
			return -1;
		if (rc > 0 && is_usable(cache, name, fd)) {
			unlinkat(cache->fd, seal, 0);
			g->kept = xstrdup(name);
			g->keptfd = TAKE_FD(fd);
			return 0;
		}
		if (rc > 0 && tree_remove(cache->fd, name, err) < 0)
			return -1;
	}
}

int go_tree_keep_cache(struct go_tree *g, struct error *err)
{
	struct cache *cache = g->toolchain.cache;
	CLEANUP(free_p) char *name = cache_name(g->toolchain.lock);

	if (!rootless_restricted()) {
		CLEANUP(free_p) char *path = xasprintf("%s/%s", cache->path, name);
		if (enter_cache(g, name, err) < 0)
			return -1;
		cache_touch(cache, name);
		sandbox_binds_add(&g->binds, path, CACHE_TARGET);
	}
	strings_addf(&g->environment, "GOCACHE=%s", g->kept ? CACHE_TARGET : TOOLCHAIN_WORK "/cache");
	return 0;
}

void go_tree_seal_cache(struct go_tree *g)
{
	struct error err = { 0 };

	if (!g->kept)
		return;
	if (seal_write(g->toolchain.cache, g->kept, g->kept, &err) < 0)
		log_debug("%s", err.text); /* the next build begins with an empty one */
	close_p(&g->keptfd);
	free(g->kept);
	g->kept = NULL;
}
