/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One release binary or archive that a recipe fetches by its digest (kubernetes.source: binaries, and beside packages).
 */
#include <stdbool.h>

struct binary {
	char *url, *sha256; /* owned, as all */
	char *path;         /* where it goes in the image, absolute; an archive is unpacked there */
	char *member;       /* only this file of an archive is wanted, and becomes path; else NULL */
	bool archive;       /* to be unpacked as a whole */
};
