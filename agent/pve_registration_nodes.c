/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the other guests of the cluster, as far as the token sees them. */
#include "agent/pve_registration_internal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

/* What one look has read so far. */
struct sight {
	size_t read;           /* notes */
	struct strings silent; /* owned; PVE nodes that did not answer: each is asked once */
};

/* A failure that says something about one guest or one PVE node, and nothing about the others. */
static bool is_of_one_guest(enum pve_failure failure)
{
	return failure == PVE_UNREACHABLE || failure == PVE_BUSY || failure == PVE_ERROR;
}

static bool is_proven(const struct pve_registration *r, const struct pve_guest *guest, const struct node_record *m)
{
	char mac[SHA256_HEX];

	if (!*r->proof_key || !m->mac || m->vmid != guest->vmid)
		return false;
	node_record_mac(m, r->proof_key, mac);
	return text_same(mac, m->mac);
}

/* Reads a member's notes, unless it is a worker, or a clone with inherited notes. */
static int read_notes(struct pve_registration *r, const struct pve_guest *guest, struct sight *sight,
		      struct candidate *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	bool own = guest->vmid == r->guest.vmid;

	if (c->member.role == NODE_WORKER && !own)
		return 0;
	c->unread = !own && (sight->read >= PVE_REGISTRATION_NOTES_MAX || strings_has(&sight->silent, guest->node));
	if (c->unread)
		return 0;
	sight->read++;
	if (pve_guest_config(r->pve, guest, &config, err) < 0) {
		pve_registration_failed(r);
		c->unread = !own && is_of_one_guest(pve_failure(r->pve));
		if (c->unread && pve_failure(r->pve) == PVE_UNREACHABLE)
			strings_add(&sight->silent, guest->node);
		if (c->unread)
			return 0;
		return error_wrap(err, "the notes of guest %ld, which is of this cluster", guest->vmid);
	}
	node_record_done(&c->member);
	node_record_parse(guest->tags, json_get_string(config, "description"), &c->member);
	if (c->member.vmid && c->member.vmid != guest->vmid) {
		node_record_done(&c->member);
		node_record_parse(guest->tags, NULL, &c->member);
	}
	c->proven = is_proven(r, guest, &c->member);
	c->written = own && *r->mark && text_same(c->member.mark, r->mark);
	return 0;
}

static int add_member(struct pve_registration *r, const struct pve_guest *guest, const char *cluster,
		      struct sight *sight, struct candidates *ret, struct error *err)
{
	struct candidate c = { .vmid = guest->vmid, .running = text_same(guest->status, "running") };

	node_record_parse(guest->tags, NULL, &c.member);
	bool wanted = !guest->template && text_same(c.member.cluster, cluster);
	if (!wanted || read_notes(r, guest, sight, &c, err) < 0) {
		node_record_done(&c.member);
		return wanted ? -1 : 0;
	}
	vec_push(ret, c);
	return 0;
}

/* Whether permissions held at this path show the guests of a pool, or all guests. Those on one guest show
 * only that guest. */
static bool shows_others(const struct json *held, const char *path)
{
	bool pool = text_starts(path, "/pool/"), all = !strcmp(path, "/") || !strcmp(path, "/vms");
	int64_t below = 0; /* whether they propagate to longer paths */

	return (pool || all) && pve_get_int(held, "VM.Audit", &below) && (pool || below);
}

/* An empty list means either that there is no other guest or that the token may not see them; only in the
 * first case does "no guest claims" mean anything. */
static int check_sight(struct pve_registration *r, struct error *err)
{
	CLEANUP(json_free_p) struct json *paths = NULL;
	const char *path;

	if (pve_call(r->pve, "GET", "/access/permissions", NULL, &paths, err) < 0)
		return pve_registration_failed(r);
	for (size_t i = 0; (path = json_key(paths, i)); i++)
		if (shows_others(json_get(paths, path), path)) {
			r->looked = true;
			return 0;
		}
	return error_set(
		err, ERROR_FAILED,
		"the API token may not look at the other guests of the cluster; give it, and its user, VM.Audit on a "
		"pool with all of them in it");
}

static void sight_done(struct sight *sight)
{
	strings_done(&sight->silent);
}

static int look_once(struct pve_registration *r, const char *cluster, struct candidates *ret, struct error *err)
{
	CLEANUP(sight_done) struct sight sight = { 0 };
	CLEANUP(pve_guests_done) struct pve_guests guests = { 0 };

	if (pve_list_guests(r->pve, &guests, err) < 0)
		return pve_registration_failed(r);
	for (size_t i = 0; i < guests.n; i++)
		if (add_member(r, &guests.at[i], cluster, &sight, ret, err) < 0)
			return -1;
	for (size_t i = 0; i < ret->n; i++)
		r->looked = r->looked || ret->at[i].vmid != r->guest.vmid;
	return r->looked ? 0 : check_sight(r, err);
}

int pve_registration_nodes(struct pve_registration *r, const char *cluster, struct candidates *ret, struct error *err)
{
	CLEANUP(candidates_done) struct candidates all = { 0 };

	if (pve_registration_ready(r, err) < 0)
		return -1;
	for (int try = 1; look_once(r, cluster, &all, err) < 0; try++) {
		/* deleted or migrated since the list was read */
		if (pve_failure(r->pve) != PVE_MISSING || try == PVE_REGISTRATION_TRIES)
			return -1;
		candidates_done(&all);
		clock_nap(PVE_REGISTRATION_PAUSE * try);
	}
	*ret = TAKE(all);
	return 0;
}
