/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/tree_date.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"

#define DOC "usr/share/doc"

/* dpkg-deb limits the mtime of a package's files to the date of the last changelog entry, which the changelog itself
 * gets. */
static void look_at(int rootfd, const char *package, time_t *newest)
{
	static const char *const names[] = { "changelog.Debian.gz", "changelog.gz", "changelog.Debian.amd64.gz" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(free_p) char *path = xasprintf(DOC "/%s/%s", package, names[i]);
		CLEANUP(close_p) int fd = file_open_in(rootfd, path, O_PATH | O_NOFOLLOW, 0);
		struct stat st;
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtime > *newest)
			*newest = st.st_mtime;
	}
}

int tree_date(int rootfd, time_t *ret, struct error *err)
{
	int fd = file_open_in(rootfd, DOC, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	*ret = TREE_DATE_OLDEST;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (!dir)
		return error_errno(err, errno, "read " DOC);
	while ((errno = 0, entry = readdir(dir)))
		look_at(rootfd, entry->d_name, ret);
	return errno ? error_errno(err, errno, "read " DOC) : 0;
}
