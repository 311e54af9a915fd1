/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/module_cache.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "builder/gomod/dirhash.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"

#define GO_MOD_MAX (16u << 20) /* as Go's own limit */

const char *const module_file_suffix[] = { [MODULE_ZIP] = ".zip", [MODULE_GO_MOD] = ".mod" };
static const char *const file_names[] = { [MODULE_ZIP] = "the zip", [MODULE_GO_MOD] = "go.mod" };

static const char *sum_of(const struct lock_module *m, enum module_file file)
{
	return file == MODULE_ZIP ? m->sum : m->mod_sum;
}

char *module_cache_name(const struct lock_module *m, enum module_file file)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char hex[SHA256_HEX];

	hash_field(h, "module", m->path);
	hash_field(h, "version", m->version);
	hash_field(h, "file", module_file_suffix[file]);
	hash_field(h, "sum", sum_of(m, file));
	hash_hex(h, hex);
	return xasprintf("%s%s", hex, module_file_suffix[file]);
}

bool module_cache_has(struct cache *cache, const struct lock_module *m, enum module_file file)
{
	CLEANUP(free_p) char *name = module_cache_name(m, file);
	CLEANUP(free_p) char *path = xasprintf(MODULE_CACHE "/%s", name);
	struct stat st;

	if (fstatat(cache->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	/* A power failure may leave an empty file, which cache_publish() would not replace. */
	if (st.st_size == 0) {
		unlinkat(cache->fd, path, 0);
		return false;
	}
	cache_touch(cache, path);
	return true;
}

static int hash_file(int fd, const struct lock_module *m, enum module_file file, char ret[DIRHASH_SIZE],
		     struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s %s%s", m->path, m->version, module_file_suffix[file]);
	struct stat st;

	if (file == MODULE_ZIP)
		return dirhash_zip(fd, name, ret, err);
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size > GO_MOD_MAX)
		return error_set(err, ERROR_TRUST, "%s is larger than the limit", name);
	CLEANUP(free_p) char *bytes = xmalloc((size_t)st.st_size + 1);
	if (pread_all(fd, bytes, (size_t)st.st_size, 0) < 0)
		return error_set(err, ERROR_FAILED, "%s cannot be read", name);
	dirhash_go_mod(bytes, (size_t)st.st_size, ret);
	return 0;
}

int module_cache_store(struct cache *cache, const char *scratch_name, int fd, const struct lock_module *m,
		       enum module_file file, const char *from, struct error *err)
{
	CLEANUP(free_p) char *name = module_cache_name(m, file);
	char sum[DIRHASH_SIZE];

	if (hash_file(fd, m, file, sum, err) < 0)
		return error_wrap(err, "module %s %s from %s", m->path, m->version, from);
	if (strcmp(sum, sum_of(m, file)) != 0)
		return error_set(err, ERROR_TRUST,
				 "%s of module %s %s from %s is not what was locked: its checksum is %s instead of %s; "
				 "do not trust this proxy",
				 file_names[file], m->path, m->version, from, sum, sum_of(m, file));
	return cache_publish(cache, scratch_name, MODULE_CACHE, name, err);
}

int module_cache_check(struct cache *cache, const struct lock_module *m, enum module_file file, struct error *err)
{
	CLEANUP(free_p) char *name = module_cache_name(m, file);
	CLEANUP(free_p) char *path = xasprintf(MODULE_CACHE "/%s", name);
	CLEANUP(close_p) int fd = openat(cache->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct error damaged = { 0 };
	char sum[DIRHASH_SIZE];

	if (fd >= 0 && hash_file(fd, m, file, sum, &damaged) == 0 && strcmp(sum, sum_of(m, file)) == 0)
		return 0;
	(void)unlinkat(cache->fd, path, 0);
	return error_set(
		err, ERROR_TRUST,
		"%s of module %s %s in the cache, %s/%s, is not what was stored there; it is removed now, build "
		"again",
		file_names[file], m->path, m->version, cache->path, path);
}
