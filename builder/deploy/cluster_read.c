/* SPDX-License-Identifier: Apache-2.0 */
/* Parses CLUSTER.yaml. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "builder/deploy/cluster.h"
#include "builder/seed/seed_network.h"
#include "lib/hash.h"
#include "lib/subnet.h"
#include "lib/validate.h"

#define CORES_MAX 512
#define MEMORY_MIN (512ull << 20)
#define NODE_NAME_MAX 40 /* names of volumes and tokens contain those of the cluster and the node */
#define SHA256_ALLOWED "64 hex digits in lower case"
#define SLACK 900 /* seconds for booting, in addition to a node's timeouts */

/* Values of the right form, to check configurations before there are secrets. */
static const struct cluster_identity placeholder = {
	.token = "aaaaaa.aaaaaaaaaaaaaaaa",
	.certificate_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	.pve_token_id = "a@pve!aa",
	.pve_token_secret = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
	.vmid = 100,
};

static int take_word(struct yaml *map, const char *key, bool (*is)(const char *), const char *allowed, char **ret,
		     struct error *err)
{
	if (yaml_take_string(map, key, ret, err) < 0)
		return -1;
	if (*ret && !is(*ret))
		return yaml_error(yaml_find(map, key), err, "'%s' is '%s'; allowed: %s%s", key, *ret, allowed,
				  validate_case_hint(is, *ret));
	return 0;
}

static bool is_any(const char *s)
{
	return *s != '\0';
}

static bool is_sha256(const char *s)
{
	return hex_is_valid(s, SHA256_HEX - 1) && !strpbrk(s, "ABCDEF");
}

static bool is_node_name(const char *s)
{
	return dns_label_is_valid(s) && strlen(s) <= NODE_NAME_MAX;
}

static int take_size(struct yaml *map, struct cluster_size *ret, struct error *err)
{
	if (yaml_take_int(map, "cores", 1, CORES_MAX, &ret->cores, err) < 0 ||
	    yaml_take_size(map, "memory", &ret->memory, err) < 0 || yaml_take_size(map, "disk", &ret->disk, err) < 0)
		return -1;
	if (ret->memory && ret->memory < MEMORY_MIN)
		return yaml_error(yaml_find(map, "memory"), err, "'memory' is below 512M, too little for a node");
	return 0;
}

static int take_config(struct yaml *map, struct yaml **ret, struct error *err)
{
	struct yaml *config;

	if (yaml_take_map(map, "config", &config, err) < 0)
		return -1;
	if (config)
		*ret = yaml_remove(map, "config");
	return 0;
}

static int take_pki(struct yaml *map, struct cluster *c, struct error *err)
{
	static const char *const makers[] = { "deployer", "kubeadm", NULL };
	int maker = 0;

	if (yaml_take_choice(map, "pki", makers, &maker, err) < 0)
		return -1;
	c->kubeadm_pki = maker == 1;
	return 0;
}

/* ---- the target ---- */

static int read_target(struct yaml *tree, struct cluster *c, struct error *err)
{
	struct yaml *found = yaml_take(tree, "target");

	if (!found || (found->kind == YAML_SCALAR && !*found->value) || found->kind == YAML_LIST)
		return yaml_error(found ? found : tree, err,
				  "'target' must be the name of a target's file, or a map with a target's keys");
	if (found->kind == YAML_SCALAR) {
		CLEANUP(free_p) char *path = cluster_path_of(c->file, found->value);
		if (target_load(path, &c->target, err) < 0)
			return -1;
	} else if (target_read(found, &c->target, err) < 0) {
		return -1;
	}
	if (!c->target.pool)
		return yaml_error(found, err,
				  "the target has no pool; deploy needs one: guests find each other only within "
				  "it");
	return 0;
}

/* ---- nodes ---- */

static int take_role(struct yaml *map, struct cluster_node *n, struct error *err)
{
	static const char *const roles[] = { "init", "control-plane", "worker", NULL };
	static const char *const kinds[] = { [PVE_QEMU] = "vm", [PVE_LXC] = "lxc", NULL };
	int role = -1, kind = PVE_QEMU;

	if (yaml_take_choice(map, "role", roles, &role, err) < 0 ||
	    yaml_take_choice(map, "kind", kinds, &kind, err) < 0)
		return -1;
	if (role < 0)
		return yaml_error(map, err, "'role' is missing; allowed: init, control-plane, worker");
	n->role = (enum node_role)role;
	n->kind = (enum pve_kind)kind;
	return 0;
}

static int check_pve_node(const struct yaml *map, const struct cluster *c, struct cluster_node *n, struct error *err)
{
	if (!n->pve_node)
		n->pve_node = xstrdup(c->target.nodes.at[0].name);
	for (size_t i = 0; i < c->target.nodes.n; i++)
		if (!strcmp(c->target.nodes.at[i].name, n->pve_node))
			return 0;
	return yaml_error(map, err, "'node' is '%s', which is none of the target's nodes", n->pve_node);
}

static int take_network(struct yaml *map, struct cluster_node *n, struct error *err)
{
	CLEANUP(text_done) struct text ignored = { 0 };

	if (yaml_take_string(map, "address", &n->address, err) < 0 ||
	    yaml_take_string(map, "gateway", &n->gateway, err) < 0 ||
	    yaml_take_strings(map, "nameservers", &n->nameservers, err) < 0)
		return -1;
	struct seed_network network = { .address = n->address, .gateway = n->gateway, .nameservers = n->nameservers };
	if (seed_network_config(&network, &ignored, err) == 0)
		return 0;
	struct error why = *err;
	return yaml_error(map, err, "%s", why.text);
}

static int take_node(struct yaml *map, const struct cluster *c, struct cluster_node *n, struct error *err)
{
	if (map->kind != YAML_MAP)
		return yaml_error(map, err, "a node is a map: {name: cp1, role: init}");
	map->taken = true;
	*n = (struct cluster_node){ .size = c->size, .file = c->file, .line = map->line };
	if (take_word(map, "name", is_node_name, "a DNS label of at most 40 characters", &n->name, err) < 0 ||
	    take_role(map, n, err) < 0 ||
	    take_word(map, "node", pve_node_is_valid, "a node of the target", &n->pve_node, err) < 0 ||
	    take_word(map, "template", is_any, "an image, a template's name or its VMID", &n->template, err) < 0 ||
	    take_word(map, "template_sha256", is_sha256, SHA256_ALLOWED, &n->template_sha256, err) < 0 ||
	    yaml_take_int(map, "vmid", TARGET_VMID_MIN, TARGET_VMID_MAX, &n->vmid, err) < 0 ||
	    take_size(map, &n->size, err) < 0 || take_network(map, n, err) < 0 || take_config(map, &n->config, err) < 0)
		return -1;
	if (n->template_sha256 && !n->template)
		return yaml_error(map, err, "'template_sha256' of a node needs its 'template'");
	return n->name ? check_pve_node(map, c, n, err) : yaml_error(map, err, "'name' is missing");
}

static int check_unique(const struct cluster *c, const struct yaml *map, struct error *err)
{
	const struct cluster_node *last = &c->nodes.at[c->nodes.n - 1];

	for (size_t i = 0; i + 1 < c->nodes.n; i++) {
		const struct cluster_node *n = &c->nodes.at[i];
		if (!strcmp(n->name, last->name))
			return yaml_error(map, err, "node '%s' is listed twice", last->name);
		if (last->vmid && n->vmid == last->vmid)
			return yaml_error(map, err, "VMID %ld is already that of '%s'", last->vmid, n->name);
	}
	return 0;
}

static int take_nodes(struct yaml *tree, struct cluster *c, struct error *err)
{
	struct yaml *list;

	if (yaml_take_list(tree, "nodes", &list, err) < 0)
		return -1;
	if (!list || !list->children || list->children > CLUSTER_NODES_MAX)
		return yaml_error(list ? list : tree, err, "'nodes' must list 1 to %d nodes", CLUSTER_NODES_MAX);
	for (size_t i = 0; i < list->children; i++) {
		vec_push(&c->nodes, (struct cluster_node){ 0 });
		if (take_node(list->child[i], c, &c->nodes.at[i], err) < 0 || check_unique(c, list->child[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the whole ---- */

static int check_sources(const struct yaml *tree, struct cluster *c, struct error *err)
{
	bool init = false;

	for (size_t i = 0; i < c->nodes.n; i++) {
		struct cluster_node *n = &c->nodes.at[i];
		init |= n->role == NODE_INIT;
		if (n->kind == PVE_LXC && !c->container)
			return yaml_error(tree, err,
					  "node '%s' is a container, but 'container' is missing: the image's .tar.zst",
					  n->name);
		if (n->kind == PVE_LXC && (n->template || !n->size.disk))
			return yaml_error(tree, err, "node '%s' is a container: it needs 'disk', and has no 'template'",
					  n->name);
	}
	return init ? 0
		    : yaml_error(tree, err, "no node has role init; one must create the cluster that the others join");
}

static bool is_same_address(const char *a, const char *b)
{
	CLEANUP(free_p) char *x = xstrndup(a, strcspn(a, "/")), *y = xstrndup(b, strcspn(b, "/"));
	struct subnet p, q;

	return subnet_parse_address(x, &p) && subnet_parse_address(y, &q) && subnet_overlap(&p, &q);
}

/* Nodes before this one, and the gateways of all. */
static int check_address(const struct cluster *c, size_t at, struct error *err)
{
	const struct cluster_node *n = &c->nodes.at[at];

	for (size_t i = 0; n->address && i < c->nodes.n; i++) {
		const struct cluster_node *other = &c->nodes.at[i];
		if (i < at && other->address && is_same_address(n->address, other->address))
			return error_set(err, ERROR_INPUT, "%s:%d: the address %s is already that of '%s'", n->file,
					 n->line, n->address, other->name);
		if (other->gateway && is_same_address(n->address, other->gateway))
			return error_set(err, ERROR_INPUT, "%s:%d: the address %s is the gateway of '%s'", n->file,
					 n->line, n->address, other->name);
	}
	return 0;
}

int cluster_check_network(const struct cluster *c, size_t at, struct error *err)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	const struct cluster_node *n = &c->nodes.at[at];
	/* PVE makes the same of a container's keys. */
	const struct seed_network network = { .address = n->address,
					      .gateway = n->gateway,
					      .nameservers = n->nameservers };

	if (cluster_config(c, n, &placeholder, &node, err) < 0)
		return -1;
	if (seed_network_check_node(&network, &node, err) < 0)
		return error_wrap(err, "%s:%d: node '%s'", n->file, n->line, n->name);
	return check_address(c, at, err);
}

static int check_configs(struct cluster *c, struct error *err)
{
	for (size_t i = 0; i < c->nodes.n; i++) {
		CLEANUP(node_config_done) struct node_config node = { 0 };
		if (cluster_config(c, &c->nodes.at[i], &placeholder, &node, err) < 0)
			return -1;
		c->nodes.at[i].patience = node.timeout_rendezvous + node.timeout_kubeadm + node.timeout_ready + SLACK;
	}
	return 0;
}

static int take_words(struct yaml *tree, struct cluster *c, struct error *err)
{
	if (take_word(tree, "cluster", dns_label_is_valid, "a DNS label", &c->name, err) < 0 ||
	    take_word(tree, "template", is_any, "an image, a template's name or its VMID", &c->template, err) < 0 ||
	    take_word(tree, "template_sha256", is_sha256, SHA256_ALLOWED, &c->template_sha256, err) < 0 ||
	    take_word(tree, "container", is_any, "an image's .tar.zst", &c->container, err) < 0 ||
	    take_word(tree, "api", pve_url_is_valid, "https://HOST or https://HOST:PORT", &c->api, err) < 0)
		return -1;
	return c->name ? 0 : yaml_error(tree, err, "'cluster' is missing; give the cluster a name");
}

static int read_cluster(struct yaml *tree, struct cluster *c, struct error *err)
{
	if (tree->kind != YAML_MAP)
		return yaml_error(tree, err, "a cluster is a map (key: value); see `nodekiln deploy --help`");
	if (take_words(tree, c, err) < 0 || read_target(tree, c, err) < 0 || take_size(tree, &c->size, err) < 0 ||
	    yaml_take_strings(tree, "ssh_keys", &c->ssh_keys, err) < 0 || take_pki(tree, c, err) < 0 ||
	    take_config(tree, &c->config, err) < 0 || take_nodes(tree, c, err) < 0 ||
	    yaml_check_all_taken(tree, err) < 0)
		return -1;
	if (check_sources(tree, c, err) < 0)
		return -1;
	return check_configs(c, err);
}

int cluster_read(struct yaml *tree, struct cluster *ret, struct error *err)
{
	CLEANUP(cluster_done) struct cluster c = { .file = xstrdup(tree->file) };

	if (read_cluster(tree, &c, err) < 0)
		return -1;
	*ret = TAKE(c);
	return 0;
}

int cluster_parse(const char *file, const char *text, size_t len, struct cluster *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (yaml_parse(file, text, len, &tree, err) < 0)
		return -1;
	return cluster_read(tree, ret, err);
}
