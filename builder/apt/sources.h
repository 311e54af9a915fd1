/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The repositories that an image is made from, each with the key or keyring that may sign for it. The order of calls:
 *
 *	sources_make		makes the list from recipe and mirror
 *	sources_read_keys	reads the keyrings that are files; sources_digest() is possible afterwards
 *	sources_fetch_keys	fetches the keys that are URLs
 *	sources_write		writes apt's input: one deb822 file, and the key files
 */
#include "builder/apt/mirror.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"
#include "lib/vec.h"

struct source {
	char *url, *suite;         /* owned; suite "/" for a flat repository */
	struct strings components; /* none for a flat repository */
	bool sources;              /* with source packages (deb-src) */
	bool expired;              /* an index that is past its Valid-Until is accepted */
	char *keyring;             /* owned; a file; NULL when key_url is set */
	char *key_url;             /* owned; of the armored key */
	char *fingerprint;         /* owned; apt accepts only signatures by this key; a key_url must have one */
	struct text key;           /* the keyring's content; of key_url only after sources_fetch_keys */
};

struct sources {
	VEC(struct source) list;
	char *architecture; /* owned */
};

int sources_make(const struct recipe *recipe, const struct mirror *mirror, struct sources *ret, struct error *err)
	MUST_CHECK;
void sources_done(struct sources *sources);

/* Reads the keyrings that are files. A missing one is ERROR_TRUST. */
int sources_read_keys(struct sources *sources, struct error *err) MUST_CHECK;
/* Fetches the keys that are URLs. Their content is not part of the digest, only the fingerprint is. */
int sources_fetch_keys(struct sources *sources, struct error *err) MUST_CHECK;
/* Digest over everything that decides what apt accepts; call sources_read_keys() first. */
void sources_digest(const struct sources *sources, char ret_hex[SHA256_HEX]);

/* Appends the deb822 text. directory: absolute path below which apt finds the keys. */
void sources_deb822(const struct sources *sources, const char *directory, struct text *ret);
/* Writes etc/apt/sources.list.d/nodekiln.sources, and the keys in keyrings/ and etc/apt/trusted.gpg.d/ below dirfd.
 * visible: absolute path that the directory has when apt reads them. */
int sources_write(const struct sources *sources, int dirfd, const char *visible, struct error *err) MUST_CHECK;
