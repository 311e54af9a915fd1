/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cmd/command.h"
#include "builder/cmd/interrupt.h"
#include "builder/cmd/user_data.h"
#include "builder/seed/pki.h"
#include "builder/seed/seed.h"
#include "builder/seed/seed_cloud.h"
#include "builder/seed/seed_exposed.h"
#include "builder/seed/seed_files.h"
#include "builder/seed/seed_kubeconfig.h"
#include "builder/seed/seed_network.h"
#include "builder/seed/seed_network_file.h"
#include "builder/seed/seed_nodes.h"
#include "builder/seed/seed_tarball.h"
#include "builder/seed/seed_wait.h"
#include "lib/duration.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/json.h"
#include "lib/log.h"

#define NODES_MAX 1000
#define GIVEN_MAX (1 << 20) /* the largest file that cloud-init and Proxmox VE accept in a seed */

static const char *out, *secrets_file, *user_data_file, *network_file, *base_file, *valid, *kubeconfig_file;
static bool kubeadm_pki, force, as_json;
static struct strings key_files;
static struct seed_network network;

static long seconds = PKI_NODE_SECONDS;

static const struct option_spec options[] = {
	{ "--out", OPTION_VALUE, &out, "FILE|DIR",
	  "the seed (default: NODE.iso in the current directory); a directory for several nodes" },
	{ "-o", OPTION_VALUE, &out, "FILE|DIR", "the same as --out" },
	{ "--secrets", OPTION_VALUE, &secrets_file, "FILE",
	  "keep the clusters' secrets in this file, for nodes that join later" },
	{ "--valid", OPTION_VALUE, &valid, "DURATION",
	  "how long the nodes' certificates in the seeds let them join (default: 2h)" },
	{ "--kubeadm-pki", OPTION_FLAG, &kubeadm_pki, NULL,
	  "kubeadm makes the PKI of a new cluster, and nodes join by a token that they share; needed before Kubernetes "
	  "1.31" },
	{ "--kubeconfig", OPTION_VALUE, &kubeconfig_file, "FILE",
	  "write a kubeconfig for the cluster's administrator, good for a year" },
	{ "--force", OPTION_FLAG, &force, NULL,
	  "replace seeds, and a kubeconfig of this cluster's name, that have other secrets" },
	{ "--json", OPTION_FLAG, &as_json, NULL, "print the seeds as JSON" },
	{ "--ssh-key", OPTION_LIST, &key_files, "FILE", "public keys that may log in (may be repeated)" },
	{ "--address", OPTION_VALUE, &network.address, "ADDR/LEN",
	  "a static address for the node's only network card (default: DHCP)" },
	{ "--gateway", OPTION_VALUE, &network.gateway, "ADDR", "with --address" },
	{ "--nameserver", OPTION_LIST, &network.nameservers, "ADDR", "with --address" },
	{ "--network", OPTION_VALUE, &network_file, "FILE", "a cloud-init network-config to use" },
	{ "--user-data", OPTION_VALUE, &user_data_file, "FILE", "a cloud-config to merge in" },
	{ "--lxc", OPTION_VALUE, &base_file, "BASE.tar.zst", "put the seed into a copy of this container template" },
	{ 0 },
};

/* The input that all nodes of the run share; zeroed except for base. */
struct given {
	struct strings keys;                 /* owned */
	struct text network, user_data, iso; /* owned; iso: the current node's */
	int base;                            /* owned; the container template; -1 = ISOs */
};

static void given_done(struct given *g)
{
	strings_done(&g->keys);
	text_done(&g->network);
	text_wipe_done(&g->user_data);
	text_wipe_done(&g->iso);
	close_p(&g->base);
	strings_done(&key_files);
	strings_done(&network.nameservers);
}

static int check_options(size_t nodes, struct error *err)
{
	bool for_iso = key_files.n || user_data_file || network_file || network.address || network.gateway ||
		       network.nameservers.n;

	if (base_file && for_iso)
		return error_set(err, ERROR_USAGE,
				 "--lxc cannot be combined with the options for keys, network and user-data: Proxmox "
				 "VE sets these when it creates the container");
	if (valid && (!duration_parse(valid, &seconds) || seconds <= 0))
		return error_set(err, ERROR_USAGE, "--valid %s is not a duration, e.g. 2h or 30m", valid);
	if (network_file && network.address)
		return error_set(err, ERROR_USAGE, "--network has its own addresses; leave out --address");
	if (network.address && nodes > 1)
		return error_set(
			err, ERROR_USAGE,
			"--address %s is for one node; make the seeds one by one, with the same --secrets FILE",
			network.address);
	return 0;
}

static int given_read(struct given *g, struct error *err)
{
	for (size_t i = 0; i < key_files.n; i++)
		if (seed_read_keys(key_files.at[i], &g->keys, err) < 0)
			return -1;
	if (user_data_file && input_read(user_data_file, GIVEN_MAX, &g->user_data, err) < 0)
		return -1;
	/* Proxmox VE sets up the users of containers. */
	if (!base_file && user_data_warn(user_data_file, &g->user_data, g->keys.n > 0, err) < 0)
		return -1;
	if (base_file && (g->base = input_open(base_file, err)) < 0)
		return -1;
	if (network_file)
		return input_read(network_file, GIVEN_MAX, &g->network, err) < 0
			       ? -1
			       : seed_network_file_check(network_file, &g->network, err);
	return seed_network_config(&network, &g->network, err);
}

static int write_iso(struct given *g, const struct seed_node *n, const struct text *node, int fd, struct error *err)
{
	CLEANUP(text_wipe_done) struct text user_data = { 0 };
	CLEANUP(free_p) char *instance = NULL;
	struct seed seed = { .hostname = n->node.name, .keys = g->keys, .node = node->data };

	if (seed_cloud_config(&seed, user_data_file, user_data_file ? &g->user_data : NULL, &user_data, err) < 0)
		return -1;
	seed.user_data = user_data.data;
	seed.network_config = g->network.len ? g->network.data : NULL;
	seed.instance_id = instance = seed_instance_id(&seed);
	g->iso.len = 0;
	if (seed_iso(&seed, &g->iso, err) < 0)
		return -1;
	return write_all(fd, g->iso.data, g->iso.len) == 0 ? 0 : error_errno(err, errno, "write the seed");
}

static int write_node(struct given *g, const struct seed_node *n, int fd, struct error *err)
{
	CLEANUP(text_done) struct text node = { 0 };
	int rc;

	node_config_print(&n->node, true, &node);
	rc = g->base >= 0 ? seed_tarball(g->base, base_file, &node, fd, err) : write_iso(g, n, &node, fd, err);
	text_wipe(&node);
	if (rc == 0 && fsync(fd) < 0)
		return error_errno(err, errno, "write the seed");
	return rc;
}

static int place(struct given *g, const struct seed_nodes *nodes, size_t i, char **ret, struct error *err)
{
	return seed_files_place(out, nodes->at[i].name, g->base >= 0 ? ".tar.zst" : ".iso", nodes->n == 1, ret, err);
}

static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Also of files that do not exist yet: the same name in the same directory. */
static bool is_same_file(const char *a, const char *b)
{
	const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
	CLEANUP(free_p) char *of_a = x ? xasprintf("%.*s/", (int)(x - a), a) : xstrdup(".");
	CLEANUP(free_p) char *of_b = y ? xasprintf("%.*s/", (int)(y - b), b) : xstrdup(".");

	return !strcmp(a, b) || is_same(a, b) || (!strcmp(x ? x + 1 : a, y ? y + 1 : b) && is_same(of_a, of_b));
}

/* Each output by its own name: the last one would replace the others. */
static int check_names(const char *path, struct error *err)
{
	const char *const others[] = { secrets_file, kubeconfig_file };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i] && others[i] != path && is_same_file(path, others[i]))
			return error_set(err, ERROR_USAGE, "%s is named for two outputs; give each its own name", path);
	return 0;
}

static int check_outputs(struct given *g, const struct seed_nodes *nodes, const struct seed_secrets *secrets,
			 struct error *err)
{
	for (size_t i = 0; i < nodes->n; i++) {
		CLEANUP(free_p) char *path = NULL;

		if (seed_network_check_node(&network, &nodes->at[i].node, err) < 0)
			return error_wrap(err, "%s", nodes->at[i].file);
		if (place(g, nodes, i, &path, err) < 0 || check_names(path, err) < 0 ||
		    seed_files_check(path, secrets->generated && !force, err) < 0)
			return -1;
	}
	return kubeconfig_file ? check_names(kubeconfig_file, err) : 0;
}

static int stage(struct given *g, const struct seed_nodes *nodes, struct seed_files *files, struct error *err)
{
	for (size_t i = 0; i < nodes->n; i++) {
		const struct seed_node *n = &nodes->at[i];
		CLEANUP(free_p) char *path = NULL;
		CLEANUP(close_p) int fd = -1;

		if (place(g, nodes, i, &path, err) < 0 || (fd = seed_files_add(files, path, err)) < 0)
			return -1;
		if (write_node(g, n, fd, err) < 0)
			return error_wrap(err, "%s", path);
	}
	return 0;
}

/* The endpoint that the nodes' files name, or the address of an init node. NULL = neither. */
static char *endpoint_of(const struct seed_nodes *nodes)
{
	for (size_t i = 0; i < nodes->n; i++)
		if (nodes->at[i].node.endpoint)
			return xstrdup(nodes->at[i].node.endpoint);
	for (size_t i = 0; i < nodes->n; i++) {
		const struct node_config *n = &nodes->at[i].node;
		if (n->role == NODE_INIT && n->ip)
			return xasprintf(strchr(n->ip, ':') ? "[%s]:6443" : "%s:6443", n->ip);
	}
	return NULL;
}

/* Everything about it that can be wrong; *ret_endpoint is owned by the caller. */
static int check_kubeconfig(const struct seed_nodes *nodes, struct seed_secrets *secrets, char **ret_endpoint,
			    struct error *err)
{
	const char *cluster = nodes->at[0].node.cluster;
	const struct node_pki *pki = &seed_secrets_of(secrets, cluster)->pki;

	for (size_t i = 1; i < nodes->n; i++)
		if (strcmp(nodes->at[i].node.cluster, cluster) != 0)
			return error_set(err, ERROR_USAGE,
					 "--kubeconfig: the nodes are of the clusters %s and %s; name one cluster's",
					 cluster, nodes->at[i].node.cluster);
	if (!pki->ca)
		return error_set(err, ERROR_USAGE,
				 "--kubeconfig: kubeadm makes the PKI of cluster %s; take /etc/kubernetes/admin.conf "
				 "of a control plane",
				 cluster);
	*ret_endpoint = endpoint_of(nodes);
	if (!*ret_endpoint)
		return error_set(
			err, ERROR_USAGE,
			"--kubeconfig: the endpoint of cluster %s is not known; set control_plane_endpoint in a node's "
			"file, or node.ip of an init node",
			cluster);
	return seed_kubeconfig_check(kubeconfig_file, pki, cluster, force, err);
}

static int write_kubeconfig(const struct seed_nodes *nodes, struct seed_secrets *secrets, const char *endpoint,
			    struct error *err)
{
	const char *cluster = nodes->at[0].node.cluster;

	return seed_kubeconfig_write(kubeconfig_file, &seed_secrets_of(secrets, cluster)->pki, cluster, endpoint, err);
}

static void print_json(const struct seed_nodes *nodes, const struct seed_files *files)
{
	CLEANUP(json_free_p) struct json *all = json_object();
	CLEANUP(text_done) struct text text = { 0 };
	struct json *list = json_array();

	json_put(all, "seeds", list);
	for (size_t i = 0; i < nodes->n; i++) {
		const struct node_config *n = &nodes->at[i].node;
		struct json *seed = json_object();

		json_put_string(seed, "file", files->at[i].path);
		json_put_string(seed, "cluster", n->cluster);
		json_put_string(seed, "node", n->name);
		json_put_string(seed, "role", node_role_name(n->role));
		json_push(list, seed);
	}
	json_put_string(all, "secrets", secrets_file);
	json_put_string(all, "kubeconfig", kubeconfig_file);
	json_print(all, true, &text);
	command_print(&text);
}

static void report(const struct seed_nodes *nodes, const struct seed_files *files, const struct seed_secrets *secrets)
{
	for (size_t i = 0; i < nodes->n; i++) {
		const struct node_config *n = &nodes->at[i].node;

		log_info("%s: %s%s%s of cluster %s", files->at[i].path, node_role_name(n->role), n->name ? " " : "",
			 n->name ? n->name : "", n->cluster);
	}
	if (secrets->generated && !secrets->file)
		log_info("the secrets of the cluster are only in these seeds; --secrets FILE keeps them for nodes that "
			 "join "
			 "later");
}

/* Everything is checked before anything is written; the secrets are saved before a seed that holds them appears. */
static int open_secrets(struct seed_secrets *ret, struct error *err)
{
	CLEANUP(free_p) char *wait = secrets_file ? seed_wait_text(secrets_file) : NULL;

	if (secrets_file)
		seed_warn_exposed(secrets_file);
	if (wait)
		log_info("%s", wait);
	return seed_secrets_open(secrets_file, ret, err);
}

static int make_seeds(char **argv, size_t n, struct given *g, struct error *err)
{
	CLEANUP(seed_secrets_close) struct seed_secrets secrets = { .lock = -1 };
	CLEANUP(seed_nodes_done) struct seed_nodes nodes = { 0 };
	CLEANUP(seed_files_done) struct seed_files files = { 0 };
	CLEANUP(free_p) char *endpoint = NULL;
	struct seed_nodes_options how = { .named = !base_file, .kubeadm = kubeadm_pki };

	if (check_options(n, err) < 0 || given_read(g, err) < 0 || open_secrets(&secrets, err) < 0)
		return -1;
	how.seconds = seconds;
	if (seed_nodes_read(argv, n, &how, &secrets, &nodes, err) < 0 || check_outputs(g, &nodes, &secrets, err) < 0 ||
	    (kubeconfig_file && check_kubeconfig(&nodes, &secrets, &endpoint, err) < 0) ||
	    stage(g, &nodes, &files, err) < 0)
		return -1;
	if (seed_secrets_save(&secrets, err) < 0 ||
	    (kubeconfig_file && write_kubeconfig(&nodes, &secrets, endpoint, err) < 0) ||
	    seed_files_publish(&files, err) < 0)
		return -1;
	if (as_json)
		print_json(&nodes, &files);
	else
		report(&nodes, &files, &secrets);
	fflush(stdout); /* a job ends without it */
	return 0;
}

struct work {
	char **files; /* of nodes; borrowed */
	size_t n;
	bool kept; /* the file of secrets was there before */
};

/* job_fn */
static int work(void *context, struct error *err)
{
	CLEANUP(given_done) struct given g = { .base = -1 };
	const struct work *w = context;

	return make_seeds(w->files, w->n, &g, err);
}

/* Parts have secrets in them. job_fn */
static int tidy(void *context, struct error *err)
{
	const struct work *w = context;
	struct stat st;

	for (size_t i = 0; i < w->n; i++) {
		CLEANUP(free_p) char *name = seed_nodes_name(w->files[i]), *path = NULL;
		const char *suffix = base_file ? ".tar.zst" : ".iso";

		if (seed_files_place(out, name, suffix, w->n == 1, &path, err) == 0)
			seed_files_discard(path);
	}
	if (secrets_file)
		seed_files_discard(secrets_file);
	if (secrets_file && !w->kept && stat(secrets_file, &st) == 0 && !st.st_size)
		unlink(secrets_file);
	return 0;
}

static int run(int argc, char **argv, struct error *err)
{
	struct work w = { argv, (size_t)argc, secrets_file && access(secrets_file, F_OK) == 0 };

	return interrupt_run(work, tidy, &w, "seeds are as they were, or new; nothing else is left", err);
}

static const char *const examples[] = {
	"nodekiln seed cp1.yaml w1.yaml --ssh-key ~/.ssh/id_ed25519.pub --secrets lab.secrets",
	"nodekiln seed --lxc out/debian-13.tar.zst --secrets lab.secrets w1.yaml", NULL
};

const struct command command_seed = {
	.name = "seed",
	.arguments = "NODE.yaml...",
	.summary = "write seeds: the configuration of nodes as ISOs for cloud-init, or in container templates",
	.description =
		"A seed is a volume that cloud-init reads at first boot; nodekiln-agent in the image does the "
		"rest. NODE.yaml is a nodekiln-node(5) file. The PKI of a new cluster is made here, and each seed "
		"has what its node needs of it: a worker the CA's certificate and a certificate of its own, good for "
		"--valid; a control plane the CA's keys, too. Everything is checked before "
		"anything is written. Seeds hold secrets: they have mode 0600.",
	.examples = examples,
	.options = options,
	.min = 1,
	.max = NODES_MAX,
	.secrets = true,
	.run = run,
};
