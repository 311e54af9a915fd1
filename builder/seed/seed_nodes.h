/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The nodes of one `nodekiln seed`: read, completed with their clusters' shared secrets, and judged one by one and together, before
 * anything is written.
 *
 * An init node that has no token or certificate key gets its cluster's, generated when that has none; what it brings itself becomes
 * the cluster's. The other nodes get what their role needs and they do not bring.
 */
#include "builder/seed/seed_secrets.h"
#include "lib/node_config.h"

struct seed_node {
	const char *file;        /* borrowed */
	char *name;              /* owned; the file's, without directory and .yaml */
	struct yaml *tree;       /* owned; until it is read */
	struct node_config node; /* owned */
};

struct seed_nodes {
	struct seed_node *at; /* owned */
	size_t n, max;
};

/* named: a node without node.name gets that of its file. */
int seed_nodes_read(char *const *files, size_t n, bool named, struct seed_secrets *secrets, struct seed_nodes *ret,
		    struct error *err) MUST_CHECK;
void seed_nodes_done(struct seed_nodes *nodes);
