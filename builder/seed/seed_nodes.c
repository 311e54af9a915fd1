/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "builder/seed/pki.h"
#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/text.h"
#include "lib/validate.h"
#include "lib/vec.h"
#include "lib/yaml.h"

#define ORIGIN "nodekiln seed" /* the origin, in messages, of values that are added here */

char *seed_nodes_name(const char *file)
{
	static const char *const suffixes[] = { ".yaml", ".yml" };
	const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (text_ends(base, suffixes[i]))
			return xstrndup(base, strlen(base) - strlen(suffixes[i]));
	return xstrdup(base);
}

static int parse_file(const char *file, struct yaml **ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	int rc;

	if (input_read(file, YAML_SIZE_MAX, &text, err) < 0)
		return -1;
	rc = node_config_parse(file, text.data ? text.data : "", text.len, ret, err);
	text_wipe(&text);
	return rc;
}

/* Reads a value near the root of a tree that has not been validated yet. */
static const char *peek(const struct seed_node *n, const char *key)
{
	const struct yaml *found = yaml_find(n->tree, key);

	return found && found->kind == YAML_SCALAR ? found->value : NULL;
}

static bool is_role(const struct seed_node *n, enum node_role role)
{
	return text_same(peek(n, "role"), node_role_name(role));
}

static int add_name(struct seed_node *n, struct error *err)
{
	struct yaml *map = yaml_find(n->tree, "node");

	if (yaml_find(map, "name") || (map && map->kind != YAML_MAP))
		return 0;
	if (!dns_name_is_valid(n->name))
		return yaml_error(n->tree, err,
				  "'node.name' is missing, and the file's name '%s' cannot be one: give the "
				  "node a DNS name in lower case",
				  n->name);
	if (!map) {
		map = yaml_new(YAML_MAP, n->file, 1);
		yaml_add(n->tree, "node", map);
	}
	yaml_add(map, "name", yaml_new_scalar(ORIGIN, 0, n->name));
	return 0;
}

static void add_secret(struct seed_node *n, const char *key, const char *secret)
{
	yaml_add(n->tree, key, yaml_new_scalar(ORIGIN, 0, secret));
}

/* A secret that the init node sets becomes the cluster's secret; node_config_read() reports malformed values. */
static int adopt(const struct seed_node *n, const char *key, bool (*is)(const char *), char **secret, bool *changed,
		 struct error *err)
{
	const char *given = peek(n, key);

	if (!given || !is(given))
		return 0;
	if (*secret && strcmp(*secret, given))
		return yaml_error(yaml_find(n->tree, key), err,
				  "'%s' differs from the one that cluster '%s' has already; remove one of them", key,
				  peek(n, "cluster"));
	if (!*secret) {
		*secret = xstrdup(given);
		*changed = true;
	}
	return 0;
}

static enum node_role role_of(const struct seed_node *n)
{
	return is_role(n, NODE_INIT) ? NODE_INIT : is_role(n, NODE_WORKER) ? NODE_WORKER : NODE_CONTROL_PLANE;
}

/* node_config_read() reports a name that is not valid, and tokens in addition to the PKI. */
static int give_pki(struct seed_node *n, const struct seed_nodes_options *options, const struct node_pki *pki,
		    struct error *err)
{
	CLEANUP(node_pki_done) struct node_pki own = { 0 };

	if (add_name(n, err) < 0)
		return -1;
	const struct yaml *name = yaml_find(yaml_find(n->tree, "node"), "name");
	if (!name || name->kind != YAML_SCALAR)
		return 0;
	if (pki_for_node(pki, role_of(n), name->value, options->seconds, &own, err) < 0)
		return -1;
	yaml_add(n->tree, "pki", pki_tree(&own, ORIGIN));
	return 0;
}

static bool has_token(const struct seed_node *n)
{
	return yaml_find(n->tree, "token") || yaml_find(n->tree, "certificate_key");
}

static int share_from_init(struct seed_node *n, const struct seed_nodes_options *options, struct seed_secrets *secrets,
			   struct error *err)
{
	struct seed_secret *s = seed_secrets_of(secrets, peek(n, "cluster"));

	if (!seed_secrets_by_token(s, options->kubeadm || has_token(n))) {
		if (seed_secrets_generate_pki(secrets, s, err) < 0)
			return -1;
		return give_pki(n, options, &s->pki, err);
	}
	if (adopt(n, "token", bootstrap_token_is_valid, &s->token, &secrets->changed, err) < 0 ||
	    adopt(n, "certificate_key", certificate_key_is_valid, &s->certificate_key, &secrets->changed, err) < 0)
		return -1;
	seed_secrets_generate(secrets, s);
	if (!yaml_find(n->tree, "token"))
		add_secret(n, "token", s->token);
	if (!yaml_find(n->tree, "certificate_key"))
		add_secret(n, "certificate_key", s->certificate_key);
	return 0;
}

static int give_joiner(struct seed_node *n, const char *key, const char *secret, struct error *err)
{
	if (yaml_find(n->tree, key))
		return 0;
	if (!secret)
		return yaml_error(
			n->tree, err,
			"'%s' is missing, and no secrets of cluster '%s' are known: name its init node's file in the "
			"same command, or the --secrets file that its seed was made with",
			key, peek(n, "cluster"));
	add_secret(n, key, secret);
	return 0;
}

static int share_with_joiner(struct seed_node *n, const struct seed_nodes_options *options,
			     struct seed_secrets *secrets, struct error *err)
{
	const struct seed_secret *s = seed_secrets_of(secrets, peek(n, "cluster"));

	if (s->pki.ca)
		return give_pki(n, options, &s->pki, err);
	if (give_joiner(n, "token", s->token, err) < 0)
		return -1;
	return is_role(n, NODE_CONTROL_PLANE) ? give_joiner(n, "certificate_key", s->certificate_key, err) : 0;
}

/* Init nodes first, whatever the order of the files. */
static int share(struct seed_nodes *nodes, const struct seed_nodes_options *options, struct seed_secrets *secrets,
		 struct error *err)
{
	for (int init = 1; init >= 0; init--) {
		for (size_t i = 0; i < nodes->n; i++) {
			struct seed_node *n = &nodes->at[i];
			bool known = is_role(n, NODE_INIT) || is_role(n, NODE_CONTROL_PLANE) || is_role(n, NODE_WORKER);

			/* node_config_read() reports what is missing or wrong here. A node may bring its part of a PKI. */
			if (!known || !peek(n, "cluster") || is_role(n, NODE_INIT) != init || yaml_find(n->tree, "pki"))
				continue;
			if ((init ? share_from_init : share_with_joiner)(n, options, secrets, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int check_pair(const struct seed_node *a, const struct seed_node *b, struct error *err)
{
	if (!strcmp(a->name, b->name))
		return error_set(err, ERROR_USAGE, "%s and %s would have the same seed file; rename one", a->file,
				 b->file);
	if (strcmp(a->node.cluster, b->node.cluster))
		return 0;
	if (a->node.name && text_same(a->node.name, b->node.name))
		return error_set(err, ERROR_INPUT, "%s and %s are both node '%s' of cluster '%s'", a->file, b->file,
				 a->node.name, a->node.cluster);
	if (a->node.role == NODE_INIT && b->node.role == NODE_INIT && !(a->node.proxmox.given && b->node.proxmox.given))
		return error_set(
			err, ERROR_INPUT,
			"%s and %s would both initialise cluster '%s': give both a proxmox section, so that they "
			"agree on one, or make one role control-plane",
			a->file, b->file, a->node.cluster);
	return 0;
}

static int check_together(const struct seed_nodes *nodes, struct error *err)
{
	for (size_t i = 0; i < nodes->n; i++)
		for (size_t k = 0; k < i; k++)
			if (check_pair(&nodes->at[k], &nodes->at[i], err) < 0)
				return -1;
	return 0;
}

static int parse_all(char *const *files, size_t n, bool named, struct seed_nodes *nodes, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		vec_push(nodes, (struct seed_node){ .file = files[i], .name = seed_nodes_name(files[i]) });
		if (parse_file(files[i], &nodes->at[i].tree, err) < 0 || (named && add_name(&nodes->at[i], err) < 0))
			return -1;
	}
	return 0;
}

int seed_nodes_read(char *const *files, size_t n, const struct seed_nodes_options *options,
		    struct seed_secrets *secrets, struct seed_nodes *ret, struct error *err)
{
	CLEANUP(seed_nodes_done) struct seed_nodes nodes = { 0 };

	if (parse_all(files, n, options->named, &nodes, err) < 0 || share(&nodes, options, secrets, err) < 0)
		return -1;
	for (size_t i = 0; i < nodes.n; i++)
		if (node_config_read(TAKE(nodes.at[i].tree), &nodes.at[i].node, err) < 0)
			return -1;
	if (check_together(&nodes, err) < 0)
		return -1;
	*ret = TAKE(nodes);
	return 0;
}

void seed_nodes_done(struct seed_nodes *nodes)
{
	for (size_t i = 0; i < nodes->n; i++) {
		free(nodes->at[i].name);
		yaml_node_free(nodes->at[i].tree);
		node_config_done(&nodes->at[i].node);
	}
	vec_done(nodes);
}
