/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keys and names that packages' scripts have made while the image was built: each guest must make its own. The seal finds them by kind
 * (secret_key.h) among the files that nothing accounts for, removes them, and notes which package's script makes them: a file in
 * FIRST_BOOT_KEYS, named by the package, with the paths. In a guest, nodekiln-keys@PACKAGE.service (rootfs-overlays/common) runs this
 * script before other services start, and removes the note.
 */
#include "lib/error.h"
#include "lib/text.h"

#define FIRST_BOOT_KEYS "etc/nodekiln/first-boot-keys"
#define FIRST_BOOT_KEYS_UNIT "etc/systemd/system/nodekiln-keys@.service"
#define FIRST_BOOT_KEYS_MAX 65536 /* bytes of a note */

/* Removes them from a tree and writes the notes; warns of what no script makes again. Call it before the rules of sysprep.h, which
 * remove some of the files by path. */
int first_boot_keys_seal(int rootfd, struct error *err) MUST_CHECK;

/* Pure. How well a package's script explains a file: 0 not at all; the script names its directory, or the file itself. list: the paths
 * of the package. */
enum first_boot_match { MATCH_NONE, MATCH_DIRECTORY, MATCH_NAMED_DIRECTORY, MATCH_PATH };
enum first_boot_match first_boot_keys_match(const char *path, const char *list, const char *script);
/* Pure. The name of a package as an instance of a unit, as systemd-escape(1) writes it; owned by the caller. */
char *first_boot_keys_instance(const char *package) MUST_CHECK;
