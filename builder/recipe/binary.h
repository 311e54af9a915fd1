/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One release binary or archive that a recipe fetches by its digest (kubernetes.source: binaries, or packages in addition
 * to these).
 */
#include <stdbool.h>

struct binary {
	char *url, *sha256; /* owned, as all fields */
	char *path;         /* absolute path in the image; an archive is unpacked there */
	char *member;       /* the only file of an archive to install, as path; else NULL */
	bool archive;       /* to be unpacked as a whole */
};
