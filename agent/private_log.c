/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/private_log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

static int open_log(const char *root, struct error *err)
{
	CLEANUP(free_p) char *directory = xasprintf("%s/run/nodekiln", root);
	CLEANUP(free_p) char *file = xasprintf("%s" PRIVATE_LOG_FILE, root);

	if (dir_make(AT_FDCWD, directory, 0755, err) < 0)
		return -1;
	int fd = open(file, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "open %s", file);
	return fd;
}

static int add_line(int fd, const char *line, struct error *err)
{
	struct stat st;

	/* An old log is emptied rather than rotated: what matters is the last failure. */
	if (fstat(fd, &st) < 0 || (st.st_size > PRIVATE_LOG_MAX && ftruncate(fd, 0) < 0) ||
	    write_all(fd, line, strlen(line)) < 0)
		return error_errno(err, errno, "write " PRIVATE_LOG_FILE);
	return 0;
}

void private_log(const char *root, const struct error *err)
{
	struct error why = { 0 };
	char now[CLOCK_TEXT_MAX];

	if (!*err->private.text)
		return;
	CLEANUP(free_p) char *full = error_full(err);
	CLEANUP(free_p) char *line = xasprintf("%s %s\n", clock_text(time(NULL), now), full);
	CLEANUP(close_p) int fd = open_log(root, &why);
	if (fd < 0 || add_line(fd, line, &why) < 0)
		log_warning("%s", why.text);
}
