/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_hidden.h"

#include <string.h>

#include "builder/pve/roles.h"

static bool is_wanted(const struct seed_made *made, const struct strings *nodes)
{
	return !nodes || !nodes->n || strings_has(nodes, made->node);
}

const struct seed_made *deploy_hidden_find(const struct deploy_state *s, const struct seed_secret *secret,
					   const struct vmid_list *broken, const struct strings *nodes)
{
	for (size_t i = 0; i < secret->made.n; i++) {
		const struct seed_made *made = &secret->made.at[i];
		if (vmid_list_has(&s->hidden, made->vmid) && !(broken && vmid_list_has(broken, made->vmid)) &&
		    is_wanted(made, nodes) && !deploy_plan_guest(s, made->node))
			return made;
	}
	return NULL;
}

/* The node of Proxmox VE where the token sees the guest, owned by the caller; NULL = it does not see it. */
static char *place_of(struct deploy_session *job, long vmid)
{
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };
	struct error ignored = { 0 };

	if (pve_list_guests(job->pve, &guests, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < guests.n; i++)
		if (guests.at[i].vmid == vmid)
			return xstrdup(guests.at[i].node);
	return NULL;
}

int deploy_hidden_refuse(struct deploy_session *job, const struct seed_made *made, struct error *err)
{
	const struct target *t = &job->cluster.target;
	CLEANUP(free_p) char *pool = role_guest_path(t), *place = place_of(job, made->vmid);
	CLEANUP(free_p) char *grant = role_grant(t, pool, role_of_place(ROLE_GUESTS));

	if (place)
		return error_set(
			err, ERROR_TARGET,
			"guest %ld, node %s of cluster %s, is on %s, which the target does not name, and stays as it "
			"is: add %s to `nodes` in %s, or move the guest back",
			made->vmid, made->node, job->cluster.name, place, place, t->file);
	return error_set(
		err, ERROR_TARGET,
		"guest %ld, node %s of cluster %s, is still there, but the token %s cannot see it any more, so it is "
		"neither made again nor removed: put it back into the pool %s, or give the token its rights (as root "
		"on a node: %s); when %ld is another guest now, let the token see that (VM.Audit on /vms/%ld)",
		made->vmid, made->node, job->cluster.name, t->token_id, t->pool, grant, made->vmid, made->vmid);
}
