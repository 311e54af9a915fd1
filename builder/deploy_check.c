/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/deploy_do.h"
#include "builder/publish_check.h"
#include "builder/publish_get.h"
#include "builder/roles.h"

#define VM_RIGHTS                                                                                                      \
	"VM.Allocate VM.Audit VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk "              \
	"VM.Config.Memory VM.Config.Network VM.Config.Options VM.PowerMgmt"
#define SEED_RIGHTS "Datastore.AllocateSpace Datastore.AllocateTemplate"

struct checking {
	struct pve *pve;
	const struct deploy_order *o;
	const struct cluster *c;
	struct deploy_check *ret;
	bool vms, containers;
};

PRINTF(2, 3) static void miss(struct checking *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strings_own(&k->ret->missing, xvasprintf(fmt, ap));
	va_end(ap);
}

/* ---- rights ---- */

static int lacking(struct pve *pve, const char *path, const char *needed, struct text *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (publish_get(pve, "/access/permissions", (const struct pve_param[]){ { "path", path }, { NULL, NULL } },
			&data, err) < 0)
		return -1;
	publish_check_lacking(data, path, needed, ret);
	return 0;
}

static int check_rights(struct checking *k, const char *path, const char *needed, const char *role, struct error *err)
{
	CLEANUP(text_done) struct text lack = { 0 };
	const struct role named = { .name = role };
	CLEANUP(free_p) char *grant = role_grant(&k->c->target, path, &named);

	if (lacking(k->pve, path, needed, &lack, err) < 0)
		return -1;
	if (lack.len)
		miss(k, "the token %s lacks %s on %s; as root on a node: %s (`nodekiln roles %s` prints the role)",
		     k->c->target.token_id, lack.data, path, grant, k->c->target.file);
	return 0;
}

static int check_storage_rights(struct checking *k, const char *storage, const char *needed, const char *role,
				struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/storage/%s", storage);

	return check_rights(k, path, needed, role, err);
}

static int check_all_rights(struct checking *k, struct error *err)
{
	CLEANUP(free_p) char *pool = role_guest_path(&k->c->target), *bridge = target_bridge_path(&k->c->target);

	if (check_rights(k, pool, VM_RIGHTS, "NodekilnGuests", err) < 0 ||
	    check_rights(k, pool, "Pool.Allocate", "NodekilnPool", err) < 0 ||
	    check_rights(k, bridge, "SDN.Use", "NodekilnBridge", err) < 0 ||
	    check_storage_rights(k, k->c->target.disks, "Datastore.AllocateSpace", "NodekilnDisks", err) < 0)
		return -1;
	if (k->vms && check_storage_rights(k, k->c->seeds, SEED_RIGHTS, "NodekilnUploads", err) < 0)
		return -1;
	if (k->containers && !(k->vms && !strcmp(k->c->seeds, k->c->target.vztmpl)))
		return check_storage_rights(k, k->c->target.vztmpl, SEED_RIGHTS, "NodekilnUploads", err);
	return 0;
}

int deploy_check_discard(struct pve *pve, const struct cluster *c, bool *ret, struct error *err)
{
	const char *storages[] = { c->seeds, c->target.vztmpl };

	*ret = true;
	for (size_t i = 0; i < ARRAY_SIZE(storages); i++) {
		CLEANUP(free_p) char *path = xasprintf("/storage/%s", storages[i]);
		CLEANUP(text_done) struct text lack = { 0 };
		if (lacking(pve, path, "Datastore.Allocate", &lack, err) < 0)
			return -1;
		*ret = *ret && !lack.len;
	}
	return 0;
}

/* ---- what the guests' tokens are made of ---- */

static int check_agent_user(struct checking *k, struct error *err)
{
	CLEANUP(free_p) char *path = pve_path("/access/users/%s/token", k->c->agent_user);

	if (publish_get(k->pve, path, NULL, NULL, err) == 0)
		return 0;
	if (pve_failure(k->pve) != PVE_FORBIDDEN && !strstr(err->text, "no such user"))
		return -1;
	miss(k,
	     "the token %s may not make tokens for %s (User.Modify on /access/groups/" ROLES_AGENT_GROUP
	     ", which %s must be in); as root on a node, what `nodekiln roles %s` prints",
	     k->c->target.token_id, k->c->agent_user, k->c->agent_user, k->c->target.file);
	return 0;
}

static bool has_role(const struct json *roles, const struct role *role)
{
	CLEANUP(free_p) char *words = xstrdup(role->privileges);
	char *rest = NULL;

	for (size_t i = 0; i < json_count(roles); i++) {
		const char *privileges = json_get_string(json_at(roles, i), "privs");
		if (!text_same(json_get_string(json_at(roles, i), "roleid"), role->name))
			continue;
		for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
			if (!privileges || !strstr(privileges, word))
				return false;
		return true;
	}
	return false;
}

static int check_roles(struct checking *k, struct error *err)
{
	const struct role *needed[] = { &role_agent, &role_peer };
	CLEANUP(json_free_p) struct json *roles = NULL;

	if (publish_get(k->pve, "/access/roles", NULL, &roles, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!has_role(roles, needed[i]))
			miss(k, "there is no role %s with %s; as root on a node: pveum role add %s --privs '%s'",
			     needed[i]->name, needed[i]->privileges, needed[i]->name, needed[i]->privileges);
	return 0;
}

/* ---- nodes ---- */

static void check_storage(struct checking *k, const struct json *list, const char *host, const char *storage,
			  const char *content)
{
	const struct json *found = NULL;
	int64_t active = 0;

	for (size_t i = 0; i < json_count(list); i++)
		if (text_same(json_get_string(json_at(list, i), "storage"), storage))
			found = json_at(list, i);
	const char *contents = json_get_string(found, "content");
	if (!found)
		miss(k, "the token sees no storage %s on node %s; correct the name, or give it its rights there",
		     storage, host);
	else if (!pve_get_int(found, "active", &active) || !active)
		miss(k, "storage %s is not active on node %s; see Datacenter > Storage > %s", storage, host, storage);
	else if (!contents || !strstr(contents, content))
		miss(k, "storage %s does not take '%s'; as root on a node: pvesm set %s --content %s%s%s", storage,
		     content, storage, contents ? contents : "", contents && *contents ? "," : "", content);
}

static int check_template(struct checking *k, const struct cluster_node *n, struct error *err)
{
	long vmid;

	if (deploy_template(k->pve, k->o, n, n->host, &vmid, err) == 0)
		return 0;
	if (err->class != ERROR_TARGET || pve_failure(k->pve) != PVE_OK)
		return -1;
	miss(k, "node '%s': %s", n->name, err->text);
	return 0;
}

static int check_node(struct checking *k, const struct cluster_node *n, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage", n->host);

	if (publish_get(k->pve, path, NULL, &list, err) < 0)
		return error_wrap(err, "node %s of Proxmox VE", n->host);
	if (n->kind == PVE_LXC) {
		check_storage(k, list, n->host, k->c->target.vztmpl, "vztmpl");
		check_storage(k, list, n->host, k->c->target.disks, "rootdir");
		return 0;
	}
	check_storage(k, list, n->host, k->c->seeds, "iso");
	check_storage(k, list, n->host, k->c->target.disks, "images");
	return k->ret->missing.n ? 0 : check_template(k, n, err);
}

/* Each node of Proxmox VE once for each kind of guests and each template. */
static bool is_seen(const struct cluster *c, size_t i)
{
	const struct cluster_node *n = &c->nodes.at[i];

	for (size_t k = 0; k < i; k++)
		if (!strcmp(c->nodes.at[k].host, n->host) && c->nodes.at[k].kind == n->kind &&
		    text_same(c->nodes.at[k].template, n->template))
			return true;
	return false;
}

int deploy_check(struct pve *pve, const struct deploy_order *o, struct deploy_check *ret, struct error *err)
{
	struct checking k = { .pve = pve, .o = o, .c = o->cluster, .ret = ret };
	CLEANUP(json_free_p) struct json *version = NULL;

	for (size_t i = 0; i < k.c->nodes.n; i++)
		*(k.c->nodes.at[i].kind == PVE_LXC ? &k.containers : &k.vms) = true;
	if (publish_get(pve, "/version", NULL, &version, err) < 0)
		return -1;
	const char *word = json_get_string(version, "version"), *lack = publish_check_version(word, PUBLISH_CT);
	if (lack)
		miss(&k, "%s is Proxmox VE %s: %s", k.c->target.url, word ? word : "?", lack);
	if (check_all_rights(&k, err) < 0 || check_agent_user(&k, err) < 0 || check_roles(&k, err) < 0 ||
	    deploy_check_discard(pve, k.c, &ret->may_discard, err) < 0)
		return -1;
	for (size_t i = 0; i < k.c->nodes.n; i++)
		if (!is_seen(k.c, i) && check_node(&k, &k.c->nodes.at[i], err) < 0)
			return -1;
	return 0;
}

void deploy_check_done(struct deploy_check *c)
{
	strings_done(&c->missing);
}
