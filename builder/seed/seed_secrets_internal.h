/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by seed_secrets*.c.
 */
#include "builder/seed/seed_secrets.h"
#include "lib/yaml.h"

#define SEED_SECRETS_VERSION_KEY "nodekiln_secrets" /* no cluster's name: it has a '_' */
#define SEED_SECRETS_VERSION 2
#define SEED_SECRETS_KEY 64 /* hex digits of a key */

/* seed_secrets_read.c; the tree is the file's. ERROR_INPUT, whose text may have a secret. */
int seed_secrets_read_tree(struct yaml *tree, struct seed_secrets *secrets, struct error *err) MUST_CHECK;
