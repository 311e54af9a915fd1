/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_check.h"

#include <stdlib.h>
#include <string.h>

#include "builder/deploy/deploy_check_guest.h"
#include "builder/deploy/deploy_template.h"
#include "builder/pve/pve_retry.h"

#define VM_RIGHTS                                                                                                      \
	"VM.Allocate VM.Audit VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk "              \
	"VM.Config.Memory VM.Config.Network VM.Config.Options VM.PowerMgmt"

/* ---- rights ---- */

static int check_common_rights(struct deploy_check *k, const struct target *t, struct error *err)
{
	CLEANUP(free_p) char *pool = role_guest_path(t), *bridge = target_bridge_path(t);

	if (target_check_rights(&k->of, pool, VM_RIGHTS, role_of_place(ROLE_GUESTS), err) < 0 ||
	    target_check_rights(&k->of, pool, "Pool.Allocate", role_of_place(ROLE_POOL), err) < 0)
		return -1;
	return target_check_rights(&k->of, bridge, "SDN.Use", role_of_place(ROLE_BRIDGE), err);
}

/* The storage of the node's seed. */
static const char *seed_storage(const struct cluster *c, const struct cluster_node *n)
{
	const struct target_storages *s = target_storages_on(&c->target, n->pve_node);

	return n->kind == PVE_LXC ? s->vztmpl : s->seeds;
}

static int check_node_rights(struct deploy_check *k, const struct cluster *c, const struct cluster_node *n,
			     struct error *err)
{
	const char *disks = target_storages_on(&c->target, n->pve_node)->disks;

	if (target_check_storage_rights(&k->of, disks, role_of_place(ROLE_DISKS), err) < 0)
		return -1;
	return target_check_storage_rights(&k->of, seed_storage(c, n), role_of_place(ROLE_UPLOADS), err);
}

int deploy_check_discard(struct target_check *k, const struct cluster *c, bool *ret, struct error *err)
{
	*ret = true;
	for (size_t i = 0; i < c->nodes.n; i++) {
		bool may = false;
		if (target_check_discard(k, seed_storage(c, &c->nodes.at[i]), &may, err) < 0)
			return -1;
		*ret = *ret && may;
	}
	return 0;
}

/* ---- the agents' user and roles ---- */

static int check_agent_user(struct deploy_check *k, const struct target *t, struct error *err)
{
	CLEANUP(free_p) char *path = pve_path("/access/users/%s/token", t->agent_user);

	if (pve_get_retry(k->of.pve, path, NULL, NULL, err) == 0)
		return 0;
	if (pve_failure(k->of.pve) != PVE_FORBIDDEN && !pve_said(err, "no such user"))
		return -1;
	target_check_miss(&k->of,
			  "the token %s may not make tokens for %s (User.Modify on /access/groups/" ROLES_AGENT_GROUP
			  ", which %s must be in); as root on a node, what `nodekiln roles %s` prints",
			  t->token_id, t->agent_user, t->agent_user, t->file);
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

static int check_roles(struct deploy_check *k, struct error *err)
{
	const struct role *needed[] = { &role_agent, &role_peer };
	CLEANUP(json_free_p) struct json *roles = NULL;

	if (pve_get_retry(k->of.pve, "/access/roles", NULL, &roles, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!has_role(roles, needed[i]))
			target_check_miss(
				&k->of,
				"there is no role %s with %s; as root on a node: pveum role add %s --privs '%s'",
				needed[i]->name, needed[i]->privileges, needed[i]->name, needed[i]->privileges);
	return 0;
}

/* ---- nodes ---- */

static int check_template(struct deploy_check *k, const struct deploy_order *o, const struct cluster_node *n,
			  const struct json *storages, struct error *err)
{
	CLEANUP(deploy_template_done) struct deploy_template found = { 0 };
	CLEANUP(text_done) struct text words = { 0 };
	const char *wanted = n->template ? n->template : o->cluster->template;

	if (deploy_template_find(k->of.pve, o, n, n->pve_node, &found, err) == 0) {
		deploy_template_text(&found, &words);
		strings_addf(&k->chosen, "template %s%son %s: %s", wanted ? wanted : "", wanted ? " " : "", n->pve_node,
			     words.data);
		return deploy_check_clones(k, o, n, found.vmid, storages, err);
	}
	if (err->class != ERROR_TARGET || pve_failure(k->of.pve) != PVE_OK)
		return -1;
	target_check_miss(&k->of, "node '%s': %s", n->name, err->text);
	return 0;
}

static int check_node(struct deploy_check *k, const struct deploy_order *o, const struct cluster_node *n,
		      struct error *err)
{
	const bool container = n->kind == PVE_LXC;
	const char *disks = target_storages_on(k->of.target, n->pve_node)->disks;
	CLEANUP(json_free_p) struct json *list = NULL;

	if (target_check_node(&k->of, n->pve_node, &list, err) < 0)
		return error_wrap(err, "node %s of Proxmox VE", n->pve_node);
	if (!list)
		return 0;
	target_check_storage(&k->of, n->pve_node, list, seed_storage(o->cluster, n), container ? "vztmpl" : "iso");
	target_check_storage(&k->of, n->pve_node, list, disks, container ? "rootdir" : "images");
	if (target_check_bridge(&k->of, n->pve_node, err) < 0)
		return -1;
	return container || k->of.missing.n ? 0 : check_template(k, o, n, list, err);
}

/* An earlier node has the same PVE node, kind and template. */
static bool is_seen(const struct cluster *c, size_t i)
{
	const struct cluster_node *n = &c->nodes.at[i];

	for (size_t k = 0; k < i; k++)
		if (!strcmp(c->nodes.at[k].pve_node, n->pve_node) && c->nodes.at[k].kind == n->kind &&
		    text_same(c->nodes.at[k].template, n->template) &&
		    text_same(c->nodes.at[k].template_sha256, n->template_sha256))
			return true;
	return false;
}

static int check_nodes(struct deploy_check *k, const struct deploy_order *o, struct error *err)
{
	const struct cluster *c = o->cluster;

	for (size_t i = 0; i < c->nodes.n; i++)
		if (!is_seen(c, i) && check_node_rights(k, c, &c->nodes.at[i], err) < 0)
			return -1;
	for (size_t i = 0; i < c->nodes.n; i++)
		if (!is_seen(c, i) && check_node(k, o, &c->nodes.at[i], err) < 0)
			return -1;
	return 0;
}

int deploy_check(struct pve *pve, const struct deploy_order *o, struct deploy_check *ret, struct error *err)
{
	const struct target *t = &o->cluster->target;

	ret->of = (struct target_check){ .pve = pve, .target = t };
	if (target_check_version(&ret->of, false, err) < 0 || check_common_rights(ret, t, err) < 0 ||
	    check_agent_user(ret, t, err) < 0 || check_roles(ret, err) < 0)
		return -1;
	if (check_nodes(ret, o, err) < 0 || deploy_check_vmids(ret, o, err) < 0 ||
	    deploy_check_container(ret, o, err) < 0)
		return -1;
	return deploy_check_discard(&ret->of, o->cluster, &ret->may_discard, err);
}

void deploy_check_done(struct deploy_check *c)
{
	target_check_done(&c->of);
	strings_done(&c->chosen);
}
