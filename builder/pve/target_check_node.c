/* SPDX-License-Identifier: Apache-2.0 */
/* A node of a target: its storages and its bridge. */
#include <stdlib.h>
#include <string.h>

#include "builder/pve/pve_retry.h"
#include "builder/pve/target_check.h"

static const struct json *entry_of(const struct json *list, const char *key, const char *name)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (text_same(json_get_string(json_at(list, i), key), name))
			return json_at(list, i);
	return NULL;
}

static void miss_node(struct target_check *c, const struct json *list, const char *node)
{
	CLEANUP(text_done) struct text names = { 0 };

	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_get_string(json_at(list, i), "node");
		text_addf(&names, "%s%s", names.len ? ", " : "", name ? name : "?");
	}
	target_check_miss(c, "there is no node %s; there are: %s; correct `nodes` in %s", node,
			  names.data ? names.data : "none", c->target->file);
}

int target_check_node(struct target_check *c, const char *node, struct json **ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage", node);

	*ret = NULL;
	if (pve_get_retry(c->pve, "/nodes", NULL, &list, err) < 0)
		return -1;
	const struct json *found = entry_of(list, "node", node);
	if (found && !text_same(json_get_string(found, "status"), "offline"))
		return pve_get_retry(c->pve, path, NULL, ret, err);
	if (found)
		target_check_miss(c, "node %s is offline; start it, or take it out of `nodes` in %s", node,
				  c->target->file);
	else
		miss_node(c, list, node);
	return 0;
}

static bool is_set(const struct json *object, const char *key)
{
	int64_t n = 0;

	return pve_get_int(object, key, &n) && n;
}

/* "iso,vztmpl" has "vztmpl". */
static bool has_content(const char *list, const char *content)
{
	size_t n = strlen(content);

	for (; list && *list; list += strcspn(list, ",") + (list[strcspn(list, ",")] == ','))
		if (strcspn(list, ",") == n && !strncmp(list, content, n))
			return true;
	return false;
}

/* The rights there were missing, so the storage cannot be seen: one cause, one sentence. */
static bool add_to_rights(struct target_check *c, const char *storage)
{
	CLEANUP(free_p) char *place = xasprintf(" on /storage/%s;", storage);

	for (size_t i = 0; i < c->missing.n; i++) {
		char *said = c->missing.at[i];
		if (!strstr(said, place))
			continue;
		if (!strstr(said, "; if there is no such storage"))
			c->missing.at[i] = xasprintf("%s; if there is no such storage, correct `storages` in %s", said,
						     c->target->file);
		if (c->missing.at[i] != said)
			free(said);
		return true;
	}
	return false;
}

static bool is_usable(struct target_check *c, const char *node, const struct json *s, const char *storage)
{
	if (s && is_set(s, "enabled") && is_set(s, "active"))
		return true;
	if (!s && !add_to_rights(c, storage))
		target_check_miss(c,
				  "the token sees no storage %s on node %s; correct `storages` in %s, or grant it its "
				  "rights there",
				  storage, node, c->target->file);
	if (s)
		target_check_miss(c, "storage %s is %s on node %s; see Datacenter > Storage > %s", storage,
				  is_set(s, "enabled") ? "not active" : "disabled", node, storage);
	return false;
}

/* ---- content ---- */

/* What a storage of a type can never accept of what nodekiln stores (PVE/Storage/NAMEPlugin.pm: plugindata); other types can have
 * everything. */
static const struct {
	const char *type, *without;
} types[] = {
	{ "lvm", "import,vztmpl,iso" },
	{ "lvmthin", "import,vztmpl,iso" },
	{ "zfspool", "import,vztmpl,iso" },
	{ "rbd", "import,vztmpl,iso" },
	{ "drbd", "import,vztmpl,iso" },
	{ "zfs", "import,vztmpl,iso,rootdir" },
	{ "iscsi", "import,vztmpl,iso,rootdir" },
	{ "iscsidirect", "import,vztmpl,iso,rootdir" },
	{ "pbs", "import,vztmpl,iso,rootdir,images" },
	{ "esxi", "import,vztmpl,iso,rootdir,images" },
	{ "cephfs", "rootdir,images" },
	{ "glusterfs", "rootdir" },
};

/* The target's key for a content type. */
static const struct {
	const char *content, *key;
} keys[] = { { "import", "import" },
	     { "vztmpl", "vztmpl" },
	     { "iso", "seeds" },
	     { "images", "disks" },
	     { "rootdir", "disks" } };

static const char *key_of(const char *content)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].content, content))
			return keys[i].key;
	return "?";
}

static bool can_have(const char *type, const char *content)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (text_same(type, types[i].type))
			return !has_content(types[i].without, content);
	return true;
}

/* `pvesm set --content` replaces the list: so all that a storage lacks is one command. */
static char *lack_sentence(const struct target_lack *lack, const char *has)
{
	CLEANUP(text_done) struct text quoted = { 0 };

	for (const char *c = lack->content; *c; c++)
		text_addn(&quoted, *c == ',' ? "', '" : c, *c == ',' ? 4 : 1);
	return xasprintf(
		"storage %s does not accept '%s'; as root on a node: pvesm set %s --content %s%s%s (or Datacenter > "
		"Storage > %s > Content)",
		lack->storage, quoted.data, lack->storage, has ? has : "", has && *has ? "," : "", lack->content,
		lack->storage);
}

static struct target_lack *lack_of(struct target_check *c, const char *storage)
{
	for (size_t i = 0; i < c->lacks.n; i++)
		if (!strcmp(c->lacks.at[i].storage, storage))
			return &c->lacks.at[i];
	vec_push(&c->lacks, (struct target_lack){ .storage = xstrdup(storage), .content = xstrdup("") });
	return &c->lacks.at[c->lacks.n - 1];
}

static void miss_content(struct target_check *c, const char *storage, const char *has, const char *content)
{
	struct target_lack *lack = lack_of(c, storage);
	bool first = !*lack->content;

	if (has_content(lack->content, content))
		return;
	char *both = xasprintf("%s%s%s", lack->content, first ? "" : ",", content);
	free(lack->content);
	lack->content = both;
	CLEANUP(free_p) char *sentence = lack_sentence(lack, has);
	if (first) {
		lack->sentence = c->missing.n;
		strings_add(&c->missing, sentence);
		return;
	}
	free(c->missing.at[lack->sentence]);
	c->missing.at[lack->sentence] = TAKE(sentence);
}

const struct json *target_check_storage(struct target_check *c, const char *node, const struct json *storages,
					const char *storage, const char *content)
{
	const struct json *s = entry_of(storages, "storage", storage);
	const char *has = json_get_string(s, "content"), *type = json_get_string(s, "type");

	if (!is_usable(c, node, s, storage))
		return NULL;
	if (!can_have(type, content))
		target_check_miss(c,
				  "storage %s is of the type %s, which never accepts '%s'; name another storage in %s "
				  "(`storages.%s`)",
				  storage, type, content, c->target->file, key_of(content));
	else if (!has_content(has, content))
		miss_content(c, storage, has, content);
	return s;
}

/* ---- the bridge ---- */

static void miss_bridge(struct target_check *c, const char *node, const struct json *list)
{
	CLEANUP(text_done) struct text names = { 0 };

	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_get_string(json_at(list, i), "iface");
		text_addf(&names, "%s%s", names.len ? ", " : "", name ? name : "?");
	}
	target_check_miss(
		c, "node %s has no bridge or VNet %s; those that the token may use are: %s; correct `bridge` in %s",
		node, c->target->bridge, names.len ? names.data : "none", c->target->file);
}

int target_check_bridge(struct target_check *c, const char *node, struct error *err)
{
	static const struct pve_param bridges[] = { { "type", "any_bridge" }, { NULL, NULL } };
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/network", node), *place = target_bridge_path(c->target);
	CLEANUP(free_p) char *lacking = xasprintf("%s SDN.Use", place);

	if (pve_get_retry(c->pve, path, bridges, &list, err) < 0) {
		enum pve_failure failure = pve_failure(c->pve);
		return failure == PVE_REFUSED || failure == PVE_FORBIDDEN || failure == PVE_MISSING ? 0 : -1;
	}
	/* The list has what the token may use: a missing right is the cause. */
	if (!entry_of(list, "iface", c->target->bridge) && !strings_has(&c->reported, lacking))
		miss_bridge(c, node, list);
	return 0;
}
