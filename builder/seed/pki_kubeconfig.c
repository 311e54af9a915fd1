/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's kubeconfig. */
#include <string.h>

#include "builder/seed/pki.h"
#include "builder/seed/pki_x509.h"
#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/certificate.h"
#include "lib/ec_key.h"
#include "lib/yaml.h"

#define SCHEME "https://"
#define ADMIN "nodekiln:admin"
#define ADMIN_GROUP "kubeadm:cluster-admins" /* kubeadm binds it to cluster-admin, from 1.29 on; it can be unbound */

static void add_data(struct text *t, const char *key, const char *pem)
{
	text_addf(t, "%s", key);
	base64_encode(pem, strlen(pem), t);
	text_add(t, "\n");
}

static void print_kubeconfig(const struct node_pki *pki, const char *cluster, const char *server,
			     const char *certificate, const char *key_pem, struct text *t)
{
	text_addf(t, "# Written by nodekiln for %s, and updated when the endpoint changes, unless it was edited.\n",
		  server);
	text_addf(t,
		  "apiVersion: v1\nkind: Config\ncurrent-context: \"%s\"\n"
		  "contexts:\n- {name: \"%s\", context: {cluster: \"%s\", user: \"%s-admin\"}}\n"
		  "clusters:\n- name: \"%s\"\n  cluster:\n    server: \"" SCHEME "%s\"\n",
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
	struct pki_x509_subject subject = { .organization = ADMIN_GROUP,
					    .name = ADMIN,
					    .from = time(NULL) - PKI_SKEW_SECONDS };

	if (pki_until(pki, PKI_ADMIN_SECONDS, &subject.until, err) < 0 ||
	    pki_x509_client(&subject, pki->ca, pki->ca_key, &certificate, &key, err) < 0)
		return error_wrap(err, "the administrator's certificate");
	ec_key_pem(key, &pem);
	print_kubeconfig(pki, cluster, server, certificate, pem.data, ret);
	return 0;
}

/* clusters and users are lists of { name: NAME, KIND: {...} }. */
static const struct yaml *named(const struct yaml *tree, const char *list, const char *kind, const char *name)
{
	const struct yaml *items = yaml_find(tree, list);

	for (size_t i = 0; items && items->kind == YAML_LIST && i < items->children; i++) {
		const struct yaml *found = yaml_find(items->child[i], "name");
		if (found && found->kind == YAML_SCALAR && !strcmp(found->value, name))
			return yaml_find(items->child[i], kind);
	}
	return NULL;
}

/* PEM text, NULL when there is none. Owned by the caller. */
static char *decoded(const struct yaml *map, const char *key)
{
	const struct yaml *found = yaml_find(map, key);
	CLEANUP(text_done) struct text pem = { 0 };

	if (!found || found->kind != YAML_SCALAR || !base64_decode(found->value, &pem))
		return NULL;
	return text_take(&pem);
}

enum pki_server pki_kubeconfig_move(const struct node_pki *pki, const char *cluster, const struct text *file,
				    const struct yaml *tree, const char *server, struct text *ret)
{
	CLEANUP(free_p) char *user = xasprintf("%s-admin", cluster);
	const struct yaml *own = named(tree, "users", "user", user);
	const struct yaml *found = yaml_find(named(tree, "clusters", "cluster", cluster), "server");
	CLEANUP(free_p) char *certificate = decoded(own, "client-certificate-data");
	CLEANUP(wipe_p) char *key = decoded(own, "client-key-data");
	CLEANUP(text_wipe_done) struct text written = { 0 };
	const char *old = found && found->kind == YAML_SCALAR && text_starts(found->value, SCHEME)
				  ? found->value + strlen(SCHEME)
				  : "";

	if (!strcmp(old, server))
		return PKI_SERVER_SAME;
	if (!certificate || !key)
		return PKI_SERVER_OWN;
	print_kubeconfig(pki, cluster, old, certificate, key, &written);
	if (strcmp(written.data, file->data) != 0)
		return PKI_SERVER_OWN;
	print_kubeconfig(pki, cluster, server, certificate, key, ret);
	return PKI_SERVER_MOVED;
}

enum pki_kubeconfig pki_kubeconfig_kind(const struct node_pki *pki, const char *cluster, const struct yaml *tree)
{
	CLEANUP(free_p) char *user = xasprintf("%s-admin", cluster);
	CLEANUP(free_p)
	char *ca = decoded(named(tree, "clusters", "cluster", cluster), "certificate-authority-data");
	CLEANUP(free_p) char *certificate = decoded(named(tree, "users", "user", user), "client-certificate-data");
	time_t ends;

	if (!ca || !certificate || yaml_find(tree, "clusters")->children != 1)
		return PKI_KUBECONFIG_FOREIGN;
	if (strcmp(ca, pki->ca) != 0 ||
	    !certificate_signed_by(certificate, strlen(certificate), pki->ca, strlen(pki->ca)))
		return PKI_KUBECONFIG_OTHER_CA;
	if (!certificate_dates(certificate, strlen(certificate), NULL, &ends) ||
	    ends - time(NULL) < PKI_ADMIN_RENEW_SECONDS)
		return PKI_KUBECONFIG_ENDING;
	return PKI_KUBECONFIG_GOOD;
}
