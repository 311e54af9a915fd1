/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/kubeadm/: what kubeadm of version V gets for the node CASE.yaml is V/CASE.conf, with the command line V/CASE.argv.
 * UPDATE_GOLDEN=1 writes them; read the difference. tests/e2e/kubeadm_config.py shows the same files to a real kubeadm. All
 * secrets in there are made of "c0ffee".
 */
#include "agent/kubeadm_config.h"
#include "agent/kubeadm_pki.h"
#include "agent/kubeconfig.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define FOLDER "tests/golden/kubeadm"
#define CANARY "c0ffee"
#define CRI_DOCKERD "unix:///run/cri-dockerd.sock"

static const char *const images_without_coredns[] = { "k8s.gcr.io/kube-apiserver:v1.20.2", "k8s.gcr.io/etcd:3.4.13-0" };

static const struct {
	const char *name;
	struct facts machine; /* borrowed texts: never freed */
} versions[] = {
	{ "1.20",
	  { .kubeadm_version = "v1.20.2",
	    .kubeadm_minor = 20,
	    .images = { (char **)images_without_coredns, ARRAY_SIZE(images_without_coredns), 0 } } },
	{ "1.28", { .kubeadm_version = "v1.28.15", .kubeadm_minor = 28, .crictl = true } },
	{ "1.31", { .kubeadm_version = "v1.31.9", .kubeadm_minor = 31, .crictl = true } },
	{ "1.34", { .kubeadm_version = "v1.34.1", .kubeadm_minor = 34 } },
	{ "1.35", { .kubeadm_version = "v1.35.4", .kubeadm_minor = 35, .nft = true } },
	{ "1.36", { .kubeadm_version = "v1.36.0", .kubeadm_minor = 36, .nft = true } },
	{ "1.37",
	  { .kubeadm_version = "v1.37.2",
	    .kubeadm_minor = 37,
	    .nft = true,
	    .etcd_tag = "3.7.1-0",
	    .dns_tag = "v1.14.7" } },
};

static struct facts facts_of(size_t i)
{
	struct facts m = versions[i].machine;

	m.runtime = FACTS_RUNTIME_CONTAINERD;
	m.cri_socket = "unix:///run/containerd/containerd.sock";
	return m;
}

static struct facts facts_named(const char *version)
{
	size_t i = 0;

	while (strcmp(versions[i].name, version) != 0)
		i++;
	return facts_of(i);
}

static bool load(const char *name, struct node_config *ret)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.yaml", name);
	CLEANUP(text_done) struct text text = { 0 };
	struct yaml *tree = NULL;
	struct error err = { 0 };

	if (file_read(AT_FDCWD, file, 1 << 20, &text, &err) == 0 &&
	    node_config_parse(file, text.data, text.len, &tree, &err) == 0 && node_config_read(tree, ret, &err) == 0)
		return true;
	printf("# %s\n", err.text);
	return false;
}

/* As the agent's own step fills it. */
static struct kubeadm_run run_of(const struct node_config *node, const struct facts *machine)
{
	return (struct kubeadm_run){
		.node = node,
		.machine = machine,
		.init = node->role == NODE_INIT,
		.control_plane = node->role != NODE_WORKER,
		.name = node->name ? node->name : "n1",
		.address = node->ip ? node->ip : "10.0.0.10",
		.endpoint = node->endpoint,
		.ca_cert_hashes = &node->ca_cert_hashes,
		.spent_token = "c0ffee.c0ffeec0ffeec0ff",
		.provider_id = node->provider == NODE_PROVIDER_VMID ? "proxmox://home/104" : NULL,
	};
}

static bool is_golden(const char *version, const char *name, const char *suffix, const struct text *got)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s/%s.%s", version, name, suffix);
	CLEANUP(text_done) struct text want = { 0 };
	struct error err = { 0 };

	if (getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, got->data, got->len, 0644, &err) < 0)
		return false;
	if (file_read(AT_FDCWD, file, 1 << 20, &want, &err) < 0)
		printf("# %s\n", err.text);
	else if (text_same(got->data, want.data))
		return true;
	printf("# %s: got:\n%s", file, got->data);
	return false;
}

static void print_argv(const struct kubeadm_run *run, struct text *ret)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	kubeadm_argv(run, "/run/nodekiln/kubeadm.conf", &argv);
	for (size_t i = 0; i < argv.n; i++)
		text_addf(ret, "%s\n", argv.at[i]);
}

static bool all_golden(const char *version, const char *name, const struct kubeadm_run *run)
{
	CLEANUP(text_done) struct text conf = { 0 };
	CLEANUP(text_done) struct text argv = { 0 };
	struct error err = { 0 };

	if (kubeadm_config(run, false, &conf, &err) < 0) {
		printf("# %s\n", err.text);
		return false;
	}
	print_argv(run, &argv);
	return is_golden(version, name, "conf", &conf) && is_golden(version, name, "argv", &argv) &&
	       !strstr(argv.data, CANARY);
}

TEST(kubeadm_config_has_a_form_for_each_version)
{
	static const char *const cases[] = { "init-minimal", "worker-minimal", "control-plane-minimal",
					     "init-full",    "worker-full",    "control-plane-full" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(node_config_done) struct node_config node = { 0 };
		CHECK(load(cases[i], &node));
		for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
			struct facts machine = facts_of(v);
			struct kubeadm_run run = run_of(&node, &machine);
			CHECK(all_golden(versions[v].name, cases[i], &run));
		}
	}
}

TEST(kubeadm_config_distinguishes_no_taints_from_none_given)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct facts machine = facts_named("1.34");

	CHECK(load("init-untainted", &node));
	struct kubeadm_run run = run_of(&node, &machine);
	CHECK(all_golden("1.34", "init-untainted", &run));
}

/* No token that lives, none that anybody knows, and no certificate key. */
TEST(kubeadm_config_of_an_init_node_with_the_seeds_pki)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct facts machine = facts_named("1.37");

	CHECK(load("init-pki", &node));
	struct kubeadm_run run = run_of(&node, &machine);
	CHECK(all_golden("1.37", "init-pki", &run));
}

TEST(kubeadm_config_of_a_join_by_certificate)
{
	static const char *const cases[] = { "worker-pki", "control-plane-pki" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(node_config_done) struct node_config node = { 0 };
		CLEANUP(text_done) struct text conf = { 0 }, discovery = { 0 };
		struct facts machine = facts_named("1.37");
		struct error err = { 0 };
		CHECK(load(cases[i], &node));
		struct kubeadm_run run = run_of(&node, &machine);
		CHECK(kubeadm_config(&run, false, &conf, &err) == 0);
		CHECK(strstr(conf.data, "\"file\"") && strstr(conf.data, KUBEADM_DISCOVERY_FILE));
		CHECK(!strstr(conf.data, "oken") && !strstr(conf.data, CANARY) && !strstr(conf.data, "certificateKey"));
		CHECK_STR(kubeadm_pki_check(&run, &err) < 0 ? err.text : "", "");
		kubeadm_pki_discovery(&run, &discovery);
		CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
		CHECK(kubeconfig_parse("discovery.conf", discovery.data, discovery.len, &k, &err) == 0);
		CHECK_STR(k.server, "https://10.0.0.10:6443");
		CHECK_STR(k.ca.text, node.pki.ca);
		CHECK_STR(k.certificate.text, node.pki.certificate);
		CHECK(text_starts(k.key.text, "-----BEGIN EC PRIVATE KEY-----\n"));
	}
}

TEST(kubeadm_config_leaves_the_hosts_kernel_alone)
{
	static const struct {
		const char *node, *golden;
		bool unprivileged;
	} cases[] = {
		{ "init-minimal", "init-container", true },
		{ "worker-minimal", "worker-container", true },
		{ "init-minimal", "init-privileged", false },
		{ "worker-minimal", "worker-privileged", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(node_config_done) struct node_config node = { 0 };
		struct facts machine = facts_named("1.34");
		machine.container = "lxc";
		machine.user_namespace = cases[i].unprivileged;
		CHECK(load(cases[i].node, &node));
		struct kubeadm_run run = run_of(&node, &machine);
		CHECK(all_golden("1.34", cases[i].golden, &run));
	}
}

TEST(kubeadm_config_of_docker_in_an_unprivileged_container)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct facts machine = facts_named("1.36");

	machine.container = "lxc";
	machine.user_namespace = true;
	machine.runtime = FACTS_RUNTIME_CRI_DOCKERD;
	machine.cri_socket = CRI_DOCKERD;
	CHECK(load("worker-minimal", &node));
	struct kubeadm_run run = run_of(&node, &machine);
	CHECK(all_golden("1.36", "worker-docker", &run));
}

TEST(kubeadm_config_of_an_unprivileged_init_node_today)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct facts machine = facts_named("1.37");

	machine.container = "lxc";
	machine.user_namespace = true;
	CHECK(load("init-minimal", &node));
	struct kubeadm_run run = run_of(&node, &machine);
	CHECK(all_golden("1.37", "init-container", &run));
}

static const char *mode_of(const char *version, const char *control_plane, bool nft)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	CLEANUP(text_done) struct text conf = { 0 };
	struct facts machine = facts_named(version);
	struct error err = { 0 };

	machine.nft = nft;
	if (!load("init-minimal", &node))
		return "not read";
	node.kubernetes_version = control_plane ? xstrdup(control_plane) : NULL;
	struct kubeadm_run run = run_of(&node, &machine);
	if (kubeadm_config(&run, false, &conf, &err) < 0)
		return "refused";
	return strstr(conf.data, "\"mode\": \"nftables\"") ? "nftables" : "default";
}

TEST(kubeadm_config_nftables_by_the_version_of_kube_proxy)
{
	CHECK_STR(mode_of("1.36", NULL, true), "nftables");
	CHECK_STR(mode_of("1.36", NULL, false), "default");
	CHECK_STR(mode_of("1.36", "v1.35.4", true), "default"); /* kubeadm makes the minor before its own, too */
	CHECK_STR(mode_of("1.35", NULL, true), "default");
}

TEST(kubeadm_config_ignores_what_an_interrupted_run_left)
{
	static const char *const names[] = { "init", "control-plane", "worker" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(free_p) char *minimal = xasprintf("%s-minimal", names[i]);
		CLEANUP(free_p) char *again = xasprintf("%s-again", names[i]);
		CLEANUP(node_config_done) struct node_config node = { 0 };
		struct facts machine = facts_named("1.28");
		CHECK(load(minimal, &node));
		struct kubeadm_run run = run_of(&node, &machine);
		run.again = true;
		CHECK(all_golden("1.28", again, &run));
	}
}

TEST(kubeadm_config_socket_of_docker_by_version)
{
	static const struct {
		const char *version, *installed, *expected;
	} cases[] = {
		{ "1.20", FACTS_DOCKERSHIM_SOCKET, "\"criSocket\": \"/var/run/dockershim.sock\"" },
		{ "1.28", CRI_DOCKERD, "\"criSocket\": \"" CRI_DOCKERD "\"" },
		{ "1.34", CRI_DOCKERD, "\"criSocket\": \"" CRI_DOCKERD "\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(node_config_done) struct node_config node = { 0 };
		CLEANUP(text_done) struct text conf = { 0 };
		CLEANUP(text_done) struct text argv = { 0 };
		struct facts machine = facts_named(cases[i].version);
		struct error err = { 0 };
		CHECK(load("worker-minimal", &node));
		machine.cri_socket = (char *)cases[i].installed;
		struct kubeadm_run run = run_of(&node, &machine);
		CHECK(kubeadm_config(&run, false, &conf, &err) == 0);
		print_argv(&run, &argv);
		CHECK(strstr(conf.data, cases[i].expected));
		CHECK(!strstr(argv.data, "preflight")); /* Docker needs no crictl */
	}
}

TEST(kubeadm_config_masked_shows_no_secret)
{
	static const char *const cases[] = { "init-full", "control-plane-full", "worker-full" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(node_config_done) struct node_config node = { 0 };
		CLEANUP(text_done) struct text conf = { 0 };
		struct facts machine = facts_named("1.36");
		struct error err = { 0 };
		CHECK(load(cases[i], &node));
		struct kubeadm_run run = run_of(&node, &machine);
		CHECK(kubeadm_config(&run, true, &conf, &err) == 0);
		CHECK(!strstr(conf.data, CANARY) && strstr(conf.data, "(hidden)"));
	}
}

TEST(kubeadm_config_all_is_the_only_ignored_check)
{
	CLEANUP(strings_done) struct strings ignored = { 0 };
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct facts machine = facts_named("1.34");

	strings_add_all(&node.ignore_preflight, "NumCPU", "All", NULL);
	struct kubeadm_run run = { .node = &node, .machine = &machine, .init = true, .again = true };
	kubeadm_ignored(&run, &ignored);
	CHECK(ignored.n == 1);
	CHECK_STR(ignored.at[0], "all");
}

TEST(kubeadm_config_api_versions_change_as_kubeadms)
{
	static const int minors[] = { 20, 21, 22, 30, 31, 37 };
	static const enum kubeadm_api want[] = { KUBEADM_V1BETA2, KUBEADM_V1BETA2, KUBEADM_V1BETA3,
						 KUBEADM_V1BETA3, KUBEADM_V1BETA4, KUBEADM_V1BETA4 };
	struct error err = { 0 };
	enum kubeadm_api api;

	for (size_t i = 0; i < ARRAY_SIZE(minors); i++)
		CHECK(kubeadm_api(minors[i], &api, &err) == 0 && api == want[i]);
	CHECK(kubeadm_api(19, &api, &err) < 0 && err.class == ERROR_HOST && strstr(err.text, "1.19"));
	CHECK(kubeadm_api(0, &api, &err) < 0 && strstr(err.text, "does not run"));
}

TEST(kubeadm_config_refuses_a_join_without_a_ca_hash)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	CLEANUP(text_done) struct text conf = { 0 };
	struct facts machine = facts_named("1.34");
	struct strings none = { 0 };
	struct error err = { 0 };

	CHECK(load("worker-minimal", &node));
	struct kubeadm_run run = run_of(&node, &machine);
	run.ca_cert_hashes = &none;
	CHECK(kubeadm_config(&run, false, &conf, &err) < 0 && strstr(err.text, "ca_cert_hashes"));
	CHECK(!conf.data);
}
