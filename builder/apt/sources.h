/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The repositories that an image is made from, each with the one key or keyring that may sign for it.
 *
 *	sources_make	recipe and mirror to the list
 *	sources_load	reads the keyrings, fetches keys that are named by an address
 *	sources_write	what apt reads: one deb822 file, and the keys beside it
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
	bool sources;              /* source packages, too */
	char *keyring;             /* owned; a file; NULL when key_url is set */
	char *key_url;             /* owned; where the armored key is */
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

/* Keyrings that are files. A missing one is ERROR_TRUST with the package that brings it. */
int sources_read_keys(struct sources *sources, struct error *err) MUST_CHECK;
/* Keys that are addresses: their content is not part of the digest, the fingerprint is. */
int sources_fetch_keys(struct sources *sources, struct error *err) MUST_CHECK;
/* Over everything that decides what apt may see, after sources_read_keys. */
void sources_digest(const struct sources *sources, char ret_hex[SHA256_HEX]);

/* directory: absolute path where apt will find the keys. */
void sources_deb822(const struct sources *sources, const char *directory, struct text *ret);
/* Below directory: etc/apt/sources.list.d/nodekiln.sources, keyrings/, etc/apt/trusted.gpg.d/. visible: the absolute path that
 * the directory has, or will have, when apt reads them. */
int sources_write(const struct sources *sources, int dirfd, const char *visible, struct error *err) MUST_CHECK;
