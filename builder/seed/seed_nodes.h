/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The nodes of one `nodekiln seed`: read, completed with their clusters' shared secrets, and validated one by one and
 * together, before anything is written.
 *
 * An init node without a token or certificate key gets that of its cluster, which is generated when there is none; a
 * value in the node's own file becomes that of the cluster. The other nodes get the secrets that their role needs and
 * their file does not set.
 */
#include "builder/seed/seed_secrets.h"
#include "lib/node_config.h"

struct seed_node {
	const char *file;        /* borrowed */
	char *name;              /* owned; the file's name without directory and .yaml */
	struct yaml *tree;       /* owned; NULL after it has been read */
	struct node_config node; /* owned */
};

struct seed_nodes {
	struct seed_node *at; /* owned */
	size_t n, max;
};

/* named: a node without node.name is named after its file. */
int seed_nodes_read(char *const *files, size_t n, bool named, struct seed_secrets *secrets, struct seed_nodes *ret,
		    struct error *err) MUST_CHECK;
void seed_nodes_done(struct seed_nodes *nodes);
