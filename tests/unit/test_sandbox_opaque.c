/* SPDX-License-Identifier: Apache-2.0 */
/* The one attribute that an importer of images may set, from inside a sandbox. */
#include "builder/sandbox/sandbox_opaque.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "builder/sandbox/sandbox.h"
#include "lib/file.h"
#include "tests/unit/check_job.h"

#define OPAQUE "trusted.overlay.opaque"

static bool marks(const char *path, const char *name, const char *value, size_t n)
{
	errno = 0;
	return setxattr(path, name, value, n, 0) == 0;
}

static int inside(void *context UNUSED, struct error *err)
{
	EXPECT(mkdir("/store/a", 0755) == 0 && mkdir("/store/a/b", 0755) == 0 && mkdir("/other", 0755) == 0);
	EXPECT(symlink("/other", "/store/link") == 0 && symlink("a", "/store/near") == 0);
	EXPECT(marks("/store/a/b", OPAQUE, "y", 1) && marks("/store//a", OPAQUE, "y", 1));
	EXPECT(!marks("/other", OPAQUE, "y", 1) && errno == EPERM);
	EXPECT(!marks("/store", OPAQUE, "y", 1) && errno == EPERM);
	EXPECT(!marks("/store/../other", OPAQUE, "y", 1) && errno == EXDEV);
	EXPECT(!marks("/store/link", OPAQUE, "y", 1) && !marks("/store/near/b", OPAQUE, "y", 1));
	EXPECT(!marks("/store/missing", OPAQUE, "y", 1) && errno == ENOENT);
	EXPECT(!marks("/store/a", OPAQUE, "x", 1) && !marks("/store/a", OPAQUE, "yy", 2));
	EXPECT(!marks("/store/a", "trusted.overlay.redirect", "y", 1) && errno == EPERM);
	EXPECT(!marks(NULL, OPAQUE, "y", 1) && errno == EFAULT);
	return 0;
}

static int try_in(const char *path, enum sandbox_rights rights, struct error *err)
{
	const struct sandbox sandbox = { .root = path, .rights = rights, .opaque_below = "/store" };

	return sandbox_call(&sandbox, inside, NULL, err);
}

TEST(sandbox_opaque_marks_directories_of_the_store)
{
	char path[] = "/tmp/nodekiln-test.XXXXXX", value[2] = "";
	struct error err = { 0 };

	if (geteuid() != 0)
		SKIP("needs root");
	if (!mkdtemp(path))
		abort();
	CLEANUP(free_p) char *store = xasprintf("%s/store", path), *marked = xasprintf("%s/a/b", store);
	CLEANUP(free_p) char *other = xasprintf("%s/other", path);
	CHECK(mkdir(store, 0755) == 0);
	CHECK_STR(try_in(path, SANDBOX_MOUNTS, &err) < 0 ? err.text : "", "");
	CHECK(getxattr(marked, OPAQUE, value, sizeof value) == 1 && *value == 'y');
	CHECK(getxattr(other, OPAQUE, value, sizeof value) < 0);
	/* Without the right to mount, the kernel refuses it. */
	CHECK(tree_remove(AT_FDCWD, other, &err) == 0 && tree_remove(AT_FDCWD, store, &err) == 0 &&
	      mkdir(store, 0755) == 0);
	CHECK(try_in(path, SANDBOX_NO_RIGHTS, &err) < 0 && strstr(err.text, "/store/a/b"));
	CHECK(tree_remove(AT_FDCWD, path, &err) == 0);
}
