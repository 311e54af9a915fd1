/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a target's file: a table for the keys with plain strings, functions for the others. */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "builder/pve/target.h"
#include "lib/validate.h"
#include "lib/yaml.h"

#define BRIDGE_MAX 15 /* characters of a network interface's name */
#define TAG_MAX 64
#define VLAN_MAX 4094
#define TOKEN_MAX 200

static bool is_made_of(const char *s, const char *also, size_t max)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (!isalnum((unsigned char)s[n]) && !strchr(also, s[n]))
			return false;
	return n && n <= max;
}

static bool is_storage(const char *s)
{
	return isalpha((unsigned char)*s) && is_made_of(s, "-_.", 100) && isalnum((unsigned char)s[strlen(s) - 1]);
}

static bool is_pool(const char *s)
{
	return isalpha((unsigned char)*s) && is_made_of(s, "-_./", 100);
}

static bool is_bridge(const char *s)
{
	return isalpha((unsigned char)*s) && is_made_of(s, "-_.", BRIDGE_MAX);
}

static bool is_variable(const char *s)
{
	return !isdigit((unsigned char)*s) && is_made_of(s, "_", 100);
}

/* It is printed in shell commands (roles.h), between quotes. */
static bool is_token(const char *s)
{
	return pve_token_id_is_valid(s) && !strchr(s, '\'') && strlen(s) <= TOKEN_MAX;
}

static bool is_user(const char *s)
{
	CLEANUP(free_p) char *token = xasprintf("%s!aa", s);

	return is_token(token);
}

static bool is_any(const char *s)
{
	return *s != '\0';
}

/* `nodekiln` and `kiln.*` are set by publish itself. */
static bool is_tag(const char *s)
{
	for (const char *c = s; *c; c++)
		if (isupper((unsigned char)*c))
			return false;
	return (isalnum((unsigned char)*s) || *s == '_') && is_made_of(s, "_-+.", TAG_MAX) &&
	       !text_starts(s, "kiln.") && strcmp(s, "nodekiln") != 0;
}

static const struct target_word {
	const char *key;
	size_t offset;
	bool (*is)(const char *s);
	const char *allowed;
	bool needed;
} words[] = {
	{ "url", offsetof(struct target, url), pve_url_is_valid, "https://HOST or https://HOST:PORT, without a path",
	  true },
	{ "token_id", offsetof(struct target, token_id), is_token, "USER@REALM!NAME, e.g. nodekiln@pve!ci", true },
	{ "token_secret_file", offsetof(struct target, token_secret_file), is_any, "a file with the token's UUID",
	  false },
	{ "token_secret_env", offsetof(struct target, token_secret_env), is_variable,
	  "the name of a variable of the environment", false },
	{ "notes_key_file", offsetof(struct target, notes_key_file), is_any, "a file with 64 hex digits", false },
	{ "notes_key_env", offsetof(struct target, notes_key_env), is_variable,
	  "the name of a variable of the environment", false },
	{ "ca", offsetof(struct target, ca_file), is_any, "a PEM file", false },
	{ "pool", offsetof(struct target, pool), is_pool, "the name of a pool", false },
	{ "bridge", offsetof(struct target, bridge), is_bridge, "a bridge or VNet, e.g. vmbr0", true },
	{ "zone", offsetof(struct target, zone), is_storage, "the name of an SDN zone", false },
	{ "agent_user", offsetof(struct target, agent_user), is_user, "USER@REALM", false },
};

static int read_word(const struct target_word *w, struct yaml *tree, struct target *t, struct error *err)
{
	char **to = (char **)((char *)t + w->offset);

	if (yaml_take_string(tree, w->key, to, err) < 0)
		return -1;
	if (*to && !w->is(*to))
		return yaml_error(yaml_find(tree, w->key), err, "'%s' is '%s'; allowed: %s%s", w->key, *to, w->allowed,
				  validate_case_hint(w->is, *to));
	return *to || !w->needed ? 0 : yaml_error(tree, err, "'%s' is missing; it is %s", w->key, w->allowed);
}

/* Seeds default to the storage of container templates: PVE's storages accept both content types by
 * default. */
static const char *storage_otherwise(const struct target_storages *s, size_t i, const struct yaml *map,
				     const struct target_storages *others)
{
	bool own = &s->at[i] == &s->seeds && (!others || yaml_find(map, "vztmpl"));

	return own ? s->vztmpl : others ? others->at[i] : NULL;
}

static int read_storages(struct yaml *tree, const struct target_storages *others, struct target_storages *ret,
			 struct error *err)
{
	static const char *const keys[TARGET_STORAGES] = { "import", "vztmpl", "disks", "seeds" };
	struct yaml *map;

	if (yaml_take_map(tree, "storages", &map, err) < 0)
		return -1;
	for (size_t i = 0; i < TARGET_STORAGES; i++) {
		if (yaml_take_string(map, keys[i], &ret->at[i], err) < 0)
			return -1;
		const char *otherwise = storage_otherwise(ret, i, map, others);
		if (!ret->at[i] && !otherwise)
			return yaml_error(map ? map : tree, err,
					  "'storages.%s' is missing; it is the name of a storage", keys[i]);
		if (!ret->at[i])
			ret->at[i] = xstrdup(otherwise);
		if (!is_storage(ret->at[i]))
			return yaml_error(yaml_find(map, keys[i]), err, "'%s' is '%s'; allowed: the name of a storage",
					  keys[i], ret->at[i]);
	}
	return 0;
}

static int read_words(struct yaml *tree, struct target *t, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (read_word(&words[i], tree, t, err) < 0)
			return -1;
	if (!t->zone)
		t->zone = xstrdup("localnetwork");
	if (!t->agent_user)
		t->agent_user = xstrdup(TARGET_AGENT_USER);
	if (!t->token_secret_file == !t->token_secret_env)
		return yaml_error(
			tree, err,
			"the token's secret is needed from one place: token_secret_file (a file with the UUID), or "
			"token_secret_env (a variable of the environment)");
	if (t->notes_key_file && t->notes_key_env)
		return yaml_error(tree, err, "'notes_key_file' and 'notes_key_env' exclude each other");
	return 0;
}

/* "pve1", or {name: pve1, url: ..., storages: ...} */
static int read_node(struct yaml *item, const struct target *t, struct target_node *node, struct error *err)
{
	struct yaml *map = item->kind == YAML_MAP ? item : NULL;

	if (item->kind == YAML_SCALAR) {
		node->name = xstrdup(item->value);
	} else if (yaml_take_string(item, "name", &node->name, err) < 0 ||
		   yaml_take_string(item, "url", &node->url, err) < 0) {
		return -1;
	}
	item->taken = true;
	if (!node->name || !pve_node_is_valid(node->name))
		return yaml_error(item, err,
				  "'%s' is not a node; allowed: its name in Proxmox VE, or {name: NAME, url: URL}",
				  node->name ? node->name : "");
	if (node->url && !pve_url_is_valid(node->url))
		return yaml_error(item, err,
				  "'url' is '%s'; allowed: https://HOST or https://HOST:PORT, without a path%s",
				  node->url, validate_case_hint(pve_url_is_valid, node->url));
	return read_storages(map, &t->storages, &node->storages, err);
}

static bool has_twice(const struct target *t)
{
	for (size_t i = 0; i + 1 < t->nodes.n; i++)
		if (!strcmp(t->nodes.at[i].name, t->nodes.at[t->nodes.n - 1].name))
			return true;
	return false;
}

static int read_nodes(struct yaml *tree, struct target *t, struct error *err)
{
	struct yaml *list;

	if (yaml_take_list(tree, "nodes", &list, err) < 0)
		return -1;
	for (size_t i = 0; list && i < list->children; i++) {
		vec_push(&t->nodes, (struct target_node){ 0 });
		if (read_node(list->child[i], t, &t->nodes.at[t->nodes.n - 1], err) < 0)
			return -1;
		if (has_twice(t))
			return yaml_error(list->child[i], err, "node '%s' is listed twice", t->nodes.at[i].name);
	}
	if (!t->nodes.n || t->nodes.n > TARGET_NODES_MAX)
		return yaml_error(list ? list : tree, err, "'nodes' must name 1 to %d nodes, e.g. [pve1]",
				  TARGET_NODES_MAX);
	return 0;
}

static int read_vmids(struct yaml *tree, struct target *t, struct error *err)
{
	struct yaml *map;

	if (yaml_take_map(tree, "vmids", &map, err) < 0)
		return -1;
	if (yaml_take_int(map, "from", TARGET_VMID_MIN, TARGET_VMID_MAX, &t->vmid_from, err) < 0 ||
	    yaml_take_int(map, "to", TARGET_VMID_MIN, TARGET_VMID_MAX, &t->vmid_to, err) < 0)
		return -1;
	if (map && (!t->vmid_from || t->vmid_to < t->vmid_from))
		return yaml_error(map, err, "'vmids' needs from and to, and to may not be below from");
	return 0;
}

static int read_tags(struct yaml *tree, struct target *t, struct error *err)
{
	if (yaml_take_strings(tree, "tags", &t->tags, err) < 0)
		return -1;
	for (size_t i = 0; i < t->tags.n; i++)
		if (!is_tag(t->tags.at[i]))
			return yaml_error(
				yaml_find(tree, "tags"), err,
				"'tags' has '%s'; allowed: a-z 0-9 _ - + . with a letter, digit or _ first; not "
				"nodekiln or kiln.*, which are set anyway",
				t->tags.at[i]);
	return 0;
}

static int read_fingerprints(struct yaml *tree, struct target *t, struct error *err)
{
	if (yaml_take_strings(tree, "fingerprints", &t->fingerprints, err) < 0)
		return -1;
	for (size_t i = 0; i < t->fingerprints.n; i++) {
		if (!fingerprint_is_valid(t->fingerprints.at[i]))
			return yaml_error(
				yaml_find(tree, "fingerprints"), err,
				"'fingerprints' has '%s'; allowed: SHA-256, 32 pairs of hex digits with colons "
				"between, as `pvenode cert info` shows them",
				t->fingerprints.at[i]);
		fingerprint_normalize(&t->fingerprints.at[i]);
	}
	return 0;
}

/* A secret in this file would soon be in git. The message does not contain it. */
static int refuse_secret(struct yaml *tree, struct error *err)
{
	const struct yaml *found = yaml_find(tree, "token_secret");

	return found ? yaml_error(found, err,
				  "the secret itself does not belong in this file; put it in a file of its own "
				  "(token_secret_file) or in the environment (token_secret_env)")
		     : 0;
}

static int read_common_storages(struct yaml *tree, struct target *t, struct error *err)
{
	return read_storages(tree, NULL, &t->storages, err);
}

static int read_tree(struct yaml *tree, struct target *t, struct error *err)
{
	int (*const readers[])(struct yaml *, struct target *, struct error *) = {
		read_words, read_common_storages, read_nodes, read_vmids, read_tags, read_fingerprints,
	};

	if (tree->kind != YAML_MAP)
		return yaml_error(tree, err, "a target is a map (key: value); see `nodekiln publish --help`");
	if (refuse_secret(tree, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (readers[i](tree, t, err) < 0)
			return -1;
	if (yaml_take_int(tree, "vlan", 1, VLAN_MAX, &t->vlan, err) < 0)
		return -1;
	return yaml_check_all_taken(tree, err);
}

int target_read(struct yaml *tree, struct target *ret, struct error *err)
{
	CLEANUP(target_done) struct target target = { .file = xstrdup(tree->file) };

	if (read_tree(tree, &target, err) < 0)
		return -1;
	*ret = TAKE(target);
	return 0;
}

int target_parse(const char *file, const char *text, size_t len, struct target *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (yaml_parse(file, text, len, &tree, err) < 0)
		return -1;
	return target_read(tree, ret, err);
}
