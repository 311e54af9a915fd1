/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster's PKI, read back by openssl(1) and by lib/certificate.h. */
#include "builder/seed/pki.h"

#include <unistd.h>

#include "agent/kubeadm_pki.h"
#include "agent/kubeconfig.h"
#include "builder/seed/pki_x509.h"
#include "lib/certificate.h"
#include "lib/ec_key.h"
#include "lib/file.h"
#include "lib/process.h"
#include "lib/yaml.h"
#include "tests/unit/check.h"

static bool belongs(const char *certificate, const char *key_hex)
{
	CLEANUP(text_done) struct text pem = { 0 };

	ec_key_pem(key_hex, &pem);
	return certificate_has_key(certificate, strlen(certificate), pem.data, pem.len);
}

/* What openssl x509 says of it, without its signature. */
static char *shown(const char *certificate, const char *option)
{
	char name[] = "/tmp/test_pki.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(name);
	struct text said = { 0 };
	struct error err = { 0 };

	if (fd < 0 || write_all(fd, certificate, strlen(certificate)) < 0)
		abort();
	char *argv[] = { "openssl", "x509", "-noout", "-nameopt", "RFC2253", "-in", name, (char *)option, NULL };
	int rc = process_run(&(struct process){ .argv = argv, .output = &said }, &err);
	unlink(name);
	if (rc < 0)
		printf("# %s\n", err.text);
	return text_take(&said);
}

TEST(pki_make_fits_together)
{
	CLEANUP(node_pki_done) struct node_pki p = { 0 };
	CLEANUP(text_done) struct text sa = { 0 };
	struct error err = { 0 };

	CHECK(pki_make(&p, &err) == 0 && !p.certificate && !p.key);
	CHECK(belongs(p.ca, p.ca_key) && belongs(p.etcd_ca, p.etcd_ca_key) &&
	      belongs(p.front_proxy_ca, p.front_proxy_ca_key));
	CHECK(!belongs(p.ca, p.etcd_ca_key));
	CHECK(certificate_signed_by(p.ca, strlen(p.ca), p.ca, strlen(p.ca)));
	ec_key_pem(p.service_account_key, &sa);
	CHECK(certificate_key_whole(sa.data, sa.len) &&
	      certificate_public_key_whole(p.service_account_public_key, strlen(p.service_account_public_key)));
	CLEANUP(free_p) char *text = shown(p.ca, "-text");
	CHECK(strstr(text, "CA:TRUE") && strstr(text, "Certificate Sign") && strstr(text, "CN=kubernetes"));
	CHECK(strstr(text, "ecdsa-with-SHA256") && strstr(text, "NIST CURVE: P-256"));
}

/* The API takes the holder for this node, and for no other. */
TEST(pki_for_node_is_of_one_node)
{
	CLEANUP(node_pki_done) struct node_pki cluster = { 0 }, worker = { 0 }, plane = { 0 };
	struct error err = { 0 };

	CHECK(pki_make(&cluster, &err) == 0);
	CHECK(pki_for_node(&cluster, NODE_WORKER, "w1", 3600, &worker, &err) == 0);
	CHECK(pki_for_node(&cluster, NODE_CONTROL_PLANE, "cp2", 3600, &plane, &err) == 0);
	CHECK(belongs(worker.certificate, worker.key) && !belongs(worker.certificate, plane.key));
	CHECK(certificate_signed_by(worker.certificate, strlen(worker.certificate), cluster.ca, strlen(cluster.ca)));
	CLEANUP(free_p)
	char *subject = shown(worker.certificate, "-subject"), *text = shown(worker.certificate, "-text");
	CHECK_STR(subject, "subject=CN=system:node:w1,O=system:nodes\n");
	CHECK(strstr(text, "TLS Web Client Authentication") && strstr(text, "CA:FALSE") &&
	      !strstr(text, "Certificate Sign"));
	for (size_t i = 0; i < node_pki_keys(); i++) {
		bool known = !node_pki_is_of_cluster(i) || !strcmp(node_pki_key(i), "ca");
		CHECK((*node_pki_at(i, &worker) != NULL) == known && *node_pki_at(i, &plane));
	}
}

/* Names of nodes have up to 253 characters (RFC 1123), and kubelet requests such certificates. */
TEST(pki_for_node_with_a_long_name)
{
	CLEANUP(node_pki_done) struct node_pki cluster = { 0 }, own = { 0 };
	struct error err = { 0 };
	char name[254] = "", want[300];
	time_t end;

	while (strlen(name) < sizeof name - 1)
		strcat(name, strlen(name) % 64 == 63 ? "." : "w");
	snprintf(want, sizeof want, "subject=CN=system:node:%s,O=system:nodes\n", name);
	CHECK(pki_make(&cluster, &err) == 0);
	CHECK_STR(pki_for_node(&cluster, NODE_WORKER, name, 60, &own, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *subject = shown(own.certificate, "-subject");
	CHECK_STR(subject, want);
	CHECK(certificate_dates(own.certificate, strlen(own.certificate), NULL, &end));
}

TEST(pki_for_node_ends_in_time)
{
	static const struct {
		long seconds;
		const char *in_an_hour; /* what openssl x509 -checkend 3600 says */
	} cases[] = { { 1800, "Certificate will expire\n" }, { 7200, "Certificate will not expire\n" } };
	CLEANUP(node_pki_done) struct node_pki cluster = { 0 };
	struct error err = { 0 };

	CHECK(pki_make(&cluster, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(node_pki_done) struct node_pki own = { 0 };
		CLEANUP(text_done) struct text said = { 0 };
		char name[] = "/tmp/test_pki.XXXXXX";
		CHECK(pki_for_node(&cluster, NODE_WORKER, "w1", cases[i].seconds, &own, &err) == 0);
		CLEANUP(close_p) int fd = mkstemp(name);
		CHECK(fd >= 0 && write_all(fd, own.certificate, strlen(own.certificate)) == 0);
		char *argv[] = { "openssl", "x509", "-noout", "-in", name, "-checkend", "3600", NULL };
		int rc = process_run(&(struct process){ .argv = argv, .output = &said }, &err);
		unlink(name);
		CHECK((rc == 0) == (i == 1));
		if (rc == 0)
			CHECK_STR(said.data, cases[i].in_an_hour);
	}
}

/* By the agent, before kubeadm would try it for minutes. */
TEST(pki_for_node_that_has_expired_is_named)
{
	CLEANUP(node_pki_done) struct node_pki cluster = { 0 };
	struct node_config node = { 0 };
	const struct kubeadm_run run = { .node = &node };
	struct error err = { 0 };

	CHECK(pki_make(&cluster, &err) == 0);
	CHECK(pki_for_node(&cluster, NODE_WORKER, "w1", 60, &node.pki, &err) == 0);
	CHECK(kubeadm_pki_check(&run, &err) == 0);
	node_pki_done(&node.pki);
	CHECK(pki_for_node(&cluster, NODE_WORKER, "w1", -60, &node.pki, &err) == 0);
	CHECK(kubeadm_pki_check(&run, &err) < 0 && err.class == ERROR_INPUT);
	CHECK(text_starts(err.text, "the certificate in this node's seed expired at 20") &&
	      strstr(err.text, "make the seed again"));
	node_pki_done(&node.pki);
}

/* A PKI whose CA ends in so many seconds. */
static int pki_ending(long seconds, struct node_pki *ret, struct error *err)
{
	const struct pki_x509_subject subject = { .name = "kubernetes",
						  .from = time(NULL) - 3600,
						  .until = time(NULL) + seconds };

	if (pki_make(ret, err) < 0)
		return -1;
	free(TAKE(ret->ca));
	return pki_x509_authority(&subject, ret->ca_key, &ret->ca, err);
}

TEST(pki_of_a_ca_that_ends_soon)
{
	CLEANUP(node_pki_done) struct node_pki cluster = { 0 }, own = { 0 }, fresh = { 0 };
	CLEANUP(text_done) struct text config = { 0 };
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	struct error err = { 0 };
	time_t ca_ends = 0, ends = 0, admin_ends = 0;

	CHECK(pki_ending(1800, &cluster, &err) == 0 && pki_make(&fresh, &err) == 0);
	CHECK(certificate_dates(cluster.ca, strlen(cluster.ca), NULL, &ca_ends));
	CHECK(pki_for_node(&cluster, NODE_WORKER, "w1", 7200, &own, &err) == 0);
	CHECK(certificate_dates(own.certificate, strlen(own.certificate), NULL, &ends) && ends == ca_ends);
	CHECK(pki_kubeconfig(&cluster, "lab", "10.0.0.1:6443", &config, &err) == 0 &&
	      kubeconfig_parse("lab.kubeconfig", config.data, config.len, &k, &err) == 0);
	CHECK(certificate_dates(k.certificate.text, strlen(k.certificate.text), NULL, &admin_ends) &&
	      admin_ends == ca_ends);
	CLEANUP(free_p) char *warning = pki_warning(&cluster, "lab"), *none = pki_warning(&fresh, "lab");
	CHECK(warning && text_starts(warning, "the CA of cluster lab ends at 20") &&
	      strstr(warning, "https://kubernetes.io/"));
	CHECK(!none);
}

TEST(pki_of_a_ca_that_has_ended)
{
	CLEANUP(node_pki_done) struct node_pki cluster = { 0 }, own = { 0 };
	struct error err = { 0 };

	CHECK(pki_ending(-60, &cluster, &err) == 0);
	CHECK(pki_for_node(&cluster, NODE_WORKER, "w1", 7200, &own, &err) < 0 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "the cluster's CA ended at 20"));
}

TEST(pki_kubeconfig_kind_of_files)
{
	CLEANUP(node_pki_done) struct node_pki p = { 0 }, other = { 0 }, ending = { 0 };
	CLEANUP(text_done) struct text config = { 0 }, short_config = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL, *soon = NULL, *foreign = NULL;
	struct error err = { 0 };

	CHECK(pki_make(&p, &err) == 0 && pki_make(&other, &err) == 0 && pki_ending(1800, &ending, &err) == 0);
	CHECK(pki_kubeconfig(&p, "lab", "10.0.0.1:6443", &config, &err) == 0 &&
	      pki_kubeconfig(&ending, "lab", "10.0.0.1:6443", &short_config, &err) == 0);
	CHECK(yaml_parse("a", config.data, config.len, &tree, &err) == 0 &&
	      yaml_parse("b", short_config.data, short_config.len, &soon, &err) == 0 &&
	      yaml_parse("c", "a: b\n", 5, &foreign, &err) == 0);
	CHECK(pki_kubeconfig_kind(&p, "lab", tree) == PKI_KUBECONFIG_GOOD);
	CHECK(pki_kubeconfig_kind(&other, "lab", tree) == PKI_KUBECONFIG_OTHER_CA);
	CHECK(pki_kubeconfig_kind(&ending, "lab", soon) == PKI_KUBECONFIG_ENDING);
	CHECK(pki_kubeconfig_kind(&p, "other", tree) == PKI_KUBECONFIG_FOREIGN);
	CHECK(pki_kubeconfig_kind(&p, "lab", foreign) == PKI_KUBECONFIG_FOREIGN);
}

/* The guest's clock is behind: it may be set while kubeadm waits. */
TEST(pki_of_a_node_whose_clock_is_behind)
{
	CLEANUP(node_pki_done) struct node_pki cluster = { 0 };
	struct node_config node = { 0 };
	const struct kubeadm_run run = { .node = &node };
	const struct pki_x509_subject later = { .name = "system:node:w1",
						.from = time(NULL) + 3600,
						.until = time(NULL) + 7200 };
	struct error err = { 0 };

	CHECK(pki_make(&cluster, &err) == 0);
	CHECK(pki_x509_client(&later, cluster.ca, cluster.ca_key, &node.pki.certificate, &node.pki.key, &err) == 0);
	CHECK(kubeadm_pki_check(&run, &err) < 0 && err.class == ERROR_HOST);
	CHECK(text_starts(err.text, "the certificate in this node's seed begins at 20") &&
	      strstr(err.text, "this guest's clock says 20"));
	node_pki_done(&node.pki);
}

TEST(pki_for_node_refuses_another_cas_key)
{
	CLEANUP(node_pki_done) struct node_pki a = { 0 }, b = { 0 }, own = { 0 };
	struct error err = { 0 };

	CHECK(pki_make(&a, &err) == 0 && pki_make(&b, &err) == 0);
	char *other = b.ca_key;
	b.ca_key = a.ca_key;
	int rc = pki_for_node(&b, NODE_WORKER, "w1", 3600, &own, &err);
	b.ca_key = other;
	CHECK(rc < 0 && err.class == ERROR_INPUT);
	CHECK_STR(err.text, "the certificate of node w1: the cluster's CA and its key do not belong together; restore "
			    "the file of secrets");
}

TEST(pki_kubeconfig_has_an_administrator)
{
	CLEANUP(node_pki_done) struct node_pki p = { 0 };
	CLEANUP(text_done) struct text config = { 0 };
	struct error err = { 0 };

	CHECK(pki_make(&p, &err) == 0 && pki_kubeconfig(&p, "lab", "10.0.0.1:6443", &config, &err) == 0);
	CHECK(strstr(config.data, "server: \"https://10.0.0.1:6443\"\n") &&
	      strstr(config.data, "current-context: \"lab\"\n"));
	CHECK(!strstr(config.data, p.ca_key));
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CHECK_STR(kubeconfig_parse("lab.kubeconfig", config.data, config.len, &k, &err) < 0 ? err.text : "", "");
	CHECK_STR(k.ca.text, p.ca);
	CHECK(certificate_has_key(k.certificate.text, strlen(k.certificate.text), k.key.text, strlen(k.key.text)));
	CLEANUP(free_p) char *subject = shown(k.certificate.text, "-subject");
	CHECK_STR(subject, "subject=CN=nodekiln:admin,O=kubeadm:cluster-admins\n");
}
