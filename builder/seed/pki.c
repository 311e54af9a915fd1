/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/pki.h"

#include <string.h>

#include "builder/seed/pki_x509.h"
#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/ec_key.h"
#include "lib/node_config_schema.h"
#include "lib/yaml.h"

#define ADMIN "nodekiln:admin"
#define ADMIN_GROUP "kubeadm:cluster-admins" /* kubeadm binds it to cluster-admin, from 1.29 on; it can be unbound */
#define NODE_GROUP "system:nodes"
#define NODE_PREFIX "system:node:"

static int make_authority(const char *name, char **ret, char **ret_key, struct error *err)
{
	time_t now = time(NULL);
	const struct pki_x509_subject subject = { .name = name,
						  .from = now - PKI_SKEW_SECONDS,
						  .until = now + PKI_CA_SECONDS };

	if (pki_x509_key(ret_key, NULL, err) < 0)
		return -1;
	return pki_x509_authority(&subject, *ret_key, ret, err);
}

int pki_make(struct node_pki *ret, struct error *err)
{
	CLEANUP(node_pki_done) struct node_pki p = { 0 };

	if (make_authority("kubernetes", &p.ca, &p.ca_key, err) < 0 ||
	    make_authority("etcd-ca", &p.etcd_ca, &p.etcd_ca_key, err) < 0 ||
	    make_authority("front-proxy-ca", &p.front_proxy_ca, &p.front_proxy_ca_key, err) < 0 ||
	    pki_x509_key(&p.service_account_key, &p.service_account_public_key, err) < 0)
		return error_wrap(err, "the cluster's PKI");
	*ret = TAKE(p);
	return 0;
}

static void copy_fields(const struct node_pki *from, struct node_pki *to)
{
	for (size_t i = 0; i < node_pki_keys(); i++) {
		const char *value = *node_pki_at(i, from);
		if (value)
			*node_pki_at(i, to) = xstrdup(value);
	}
}

int pki_for_node(const struct node_pki *cluster, enum node_role role, const char *name, long seconds,
		 struct node_pki *ret, struct error *err)
{
	CLEANUP(free_p) char *who = xasprintf(NODE_PREFIX "%s", name);
	CLEANUP(node_pki_done) struct node_pki p = { 0 };
	time_t now = time(NULL);
	const struct pki_x509_subject subject = {
		.organization = NODE_GROUP, .name = who, .from = now - PKI_SKEW_SECONDS, .until = now + seconds
	};

	if (pki_x509_client(&subject, cluster->ca, cluster->ca_key, &p.certificate, &p.key, err) < 0)
		return error_wrap(err, "the certificate of node %s", name);
	if (role == NODE_WORKER)
		p.ca = xstrdup(cluster->ca);
	else
		copy_fields(cluster, &p);
	*ret = TAKE(p);
	return 0;
}

struct yaml *pki_tree(const struct node_pki *pki, const char *origin)
{
	struct yaml *map = yaml_new(YAML_MAP, origin, 0);

	for (size_t i = 0; i < node_pki_keys(); i++) {
		const char *value = *node_pki_at(i, pki);
		if (!value)
			continue;
		struct yaml *word = yaml_new_scalar(origin, 0, value);
		word->plain = false; /* a key of digits is not a number */
		yaml_add(map, node_pki_key(i), word);
	}
	return map;
}

static void add_data(struct text *t, const char *key, const char *pem)
{
	text_addf(t, "%s", key);
	base64_encode(pem, strlen(pem), t);
	text_add(t, "\n");
}

static void print_kubeconfig(const struct node_pki *pki, const char *cluster, const char *server,
			     const char *certificate, const char *key_pem, struct text *t)
{
	text_addf(t,
		  "apiVersion: v1\nkind: Config\ncurrent-context: \"%s\"\n"
		  "contexts:\n- {name: \"%s\", context: {cluster: \"%s\", user: \"%s-admin\"}}\n"
		  "clusters:\n- name: \"%s\"\n  cluster:\n    server: \"https://%s\"\n",
		  cluster, cluster, cluster, cluster, cluster, server);
	add_data(t, "    certificate-authority-data: ", pki->ca);
	text_addf(t, "users:\n- name: \"%s-admin\"\n  user:\n", cluster);
	add_data(t, "    client-certificate-data: ", certificate);
	add_data(t, "    client-key-data: ", key_pem);
}

int pki_kubeconfig(const struct node_pki *pki, const char *cluster, const char *server, struct text *ret,
		   struct error *err)
{
	CLEANUP(free_p) char *certificate = NULL;
	CLEANUP(wipe_p) char *key = NULL;
	CLEANUP(text_wipe_done) struct text pem = { 0 };
	time_t now = time(NULL);
	const struct pki_x509_subject subject = { .organization = ADMIN_GROUP,
						  .name = ADMIN,
						  .from = now - PKI_SKEW_SECONDS,
						  .until = now + PKI_ADMIN_SECONDS };

	if (pki_x509_client(&subject, pki->ca, pki->ca_key, &certificate, &key, err) < 0)
		return error_wrap(err, "the administrator's certificate");
	ec_key_pem(key, &pem);
	print_kubeconfig(pki, cluster, server, certificate, pem.data, ret);
	return 0;
}
