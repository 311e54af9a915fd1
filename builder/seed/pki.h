/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A cluster's PKI, made by the builder: the CA, etcd's CA, the CA of the front proxy and the key of service accounts, ECDSA on the curve
 * P-256 (https://kubernetes.io/docs/setup/best-practices/certificates/). It is in the cluster's file of secrets. A node gets of it what its
 * role needs:
 *
 *	every node	the CA's certificate, and a client's certificate O=system:nodes, CN=system:node:NAME with its key, for its join.
 *			The API lets its holder be node NAME, and no other
 *	control planes	the four pairs, too
 */
#include <time.h>

#include "lib/node_config.h"

#define PKI_CA_SECONDS (10L * 365 * 24 * 3600) /* as kubeadm's */
#define PKI_NODE_SECONDS (2L * 3600)
#define PKI_ADMIN_SECONDS (365L * 24 * 3600)
#define PKI_ADMIN_RENEW_SECONDS (30L * 24 * 3600) /* a kubeconfig that ends sooner is made again */
#define PKI_CA_WARN_SECONDS PKI_ADMIN_SECONDS
#define PKI_SKEW_SECONDS (15 * 60) /* certificates begin so long ago: a guest's clock may be behind ours */

/* Without certificate and key, which are of one node. */
int pki_make(struct node_pki *ret, struct error *err) MUST_CHECK;
/* The end of a certificate that is good for `seconds`, but no longer than the CA. ERROR_INPUT when the CA has ended. */
int pki_until(const struct node_pki *pki, long seconds, time_t *ret, struct error *err) MUST_CHECK;
/* A sentence when the CA ends within PKI_CA_WARN_SECONDS, or has ended; else NULL. Owned by the caller. */
char *pki_warning(const struct node_pki *pki, const char *cluster) MUST_CHECK;
/* What node `name` gets; its certificate is good for `seconds`, see pki_until(). */
int pki_for_node(const struct node_pki *cluster, enum node_role role, const char *name, long seconds,
		 struct node_pki *ret, struct error *err) MUST_CHECK;
/* The map `pki` of a node configuration; origin: its file in messages. Owned by the caller. */
struct yaml *pki_tree(const struct node_pki *pki, const char *origin) MUST_CHECK;
/* pki_kubeconfig.c */
/* A kubeconfig for the cluster's administrator, O=kubeadm:cluster-admins. server: HOST:PORT. */
int pki_kubeconfig(const struct node_pki *pki, const char *cluster, const char *server, struct text *ret,
		   struct error *err) MUST_CHECK;
/* What a kubeconfig is to the cluster. */
enum pki_kubeconfig {
	PKI_KUBECONFIG_FOREIGN,  /* not of the form that pki_kubeconfig() gives it, or with other clusters */
	PKI_KUBECONFIG_OTHER_CA, /* of another cluster of that name */
	PKI_KUBECONFIG_ENDING,   /* its certificate has ended, or ends within PKI_ADMIN_RENEW_SECONDS */
	PKI_KUBECONFIG_GOOD,
};
enum pki_kubeconfig pki_kubeconfig_kind(const struct node_pki *pki, const char *cluster, const struct yaml *tree);
/* Whether a good kubeconfig names the cluster's endpoint, `server`. */
enum pki_server {
	PKI_SERVER_SAME,
	PKI_SERVER_MOVED, /* it is as pki_kubeconfig() wrote it for another endpoint; *ret is for this one, with its certificate */
	PKI_SERVER_OWN, /* it names another one, and was edited: the server may be a tunnel */
};
enum pki_server pki_kubeconfig_move(const struct node_pki *pki, const char *cluster, const struct text *file,
				    const struct yaml *tree, const char *server, struct text *ret);
