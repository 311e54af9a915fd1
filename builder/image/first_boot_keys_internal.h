/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by first_boot_keys.c, which decides, and first_boot_keys_find.c, which looks through the tree. */
#include "builder/image/first_boot_keys.h"
#include "lib/vec.h"

enum found_kind {
	FOUND_NOTHING,
	FOUND_KEY,         /* a private key, or what only root and its service may read and is random */
	FOUND_PUBLIC_NAME, /* random, and every user may read it */
	FOUND_PUBLIC_KEY,  /* a certificate or a public key: of a FOUND_KEY, or of others */
	FOUND_LINK,        /* a symbolic link */
};

struct found_key {
	enum found_kind kind;
	char *path;       /* owned; absolute */
	const char *what; /* a clause: "has a private key"; NULL for kinds without */
	char *package;    /* owned; whose script makes it; NULL = not known */
	char *target;     /* owned; of a FOUND_LINK, else NULL */
	enum first_boot_match match;
};

struct found_keys {
	struct found_key *at; /* owned; by path */
	size_t n, max;
};
void found_keys_done(struct found_keys *k);
/* The FOUND_KEY of the same name, or in the same directory; NULL when it is of others. */
const struct found_key *found_keys_pair(const struct found_keys *found, const struct found_key *public);

/* Adds what nothing accounts for: no package's list, ucf's neither, no overlay or step of the build (image.json), no row of made.h.
 * *ret_packages: the names of all packages, sorted. */
int first_boot_keys_find(int rootfd, struct strings *ret_packages, struct found_keys *ret, struct error *err)
	MUST_CHECK;
