/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the nodes of a cluster share and nobody else may know, by cluster: the bootstrap token and the certificate key. It can be kept
 * in a file, so that nodes that are seeded later get the same:
 *
 *	lab:
 *	  token: ...
 *	  certificate_key: ...
 *
 * The file is its owner's alone (0600), and locked from open to close: two seeds at once agree.
 */
#include <stdbool.h>

#include "lib/error.h"

struct seed_secret {
	char *cluster, *token, *certificate_key; /* owned; NULL = not known yet */
};

struct seed_secrets {
	const char *file;       /* borrowed; NULL = not kept */
	int lock;               /* owned; -1 = none */
	struct seed_secret *at; /* owned */
	size_t n, max;
	bool changed;   /* there is something to save */
	bool generated; /* and some of it nobody has seen before */
};

/* Reads the file, when there is one; an absent one is made empty. file may be NULL. */
int seed_secrets_open(const char *file, struct seed_secrets *ret, struct error *err) MUST_CHECK;
/* The cluster's; empty when it is new. Valid until the next call. */
struct seed_secret *seed_secrets_of(struct seed_secrets *secrets, const char *cluster);
/* Generates what is missing. */
void seed_secrets_generate(struct seed_secrets *secrets, struct seed_secret *secret);
/* Writes the file when something changed. */
int seed_secrets_save(struct seed_secrets *secrets, struct error *err) MUST_CHECK;
/* Overwrites the secrets in memory, then frees; unlocks; takes an empty file away again. */
void seed_secrets_close(struct seed_secrets *secrets);
