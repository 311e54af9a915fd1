/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A directory that is used as a guest's "/", with files by their absolute names, and programs in place of the guest's:
 *
 *	FAKE_ROOT();
 *	fake_put(path, "/etc/x", "text");
 *	fake_program(path, "kubeadm", "echo said; exit 1");	a shell script, first in PATH
 *	...
 *	FAKE_ROOT_END();
 */
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

#define FAKE_FILE_MAX (1 << 20)

#define FAKE_ROOT()                                                                                                    \
	char path[] = "/tmp/nodekiln-test.XXXXXX";                                                                     \
	struct error err = { 0 };                                                                                      \
	CHECK(mkdtemp(path))
#define FAKE_ROOT_END() CHECK(tree_remove(AT_FDCWD, path, &err) == 0)

UNUSED static void fake_putn(const char *root, const char *name, const void *bytes, size_t len)
{
	CLEANUP(close_p) int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = { 0 };

	if (file_write_in(fd, name, bytes, len, 0644, &err) < 0) {
		printf("# %s\n", err.text);
		exit(1);
	}
}

UNUSED static void fake_put(const char *root, const char *name, const char *text)
{
	fake_putn(root, name, text, strlen(text));
}

/* Owned by the caller; NULL when it is not there. */
UNUSED static char *fake_get(const char *root, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("%s%s", root, name);
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	return file_read(AT_FDCWD, file, FAKE_FILE_MAX, &text, &err) == 0 ? text_take(&text) : NULL;
}

UNUSED static bool fake_has(const char *root, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("%s%s", root, name);
	struct stat st;

	return lstat(file, &st) == 0;
}

/* From a file of the repository. */
UNUSED static void fake_copy(const char *root, const char *name, const char *from)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (file_read(AT_FDCWD, from, FAKE_FILE_MAX, &text, &err) < 0) {
		printf("# %s\n", err.text);
		exit(1);
	}
	fake_putn(root, name, text.data, text.len);
}

/* The script finds the root in $root: the environment of the program under test is not its own. */
UNUSED static void fake_program(const char *root, const char *name, const char *script)
{
	CLEANUP(free_p) char *file = xasprintf("%s/programs/%s", root, name);
	CLEANUP(free_p) char *text = xasprintf("#!/bin/sh\nroot=%s\n%s\n", root, script);
	CLEANUP(free_p) char *search = xasprintf("%s/programs:/usr/bin:/bin", root);

	fake_put(root, file + strlen(root), text);
	if (chmod(file, 0755) < 0 || setenv("PATH", search, 1) < 0)
		exit(1);
}
