/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/program_install.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/macro.h"

int program_create(int rootfd, const char *path, struct error *err)
{
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, path, true, &base);
	CLEANUP(close_p) int out = -1;

	if (parent >= 0 && (unlinkat(parent, base, 0) == 0 || errno == ENOENT))
		out = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755);
	/* fchmod(), because the mode must not depend on the umask. */
	if (out < 0 || fchmod(out, 0755) < 0)
		return error_errno(err, errno, "create %s", path);
	return TAKE_FD(out);
}

int program_copy(int in, const char *name, int rootfd, const char *path, struct error *err)
{
	CLEANUP(close_p) int out = program_create(rootfd, path, err);

	if (out < 0 || copy_all(in, out, err) < 0)
		return error_wrap(err, "install %s as %s", name, path);
	return 0;
}

int program_install(const char *from, int rootfd, const char *path, struct error *err)
{
	CLEANUP(close_p) int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (in < 0)
		return error_errno(err, errno, "open %s", from);
	return program_copy(in, from, rootfd, path, err);
}
