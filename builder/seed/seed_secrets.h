/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The secrets that the nodes of a cluster share, by cluster: the bootstrap token and the certificate key. They can be
 * kept in a file, so that nodes that are seeded later get the same secrets:
 *
 *	lab:
 *	  token: ...
 *	  certificate_key: ...
 *
 * The file is readable only by its owner (0600) and locked from open to close, so that two concurrent runs agree.
 */
#include <stdbool.h>

#include "lib/error.h"

struct seed_secret {
	char *cluster, *token, *certificate_key; /* owned; NULL = not known yet */
};

struct seed_secrets {
	const char *file;       /* borrowed; NULL = not kept in a file */
	int lock;               /* owned; -1 = none */
	struct seed_secret *at; /* owned */
	size_t n, max;
	bool changed;   /* the file must be written */
	bool generated; /* at least one secret is new, not only copied from a node's file */
};

/* Reads the file; creates an empty one when it does not exist. file may be NULL. */
int seed_secrets_open(const char *file, struct seed_secrets *ret, struct error *err) MUST_CHECK;
/* The cluster's secrets; empty for a new cluster. Valid until the next call. */
struct seed_secret *seed_secrets_of(struct seed_secrets *secrets, const char *cluster);
/* Generates the secrets that are missing. */
void seed_secrets_generate(struct seed_secrets *secrets, struct seed_secret *secret);
/* Writes the file if something changed. */
int seed_secrets_save(struct seed_secrets *secrets, struct error *err) MUST_CHECK;
/* Overwrites the secrets in memory, then frees; unlocks; removes the file if it is still empty. */
void seed_secrets_close(struct seed_secrets *secrets);
