/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A node's seed in an LXC template: a copy of the tarball with NODE_CONFIG_FILE as one more member. The copy shares
 * its blocks with the original where the file system can, and nothing is compressed again: the new member replaces the
 * archive's last frame (tar.h), and a different end follows:
 *
 *	[members of the image] [end]		->	[members of the image] [node.yaml] [end of a seed]
 *
 * The end of a seed decompresses to the same bytes as the end of an image but differs from it in the file, so that no
 * seed is made from a seed: Proxmox VE unpacks with --skip-old-files, and the first node.yaml would win.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

/* Whether a file ends as a seed does. */
bool seed_tarball_is(int fd);
/* Whether a seed can be made from it: ERROR_INPUT. */
int seed_tarball_check(int base, const char *base_name, struct error *err) MUST_CHECK;
/* out: an empty file. ERROR_INPUT for a base that is not a tarball made by nodekiln. */
int seed_tarball(int base, const char *base_name, const struct text *node, int out, struct error *err) MUST_CHECK;
