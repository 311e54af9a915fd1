/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/toolchain/source_package.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"

static int copy_file(struct cache *cache, const struct lock_file *file, int directory, struct error *err)
{
	if (strchr(file->name, '/'))
		return error_set(err, ERROR_INPUT, "'%s' is not a file name", file->name);
	CLEANUP(close_p) int in = cache_file(cache, file->sha256, err);
	if (in < 0)
		return -1;
	CLEANUP(close_p) int out = openat(directory, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (out < 0)
		return error_errno(err, errno, "create %s", file->name);
	return copy_all(in, out, err);
}

/* Runs dpkg-source without its signature checks: apt's signatures and the lock's digests verify every byte. */
static int extract(const struct toolchain *t, const char *work, const char *parts, const char *dsc,
		   const char *directory, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	struct toolchain_step step = { .work = work, .directory = parts, .argv = &argv };

	strings_add_all(&argv, "dpkg-source", "--no-check", "--no-copy", "--extract", dsc, NULL);
	strings_addf(&argv, TOOLCHAIN_WORK "/%s", directory);
	return toolchain_run(t, &step, err);
}

int source_package_unpack(const struct lock_source *s, const struct toolchain *t, const char *work,
			  const char *directory, struct error *err)
{
	CLEANUP(free_p) char *parts = xasprintf("%s.parts", s->name);
	CLEANUP(close_p) int workfd = dir_open(AT_FDCWD, work, err);
	const char *dsc = NULL;

	if (workfd < 0 || dir_make_in(workfd, parts, 0755, err) < 0)
		return -1;
	CLEANUP(close_p) int directory_fd = dir_open_in(workfd, parts, err);
	if (directory_fd < 0)
		return -1;
	for (size_t i = 0; i < s->files.list.n; i++) {
		if (copy_file(t->cache, &s->files.list.at[i], directory_fd, err) < 0)
			return error_wrap(err, "source package %s", s->name);
		if (text_ends(s->files.list.at[i].name, ".dsc"))
			dsc = s->files.list.at[i].name;
	}
	if (!dsc)
		return error_set(err, ERROR_INPUT, "the lock has no .dsc file of %s; run `nodekiln lock` again",
				 s->name);
	return extract(t, work, parts, dsc, directory, err);
}
