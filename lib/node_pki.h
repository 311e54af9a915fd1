/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The section `pki` of a node configuration, which is also what a cluster's file of secrets has of its PKI. Certificates and public keys
 * are PEM text, private keys 64 hex digits (lib/ec_key.h).
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/macro.h"

/* All pointers are owned; NULL = not given. */
struct node_pki {
	char *ca;                         /* the cluster's CA */
	char *certificate;                /* of this node: O=system:nodes, CN=system:node:NAME; only for its join */
	char *key;                        /* of that certificate; SECRET */
	char *ca_key;                     /* this and the following: of control planes; SECRET */
	char *etcd_ca;                    /* a CA of its own */
	char *etcd_ca_key;                /* SECRET */
	char *front_proxy_ca;             /* another one */
	char *front_proxy_ca_key;         /* SECRET */
	char *service_account_public_key; /* verifies the tokens of service accounts */
	char *service_account_key;        /* signs them; SECRET */
};

/* The keys of the section, in the order of node_config_schema.c. */
size_t node_pki_keys(void);
const char *node_pki_key(size_t i);
char **node_pki_at(size_t i, const struct node_pki *pki);
bool node_pki_is_valid(size_t i, const char *value);
bool node_pki_is_of_cluster(size_t i); /* not of one node */
/* Whether any key is given. */
bool node_pki_given(const struct node_pki *pki);
/* Overwrites before it frees. */
void node_pki_done(struct node_pki *pki);
