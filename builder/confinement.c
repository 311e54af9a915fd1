/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/confinement.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "builder/rootless.h"
#include "lib/file.h"

static int check_images(const struct recipe *r, struct error *err)
{
	if (!r->images.control_plane && !r->images.archives.n)
		return 0;
	return error_set(
		err, ERROR_HOST,
		"recipe '%s' preloads images, which takes mounts, and there are neither CAP_SYS_ADMIN nor user "
		"namespaces here; build it where there are, or leave `images` out (--set images.control_plane=false)",
		r->name);
}

/* Where the trees will be. A user namespace, the container's device rules or a mount option may forbid it. */
static int check_devices(const struct cache *cache, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("null.%d", (int)getpid());
	int made = mknodat(cache->fd, name, S_IFCHR | 0600, makedev(1, 3));
	CLEANUP(close_p) int fd = made < 0 ? -1 : openat(cache->fd, name, O_RDWR | O_CLOEXEC);
	int errnum = errno;

	if (made == 0)
		unlinkat(cache->fd, name, 0);
	if (fd >= 0)
		return 0;
	error_errno(
		err, errnum,
		"make and open a device node in %s, as a build with neither CAP_SYS_ADMIN nor user namespaces must; "
		"for a container: --cap-add MKNOD, or --cap-add SYS_ADMIN",
		cache->path);
	err->class = ERROR_HOST;
	return -1;
}

int confinement_check(const struct recipe *recipe, const struct cache *cache, struct error *err)
{
	if (!rootless_confined())
		return 0;
	return check_images(recipe, err) < 0 ? -1 : check_devices(cache, err);
}
