/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts, in a mount namespace that ends with the job. */
#include "builder/sandbox/mount.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/text.h"
#include "tests/unit/check_job.h"

static int attach_and_detach(void *path, struct error *err)
{
	CLEANUP(free_p) char *again = xasprintf("%s/again", (char *)path);
	CLEANUP(free_p) char *source = xasprintf("%s/source", (char *)path);
	struct stat before, after;
	struct statvfs fs;

	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, errno, "unshare");
	EXPECT(stat(path, &before) == 0);
	if (mount_attach("none", "/", NULL, "rprivate", err) < 0 ||
	    mount_attach("nodekiln", path, "tmpfs", "nosuid,size=64k", err) < 0)
		return -1;
	EXPECT(stat(path, &after) == 0 && before.st_dev != after.st_dev);
	EXPECT(statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID && fs.f_blocks * fs.f_frsize == 65536);
	EXPECT(mkdir(source, 0755) == 0 && mkdir(again, 0755) == 0);
	if (mount_attach(source, again, NULL, "bind,ro", err) < 0)
		return -1;
	EXPECT(statvfs(again, &fs) == 0 && fs.f_flag & ST_RDONLY);
	if (mount_no_devices(again, err) < 0)
		return -1;
	EXPECT(statvfs(again, &fs) == 0 && fs.f_flag & ST_NODEV && fs.f_flag & ST_RDONLY);
	EXPECT(mount_no_devices("/no/such/directory", err) < 0 && err->class == ERROR_HOST);
	if (mount_detach(again, err) < 0 || mount_detach(path, err) < 0)
		return -1;
	EXPECT(stat(path, &after) == 0 && before.st_dev == after.st_dev);
	EXPECT(mount_detach(path, err) < 0 && strstr(err->text, "unmount"));
	EXPECT(mount_attach("nodekiln", "/no/such/directory", "tmpfs", NULL, err) < 0);
	EXPECT(strstr(err->text, "mount /no/such/directory"));
	return 0;
}

/* The job gets an empty directory. */
static const char *run(job_fn *fn)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX";

	if (!mkdtemp(path))
		abort();
	const char *why = check_job(fn, path);
	rmdir(path);
	return why;
}

TEST(mount_attach_and_detach)
{
	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_STR(run(attach_and_detach), "");
}

static int without_rights(void *path, struct error *err)
{
	if (geteuid() == 0 && setuid(65534) < 0)
		return error_errno(err, errno, "setuid");
	EXPECT(mount_attach("nodekiln", path, "tmpfs", NULL, err) < 0);
	if (err->class != ERROR_HOST)
		return error_wrap(err, "not of the host");
	return 0;
}

TEST(mount_attach_without_rights_is_of_the_host)
{
	CHECK_STR(run(without_rights), "");
}
