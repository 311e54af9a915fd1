/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file of secrets. Values are never shown in messages. */
#include "builder/seed/seed_secrets_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/validate.h"

#define IDENTITY_MAX 36 /* a UUID */
#define VMID_DIGITS 9   /* Proxmox VE has none with more */

static int read_word(struct yaml *map, const char *key, bool (*is)(const char *), char **ret, struct error *err)
{
	if (yaml_take_string(map, key, ret, err) < 0)
		return -1;
	if (*ret && !is(*ret))
		return yaml_error(yaml_find(map, key), err, "'%s' is malformed (it is not shown here); remove it", key);
	return 0;
}

static bool is_key(const char *s)
{
	return hex_is_valid(s, SEED_SECRETS_KEY);
}

static bool is_identity(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef-:");

	return n && n <= IDENTITY_MAX && !s[n];
}

/* 0: it is none. As Proxmox VE writes it, so that no two keys are one guest. */
static long read_vmid(const char *key)
{
	size_t n = strspn(key, "0123456789");

	return *key != '0' && n && n <= VMID_DIGITS && !key[n] ? strtol(key, NULL, 10) : 0;
}

/* "101: {node: cp1, identity: UUID}" */
static int read_guest(struct yaml *map, struct seed_secret *s, struct error *err)
{
	struct seed_made m = { .vmid = read_vmid(map->key) };

	if (map->kind != YAML_MAP || !m.vmid)
		return yaml_error(map, err, "'%s' is not a guest; allowed: VMID: {node: NAME}", map->key);
	vec_push(&s->made, m);
	struct seed_made *made = &s->made.at[s->made.n - 1];
	if (read_word(map, "node", dns_label_is_valid, &made->node, err) < 0 ||
	    read_word(map, "identity", is_identity, &made->identity, err) < 0 ||
	    yaml_take_bool(map, "removing", &made->removing, err) < 0)
		return -1;
	return made->node ? 0 : yaml_error(map, err, "'node' is missing");
}

static int read_guests(struct yaml *map, struct seed_secret *s, struct error *err)
{
	struct yaml *guests;

	if (yaml_take_map(map, "guests", &guests, err) < 0)
		return -1;
	for (size_t i = 0; guests && i < guests->children; i++)
		if (read_guest(yaml_take(guests, guests->child[i]->key), s, err) < 0)
			return -1;
	return 0;
}

static int read_pki(struct yaml *map, struct node_pki *ret, struct error *err)
{
	struct yaml *pki;

	if (yaml_take_map(map, "pki", &pki, err) < 0)
		return -1;
	for (size_t i = 0; pki && i < node_pki_keys(); i++) {
		char **value = node_pki_at(i, ret);
		if (!node_pki_is_of_cluster(i))
			continue;
		if (yaml_take_string(pki, node_pki_key(i), value, err) < 0)
			return -1;
		if (!*value || !node_pki_is_valid(i, *value))
			return yaml_error(pki, err,
					  "'pki.%s' is missing or malformed (it is not shown here); restore the file",
					  node_pki_key(i));
	}
	return 0;
}

static int read_cluster(struct yaml *map, struct seed_secrets *secrets, struct error *err)
{
	struct seed_secret *s = seed_secrets_of(secrets, map->key);

	if (map->kind != YAML_MAP)
		return yaml_error(map, err, "'%s' must be a map with pki, or with token and certificate_key", map->key);
	if (read_word(map, "token", bootstrap_token_is_valid, &s->token, err) < 0 ||
	    read_word(map, "certificate_key", certificate_key_is_valid, &s->certificate_key, err) < 0 ||
	    read_word(map, "notes_key", is_key, &s->notes_key, err) < 0 || read_pki(map, &s->pki, err) < 0)
		return -1;
	if (s->token && s->pki.ca)
		return yaml_error(map, err, "'%s' has both token and pki; restore the file", map->key);
	return read_guests(map, s, err);
}

static int check_version(struct yaml *tree, struct error *err)
{
	long version = 1;

	if (yaml_take_int(tree, SEED_SECRETS_VERSION_KEY, 1, INT_MAX, &version, err) < 0)
		return -1;
	if (version > SEED_SECRETS_VERSION)
		return yaml_error(
			tree, err,
			"it has version %ld of this format, and this nodekiln knows %d; use the nodekiln that "
			"wrote it, or a later one",
			version, SEED_SECRETS_VERSION);
	return 0;
}

int seed_secrets_read_tree(struct yaml *tree, struct seed_secrets *secrets, struct error *err)
{
	/* An empty file is one that was just created. */
	if (tree->kind == YAML_SCALAR && !*tree->value)
		return 0;
	if (tree->kind != YAML_MAP)
		return yaml_error(tree, err, "it must be a map of clusters, as `nodekiln seed --secrets` writes it");
	if (check_version(tree, err) < 0)
		return -1;
	for (size_t i = 0; i < tree->children; i++)
		if (strcmp(tree->child[i]->key, SEED_SECRETS_VERSION_KEY) != 0 &&
		    read_cluster(yaml_take(tree, tree->child[i]->key), secrets, err) < 0)
			return -1;
	return yaml_check_all_taken(tree, err);
}
