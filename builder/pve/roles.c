/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/roles.h"

#include <string.h>

#define PRIVILEGED_FREE 8 /* the last major version where VM.Allocate suffices for privileged containers */

const struct role roles_builder[] = {
	{ "NodekilnUploads", "Datastore.AllocateSpace Datastore.AllocateTemplate", ROLE_UPLOADS, "upload images" },
	{ "NodekilnDisks", "Datastore.AllocateSpace", ROLE_DISKS, "make guests' disks" },
	{ "NodekilnGuests",
	  "VM.Allocate VM.Audit VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk "
	  "VM.Config.HWType "
	  "VM.Config.Memory VM.Config.Network VM.Config.Options VM.PowerMgmt",
	  ROLE_GUESTS, "templates and the guests made of them; CDROM, Clone, Cloudinit and PowerMgmt are for deploy" },
	{ "NodekilnBridge", "SDN.Use", ROLE_BRIDGE, "connect guests to the network" },
	{ "NodekilnPool", "Pool.Allocate", ROLE_POOL, "for deploy: let the guests' tokens read the pool" },
	{ "NodekilnAgents", "User.Modify", ROLE_GROUP, "make and delete the guests' tokens" },
	{ NULL, NULL, 0, NULL },
};

const struct role role_agent = { "NodekilnAgent", "VM.Audit VM.Config.Options", ROLE_GUESTS,
				 "a guest writes its state into its own tags and notes" };

const struct role role_peer = { "NodekilnPeer", "VM.Audit", ROLE_GUESTS,
				"a guest reads the others: deploy grants it to tokens, on the pool" };

const struct role *role_of_place(enum role_place place)
{
	const struct role *r = roles_builder;

	while (r->place != place)
		r++;
	return r;
}

char *role_guest_path(const struct target *t)
{
	return t->pool ? xasprintf("/pool/%s", t->pool) : xstrdup("/vms");
}

char *role_grant(const struct target *t, const char *path, const struct role *role)
{
	CLEANUP(free_p) char *user = target_user(t);

	return xasprintf("pveum acl modify %s --users '%s' --tokens '%s' --roles %s", path, user, t->token_id,
			 role->name);
}

static void print_role(const struct role *role, struct text *ret)
{
	text_addf(ret, "# %s\n", role->what);
	text_addf(ret, "pveum role add %s --privs '%s'\n", role->name, role->privileges);
}

/* The token that these commands create has all its user's rights (privsep 0), so only the user is named. */
static void print_grant(const struct target *t, const char *before, const char *path, const struct role *role,
			struct text *ret)
{
	CLEANUP(free_p) char *user = target_user(t);

	text_addf(ret, "%spveum acl modify %s --users '%s' --roles %s\n", before, path, user, role->name);
}

/* The storages of the target's nodes that a place means, each once. */
static void list_storages(const struct target *t, enum role_place place, struct strings *ret)
{
	for (size_t i = 0; i < t->nodes.n; i++) {
		const struct target_storages *s = &t->nodes.at[i].storages;
		char *const uploads[] = { s->import, s->vztmpl, s->seeds }, *const disks[] = { s->disks };
		bool for_disks = place == ROLE_DISKS;
		for (size_t k = 0; k < (for_disks ? ARRAY_SIZE(disks) : ARRAY_SIZE(uploads)); k++)
			if (!strings_has(ret, for_disks ? disks[k] : uploads[k]))
				strings_add(ret, for_disks ? disks[k] : uploads[k]);
	}
}

static void print_storages(const struct target *t, const char *before, const struct role *role, struct text *ret)
{
	CLEANUP(strings_done) struct strings storages = { 0 };

	list_storages(t, role->place, &storages);
	for (size_t i = 0; i < storages.n; i++) {
		CLEANUP(free_p) char *path = xasprintf("/storage/%s", storages.at[i]);
		print_grant(t, before, path, role, ret);
	}
}

static char *place_path(const struct target *t, enum role_place place)
{
	if (place == ROLE_BRIDGE)
		return target_bridge_path(t);
	return place == ROLE_GROUP ? xstrdup("/access/groups/" ROLES_AGENT_GROUP) : role_guest_path(t);
}

static void print_place(const struct target *t, const struct role *role, struct text *ret)
{
	if (role->place == ROLE_UPLOADS || role->place == ROLE_DISKS) {
		print_storages(t, "", role, ret);
		return;
	}
	CLEANUP(free_p) char *path = place_path(t, role->place);
	print_grant(t, "", path, role, ret);
}

static void print_users(const struct target *t, struct text *ret)
{
	CLEANUP(free_p) char *user = target_user(t);

	if (t->pool)
		text_addf(ret, "pveum pool add %s\n", t->pool);
	text_addf(ret, "pveum user add '%s'\n", user);
	text_addf(ret, "pveum user token add '%s' '%s' --privsep 0    # shows the secret, once\n", user,
		  strrchr(t->token_id, '!') + 1);
	text_addf(ret, "pveum group add " ROLES_AGENT_GROUP "\npveum user add '%s' --groups " ROLES_AGENT_GROUP "\n\n",
		  t->agent_user);
}

static void print_agent(const struct target *t, struct text *ret)
{
	CLEANUP(free_p) char *path = role_guest_path(t);

	print_role(&role_peer, ret);
	print_role(&role_agent, ret);
	text_addf(ret, "pveum acl modify %s --users '%s' --roles %s\n\n", path, t->agent_user, role_agent.name);
}

static const struct role prune = { "NodekilnPrune", "Datastore.Allocate", ROLE_UPLOADS, NULL };
static const struct role privileged = { "NodekilnHost", "Sys.Modify", ROLE_GUESTS, NULL };

/* The target's nodes use the storage for images (else: for container templates or seeds). */
static bool is_used(const struct target *t, const char *storage, bool for_images)
{
	for (size_t i = 0; i < t->nodes.n; i++) {
		const struct target_storages *s = &t->nodes.at[i].storages;
		if (for_images ? !strcmp(s->import, storage)
			       : !strcmp(s->vztmpl, storage) || !strcmp(s->seeds, storage))
			return true;
	}
	return false;
}

static void print_content(const struct target *t, struct text *ret)
{
	CLEANUP(strings_done) struct strings storages = { 0 };

	list_storages(t, ROLE_UPLOADS, &storages);
	text_add(ret, "# A storage accepts the content types that are enabled for it (this replaces the list: keep "
		      "what yours has).\n");
	for (size_t i = 0; i < storages.n; i++) {
		bool images = is_used(t, storages.at[i], true), others = is_used(t, storages.at[i], false);
		text_addf(ret, "pvesm set %s --content %s%s%s\n", storages.at[i], others ? "iso,vztmpl,backup" : "",
			  images && others ? "," : "", images ? "import" : "");
	}
}

/* Printed as comments, because few need it. */
static void print_prune(const struct target *t, struct text *ret)
{
	text_addf(ret,
		  "\n# Only if publish is to delete uploads that were used, and old ones (--retain). This lets the "
		  "token\n"
		  "# delete everything else there too.\n# pveum role add %s --privs '%s'\n",
		  prune.name, prune.privileges);
	print_storages(t, "# ", &prune, ret);
}

static void print_privileged(const struct target *t, long version, struct text *ret)
{
	if (version <= PRIVILEGED_FREE) {
		text_addf(ret, "\n# Privileged containers need nothing more on Proxmox VE %ld.\n", version);
		return;
	}
	text_addf(ret,
		  "\n# Only for privileged containers, which need more on Proxmox VE %ld:\n# pveum role add %s "
		  "--privs '%s'\n",
		  version, privileged.name, privileged.privileges);
	print_grant(t, "# ", "/", &privileged, ret);
}

void roles_print(const struct target *t, long version, struct text *ret)
{
	text_addf(ret, "# Proxmox VE %ld, as root on one node of the cluster, once.\n", version);
	print_users(t, ret);
	for (const struct role *r = roles_builder; r->name; r++) {
		print_role(r, ret);
		print_place(t, r, ret);
		text_add(ret, "\n");
	}
	print_agent(t, ret);
	print_content(t, ret);
	print_prune(t, ret);
	print_privileged(t, version, ret);
}
