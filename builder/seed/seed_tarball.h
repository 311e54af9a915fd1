/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A node's seed in an LXC template: a copy of the tarball with NODE_CONFIG_FILE as one more member. The copy shares its blocks with
 * the original where the file system can, and nothing is compressed again: the new member takes the place of the archive's
 * last frame (tar.h), and another end follows:
 *
 *	[members of the image] [end]		->	[members of the image] [node.yaml] [end of a seed]
 *
 * The end of a seed decompresses to the same and looks different, so that no seed is made of a seed: Proxmox VE unpacks with
 * --skip-old-files, and the first node.yaml would stay.
 */
#include "lib/error.h"
#include "lib/text.h"

/* out: empty. ERROR_INPUT for a base that is no tarball of ours. */
int seed_tarball(int base, const char *base_name, const struct text *node, int out, struct error *err) MUST_CHECK;
