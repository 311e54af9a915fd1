/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/pki.h"

#include <string.h>

#include "builder/seed/pki_x509.h"
#include "lib/alloc.h"
#include "lib/certificate.h"
#include "lib/clock.h"
#include "lib/node_config_schema.h"
#include "lib/yaml.h"

#define REPLACE_CA                                                                                                     \
	"make a new cluster, or replace the CA in the cluster and in the file of secrets "                             \
	"(https://kubernetes.io/docs/tasks/tls/manual-rotation-of-ca-certificates/)"
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

int pki_until(const struct node_pki *pki, long seconds, time_t *ret, struct error *err)
{
	time_t now = time(NULL), ca_ends;
	char text[CLOCK_TEXT_MAX];

	if (!certificate_dates(pki->ca, strlen(pki->ca), NULL, &ca_ends))
		return error_set(err, ERROR_INPUT,
				 "the cluster's CA is not a complete certificate; restore the file of secrets");
	if (ca_ends <= now)
		return error_set(err, ERROR_INPUT, "the cluster's CA ended at %s; " REPLACE_CA,
				 clock_text(ca_ends, text));
	*ret = now + seconds < ca_ends ? now + seconds : ca_ends;
	return 0;
}

char *pki_warning(const struct node_pki *pki, const char *cluster)
{
	char text[CLOCK_TEXT_MAX];
	time_t ends;

	if (!pki->ca || !certificate_dates(pki->ca, strlen(pki->ca), NULL, &ends) ||
	    ends - time(NULL) > PKI_CA_WARN_SECONDS)
		return NULL;
	return xasprintf("the CA of cluster %s ends at %s, and so do all its certificates; " REPLACE_CA, cluster,
			 clock_text(ends, text));
}

int pki_for_node(const struct node_pki *cluster, enum node_role role, const char *name, long seconds,
		 struct node_pki *ret, struct error *err)
{
	CLEANUP(free_p) char *who = xasprintf(NODE_PREFIX "%s", name);
	CLEANUP(node_pki_done) struct node_pki p = { 0 };
	struct pki_x509_subject subject = { .organization = NODE_GROUP,
					    .name = who,
					    .from = time(NULL) - PKI_SKEW_SECONDS };

	if (pki_until(cluster, seconds, &subject.until, err) < 0 ||
	    pki_x509_client(&subject, cluster->ca, cluster->ca_key, &p.certificate, &p.key, err) < 0)
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
