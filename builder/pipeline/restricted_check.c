/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/restricted_check.h"

#include <errno.h>
#include <fcntl.h>

#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox.h"
#include "builder/source/source.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/macro.h"

static int check_images(const struct recipe *r, struct error *err)
{
	if (!r->images.control_plane && !r->images.archives.n && !source_has_images(r))
		return 0;
	return error_set(
		err, ERROR_HOST,
		"recipe '%s' preloads images, which needs mounts, but this process has neither CAP_SYS_ADMIN nor user "
		"namespaces; build it on a host that has either, or omit `images` (--set images.control_plane=false) "
		"and "
		"components with images",
		r->name);
}

static int open_device(void *context UNUSED, struct error *err)
{
	CLEANUP(close_p) int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return error_errno(
			err, errno,
			"open the device node /dev/null in the sandbox; for a container: --cap-add MKNOD, or "
			"--cap-add SYS_ADMIN, and a cache that is not mounted with nodev");
	return 0;
}

/* Enters a sandbox of an empty tree in the file system of the cache. A user namespace, the container's rules for
 * devices and system calls, a mount option or an old kernel may prevent that. */
static int try_sandbox(struct cache *cache, struct error *err)
{
	CLEANUP(free_p) char *scratch = NULL;
	CLEANUP(close_p) int fd = -1;
	struct error ignored = { 0 };

	if (cache_scratch(cache, &scratch, &fd, err) < 0)
		return -1;
	CLEANUP(free_p) char *root = xasprintf("%s/%s/tree", cache->path, scratch);
	int rc = dir_make(AT_FDCWD, root, 0755, err);
	if (rc == 0)
		rc = sandbox_call(&(struct sandbox){ .root = root }, open_device, NULL, err);
	if (tree_remove(cache->fd, scratch, &ignored) < 0)
		log_debug("%s", ignored.text); /* the next build removes it */
	return rc;
}

int restricted_check(const struct recipe *recipe, struct cache *cache, struct error *err)
{
	if (!rootless_restricted())
		return 0;
	if (check_images(recipe, err) < 0)
		return -1;
	if (try_sandbox(cache, err) == 0)
		return 0;
	if (err->class == ERROR_FAILED)
		err->class = ERROR_HOST;
	return error_wrap(err, "a build with neither CAP_SYS_ADMIN nor user namespaces");
}
