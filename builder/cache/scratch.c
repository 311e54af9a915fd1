/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cache/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox.h"
#include "lib/file.h"
#include "lib/log.h"

#define MEMINFO_MAX 65536
/* Memory that the programs of the build (dpkg, compilers, compression) and the host need in addition to the trees. */
#define MEMORY_SPARE (1ull << 30)

const char *const scratch_names[] = { "auto", "memory", "disk", NULL };

/* MemAvailable of /proc/meminfo (proc_meminfo(5)) in bytes; 0 when it is unknown. */
static uint64_t memory_available(void)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };
	unsigned long long kib = 0;

	if (file_read(AT_FDCWD, "/proc/meminfo", MEMINFO_MAX, &t, &err) < 0)
		return 0;
	const char *line = strstr(t.data, "MemAvailable:");
	if (!line || sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
		return 0;
	return kib << 10;
}

static enum scratch_kind decide(enum scratch_kind wish, uint64_t need)
{
	if (rootless_restricted())
		return SCRATCH_DISK;
	if (wish != SCRATCH_AUTO)
		return wish;
	return memory_available() >= need + MEMORY_SPARE ? SCRATCH_MEMORY : SCRATCH_DISK;
}

/* overlayfs keeps its state in extended attributes; in a user namespace these are user.* attributes,
 * which tmpfs supports since Linux 6.6. */
static bool holds_attributes(const char *path)
{
	return !rootless() ||
	       (setxattr(path, "user.nodekiln", "", 0, 0) == 0 && removexattr(path, "user.nodekiln") == 0);
}

/* Mounts a tmpfs, unless overlayfs cannot use it in this user namespace. */
static int mount_memory(struct scratch *s, uint64_t size, struct error *err)
{
	if (sandbox_mount_tmpfs(s->path, size, err) < 0)
		return -1;
	if (holds_attributes(s->path))
		return 0;
	s->kind = SCRATCH_DISK;
	return sandbox_unmount(s->path, err);
}

int scratch_open(struct cache *cache, enum scratch_kind kind, uint64_t need, struct scratch *ret, struct error *err)
{
	struct scratch s = { .cache = cache, .fd = -1, .kind = decide(kind, need) };

	if (sandbox_private_mounts(err) < 0 || cache_scratch(cache, &s.name, &s.fd, err) < 0)
		return -1;
	s.path = xasprintf("%s/%s", cache->path, s.name);
	if (s.kind == SCRATCH_MEMORY && mount_memory(&s, need + MEMORY_SPARE / 2, err) < 0) {
		s.kind = SCRATCH_DISK;
		scratch_close(&s);
		return -1;
	}
	log_debug("working in %s (%s, %s needed)", s.path, scratch_names[s.kind], text_bytes(need));
	*ret = s;
	return 0;
}

int scratch_directory(const struct scratch *s, const char *name, char **ret, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s/%s", s->path, name);

	if (dir_make(AT_FDCWD, path, 0755, err) < 0)
		return -1;
	*ret = TAKE(path);
	return 0;
}

void scratch_forget(struct scratch *s)
{
	close_p(&s->fd);
	free(s->name);
	free(s->path);
	*s = (struct scratch){ .fd = -1 };
}

void scratch_close(struct scratch *s)
{
	struct error err = { 0 };

	if (!s->path)
		return;
	if (s->kind == SCRATCH_MEMORY && sandbox_unmount(s->path, &err) < 0)
		log_debug("%s", err.text); /* the mount namespace ends with this process anyway */
	if (tree_remove(s->cache->fd, s->name, &err) < 0)
		log_debug("%s", err.text); /* the next build removes it */
	scratch_forget(s);
}
