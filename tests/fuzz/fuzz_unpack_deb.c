/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever calls itself a .deb, unpacked into a tree that has links out of it: what is next to the tree stays as it is. */
#include <stdint.h>

#include "builder/tree/unpack.h"
#include "tests/fuzz/canary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unpack(const struct deb *deb, int rootfd)
{
	CLEANUP(close_p) int infofd = -1;
	CLEANUP(file_conflicts_free_p) struct file_conflicts *conflicts = file_conflicts_new();
	CLEANUP(unpacked_done) struct unpacked done = { 0 };
	struct error err = { 0 };

	need(mkdirat(rootfd, "info", 0755) == 0 && mkdirat(rootfd, "usr", 0755) == 0 &&
	     symlinkat("usr/bin", rootfd, "bin") == 0 && (infofd = dir_open(rootfd, "info", &err)) >= 0);
	const struct unpack u = { .rootfd = rootfd, .infofd = infofd, .conflicts = conflicts };
	if (unpack_deb(&u, deb, &done, &err) < 0)
		need(*err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(deb_done) struct deb deb = { 0 };
	struct error err = { 0 };
	struct canary canary;

	if (deb_open(data, size, "fuzz", &deb, &err) < 0)
		return 0;
	canary_open(&canary);
	unpack(&deb, canary.root);
	canary_close(&canary);
	return 0;
}
