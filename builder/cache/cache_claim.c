/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/cache_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

/* Opens the file again when its last owner, or a build that cleans up, has removed it meanwhile. */
static int take(struct cache *cache, const char *name, const char *what, struct error *err)
{
	bool said = false;

	for (;;) {
		CLEANUP(close_p) int fd = openat(cache->fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return error_errno(err, errno, "open %s/%s", cache->path, name);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (!said)
				log_info("another build makes %s; waiting for it", what);
			said = true;
			while (flock(fd, LOCK_EX) < 0)
				if (errno != EINTR)
					return error_errno(err, errno, "lock %s/%s", cache->path, name);
		}
		if (file_still_there(cache->fd, name, fd))
			return TAKE_FD(fd);
	}
}

int cache_claim(struct cache *cache, const char *kind, const char *key, const char *what, struct cache_claim *ret,
		struct error *err)
{
	*ret = (struct cache_claim)CACHE_CLAIM_NONE;
	if (cache_has(cache, kind, key))
		return 0;
	*ret = (struct cache_claim){ .cache = cache, .name = xasprintf("tmp/%s.%s.claim", kind, key) };
	ret->fd = take(cache, ret->name, what, err);
	if (ret->fd < 0)
		return -1;
	ret->needed = !cache_has(cache, kind, key);
	return 0;
}

void cache_claim_done(struct cache_claim *claim)
{
	if (claim->fd >= 0)
		unlinkat(claim->cache->fd, claim->name, 0);
	close_p(&claim->fd);
	free(claim->name);
	*claim = (struct cache_claim)CACHE_CLAIM_NONE;
}
