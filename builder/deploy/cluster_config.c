/* SPDX-License-Identifier: Apache-2.0 */
/* One node's configuration: the cluster's, overridden by the node's own, and its identity. */
#include <stdlib.h>
#include <string.h>

#include "builder/deploy/cluster.h"
#include "builder/seed/pki.h"

#define ORIGIN "nodekiln deploy" /* file name in messages about keys that are added here */

/* Keys that deploy writes; CLUSTER.yaml may not set them in `config`. */
static const char *const own_keys[] = { "cluster", "role", "token", "certificate_key", "proxmox", "pki", NULL };

static struct yaml *copy_tree(const struct yaml *from)
{
	struct yaml *to;

	if (from->kind == YAML_SCALAR) {
		to = yaml_new_scalar(from->file, from->line, from->value);
		to->plain = from->plain;
		return to;
	}
	to = yaml_new(from->kind, from->file, from->line);
	for (size_t i = 0; i < from->children; i++)
		yaml_add(to, from->child[i]->key, copy_tree(from->child[i]));
	return to;
}

static int refuse_own(const struct yaml *config, struct error *err)
{
	for (size_t i = 0; config && own_keys[i]; i++)
		if (yaml_find(config, own_keys[i]))
			return yaml_error(yaml_find(config, own_keys[i]), err,
					  "'config' has '%s', which deploy writes itself; remove it", own_keys[i]);
	const struct yaml *name = yaml_find(yaml_find(config, "node"), "name");
	return name ? yaml_error(name, err, "'config' has 'node.name', which deploy writes itself; remove it") : 0;
}

static void put(struct yaml *map, const char *key, const char *value)
{
	if (value)
		yaml_add(map, key, yaml_new_scalar(ORIGIN, 0, value));
}

static struct yaml *fingerprints(const struct target *t)
{
	struct yaml *list = yaml_new(YAML_LIST, ORIGIN, 0);

	for (size_t i = 0; i < t->fingerprints.n; i++)
		yaml_add(list, NULL, yaml_new_scalar(ORIGIN, 0, t->fingerprints.at[i]));
	return list;
}

static struct yaml *proxmox(const struct cluster *c, const struct cluster_identity *id)
{
	struct yaml *map = yaml_new(YAML_MAP, ORIGIN, 0);
	CLEANUP(free_p) char *vmid = id->vmid ? xasprintf("%ld", id->vmid) : NULL;

	put(map, "url", c->api ? c->api : c->target.url);
	put(map, "vmid", vmid);
	put(map, "token_id", id->pve_token_id);
	put(map, "token_secret", id->pve_token_secret);
	put(map, "ca", c->target.ca);
	if (c->target.fingerprints.n)
		yaml_add(map, "fingerprints", fingerprints(&c->target));
	return map;
}

/* A worker gets no certificate key. */
static struct yaml *identity_tree(const struct cluster *c, const struct cluster_node *n,
				  const struct cluster_identity *id)
{
	struct yaml *map = yaml_new(YAML_MAP, n->file, n->line), *node = yaml_new(YAML_MAP, n->file, n->line);

	put(map, "cluster", c->name);
	put(map, "role", node_role_name(n->role));
	put(map, "token", id->token);
	if (n->role != NODE_WORKER)
		put(map, "certificate_key", id->certificate_key);
	if (id->pki)
		yaml_add(map, "pki", pki_tree(id->pki, ORIGIN));
	put(node, "name", n->name);
	yaml_add(map, "node", node);
	yaml_add(map, "proxmox", proxmox(c, id));
	return map;
}

int cluster_config(const struct cluster *c, const struct cluster_node *n, const struct cluster_identity *identity,
		   struct node_config *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p)
	struct yaml *tree = c->config ? copy_tree(c->config) : yaml_new(YAML_MAP, n->file, n->line);

	if (refuse_own(c->config, err) < 0 || refuse_own(n->config, err) < 0)
		return -1;
	if (n->config)
		node_config_merge(tree, copy_tree(n->config));
	node_config_merge(tree, identity_tree(c, n, identity));
	if (node_config_read(TAKE(tree), ret, err) < 0)
		return error_wrap(err, "node '%s'", n->name);
	return 0;
}
