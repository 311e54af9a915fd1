/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Removes what no golden image may contain: identities, keys, passwords, logs, caches, seeds. Keys that scripts of packages have made are
 * found by kind (first_boot_keys.h); for what a path is enough to know, one table has the
 * rules: `sysprep_apply` makes a tree comply at the end of a build, `verify` checks the same table on the finished
 * artifact. The rules are the same for both artifacts. /etc/machine-id is empty rather than `uninitialized`:
 * systemd then applies no presets at first boot, so the units that start are those that `verify` saw enabled;
 * Proxmox VE empties or removes the file for every container anyway.
 */
#include "builder/image/fault.h"
#include "builder/image/image_reader.h"
#include "lib/error.h"

enum sysprep_action {
	SYSPREP_ABSENT,     /* must not exist (the last component may be a shell pattern) */
	SYSPREP_EMPTY_DIR,  /* the directory may exist, with nothing in it */
	SYSPREP_NO_FILES,   /* directories may exist, with their owners and modes; nothing else at any depth */
	SYSPREP_EMPTY_FILE, /* exists, 0 bytes */
	SYSPREP_UNWRITTEN,  /* absent, a symlink, or 0 bytes */
	SYSPREP_TEXT,       /* a file with exactly this text where its program is installed; else absent */
};

struct sysprep_rule {
	enum sysprep_action action;
	const char *path; /* absolute, no symlink in it */
	const char *why;  /* one clause, for the finding */
};
extern const struct sysprep_rule sysprep_rules[];
extern const size_t sysprep_rules_count;

/* Of a SYSPREP_TEXT rule: the text, and the program that needs the file (an absolute path). */
struct sysprep_text {
	const char *path, *program, *text;
};
const struct sysprep_text *sysprep_text(const struct sysprep_rule *rule);

/* Paths below / that only a guest with its own kernel needs, so that a container's tarball leaves them out; ends with NULL. */
extern const char *const sysprep_container_lacks[];

/* Whether the rule is about path itself (ABSENT, EMPTY_FILE, UNWRITTEN, TEXT) or an entry below it (EMPTY_DIR, NO_FILES). */
bool sysprep_concerns(const struct sysprep_rule *rule, const char *path);

int sysprep_apply(const char *root, struct error *err) MUST_CHECK;
/* Adds every finding (sentences) to *ret_findings instead of stopping at the first. */
int sysprep_check(struct image *image, struct faults *ret_findings, struct error *err) MUST_CHECK;

/* /etc/shadow: no account may have a password (`*`, `!` and their combinations lock an account). Pure.
 * Adds the text with every password field locked to *ret; true when that changed anything. */
bool sysprep_shadow_lock(const char *shadow, struct text *ret);
void sysprep_shadow_check(const char *shadow, struct faults *ret_findings);
