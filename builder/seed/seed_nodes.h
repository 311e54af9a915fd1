/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The nodes of one `nodekiln seed`: read, completed with their clusters' shared secrets, and validated one by one and
 * together, before anything is written.
 *
 * The cluster's PKI is made when there is none, and each node gets what its role needs of it (pki.h).
 *
 * Where kubeadm makes the PKI (the cluster's secrets or the init node's file have a token, or the caller asks for it), an
 * init node without a token or certificate key gets that of its cluster, which is generated when there is none; a
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

struct seed_nodes_options {
	bool named;   /* a node without node.name is named after its file; with the PKI each is */
	bool kubeadm; /* kubeadm makes the PKI of new clusters */
	long seconds; /* that the nodes' certificates are good for */
};

/* "nodes/w1.yaml": "w1"; owned by the caller. */
char *seed_nodes_name(const char *file) MUST_CHECK;
int seed_nodes_read(char *const *files, size_t n, const struct seed_nodes_options *options,
		    struct seed_secrets *secrets, struct seed_nodes *ret, struct error *err) MUST_CHECK;
void seed_nodes_done(struct seed_nodes *nodes);
