/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pve_registration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/pve_registration_internal.h"
#include "lib/clock.h"
#include "lib/file.h"

#define CA_MAX (256 << 10)
#define PROOF "nodekiln: the lines of control planes"
#define TIMEOUT 20L /* seconds: PVE itself waits 10 for a guest's lock */

static int read_ca(const char *root, const char *path, char **ret, struct error *err)
{
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, *root ? root : "/", err);
	CLEANUP(text_done) struct text pem = { 0 };

	if (fd < 0 || file_read_in(fd, path, CA_MAX, &pem, err) < 0)
		return error_wrap(err, "proxmox.ca");
	*ret = text_take(&pem);
	return 0;
}

int pve_registration_open(const char *root, const struct node_config *node, struct pve_registration *ret,
			  struct error *err)
{
	const char *ca = node->proxmox.ca;

	if (!node->proxmox.given)
		return 0;
	if (node->pki.ca_key)
		hmac_sha256_hex(node->pki.ca_key, strlen(node->pki.ca_key), PROOF, strlen(PROOF), ret->proof_key);
	if (ca && *ca == '/' && read_ca(root, ca, &ret->ca, err) < 0)
		return -1;
	if (ca && *ca != '/')
		ret->ca = xstrdup(ca);
	return pve_open(&(struct pve_access){ .url = node->proxmox.url,
					      .token_id = node->proxmox.token_id,
					      .token_secret = node->proxmox.token_secret,
					      .ca = ret->ca,
					      .fingerprints = &node->proxmox.fingerprints,
					      .timeout = TIMEOUT },
			&ret->pve, err);
}

void pve_registration_close(struct pve_registration *r)
{
	pve_close(r->pve);
	pve_guest_done(&r->guest);
	free(r->ca);
	explicit_bzero(r->proof_key, sizeof r->proof_key);
	*r = (struct pve_registration){ 0 };
}

int pve_registration_ready(const struct pve_registration *r, struct error *err)
{
	if (!r->pve)
		return error_set(err, ERROR_INPUT, "the node's configuration has no proxmox section");
	if (r->refused)
		return error_set(err, ERROR_FAILED,
				 "Proxmox VE refused the API token; no further request is made with it");
	return 0;
}

int pve_registration_failed(struct pve_registration *r)
{
	r->refused = r->refused || pve_failure(r->pve) == PVE_UNAUTHORIZED;
	return -1;
}

/* Draws a mark for one write: agent/election.h. */
static int draw_mark(char ret_mark[PVE_REGISTRATION_MARK], struct error *err)
{
	uint32_t dice;

	if (getrandom(&dice, sizeof dice, 0) != sizeof dice)
		return error_set(err, ERROR_FAILED, "mark a write: the kernel has no random numbers");
	snprintf(ret_mark, PVE_REGISTRATION_MARK, "%08x", dice);
	return 0;
}

/* The change that one write makes. */
struct change {
	struct node_record member;        /* borrows all */
	bool tags_only;                   /* the notes stay, with any claim that is in them */
	char mark[PVE_REGISTRATION_MARK]; /* the mark in the notes, new or unchanged */
	char *tags, *notes;               /* owned; NULL = unchanged */
};

static void change_done(struct change *c)
{
	free(TAKE(c->tags));
	free(TAKE(c->notes));
}

/* PVE strips white space at the end of the notes (VMs), or leaves one newline there (containers). */
static bool same_notes(const char *a, const char *b)
{
	CLEANUP(free_p) char *left = xstrdup(a), *right = xstrdup(b);

	return !strcmp(text_trim(left), text_trim(right));
}

static int compose(const struct pve_registration *r, const char *notes, struct change *c, struct error *err)
{
	struct node_record member = c->member; /* borrows */
	char mac[SHA256_HEX];

	member.mark = c->mark;
	if (*r->proof_key) {
		node_record_mac(&member, r->proof_key, mac);
		member.mac = mac;
	}
	return node_record_notes(&member, notes, &c->notes, err);
}

/* First composes the notes with the mark of our last write, if it is known: when they equal the current
 * notes, nothing is written. Otherwise composes them with a new mark. */
static int compute_notes(const struct pve_registration *r, const char *notes, struct change *c, struct error *err)
{
	memcpy(c->mark, r->mark, sizeof c->mark);
	if (*c->mark) {
		if (compose(r, notes, c, err) < 0)
			return -1;
		if (same_notes(c->notes, notes)) {
			free(TAKE(c->notes));
			return 0;
		}
		free(TAKE(c->notes));
	}
	if (draw_mark(c->mark, err) < 0)
		return -1;
	return compose(r, notes, c, err);
}

static int compute_change(const struct pve_registration *r, const struct json *config, struct change *c,
			  struct error *err)
{
	const char *tags = json_get_string(config, "tags"), *notes = json_get_string(config, "description");

	change_done(c);
	c->tags = node_record_tags(&c->member, tags);
	if (node_record_tags_same(c->tags, tags))
		free(TAKE(c->tags));
	if (c->tags_only)
		return 0;
	return compute_notes(r, notes ? notes : "", c, err);
}

/* Records since when the cluster's tag has been in place. */
static void see_tag(struct pve_registration *r, const char *tags, const char *cluster)
{
	CLEANUP(node_record_done) struct node_record said = { 0 };

	node_record_parse(tags, NULL, &said);
	if (!text_same(said.cluster, cluster))
		r->tagged = 0;
	else if (!r->tagged)
		r->tagged = clock_seconds();
}

/* Reads the configuration, edits, and writes with the digest. */
static int write_once(struct pve_registration *r, struct change *c, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct pve_param params[3] = { { 0 } };
	size_t n = 0;

	if (pve_guest_config(r->pve, &r->guest, &config, err) < 0 || compute_change(r, config, c, err) < 0)
		return -1;
	const char *tags = json_get_string(config, "tags");
	see_tag(r, tags, c->member.cluster);
	if (c->tags)
		params[n++] = (struct pve_param){ "tags", c->tags };
	if (c->notes)
		params[n++] = (struct pve_param){ "description", c->notes };
	if (!n)
		return 0;
	if (pve_guest_update(r->pve, &r->guest, json_get_string(config, "digest"), params, err) < 0)
		return -1;
	see_tag(r, c->tags ? c->tags : tags, c->member.cluster);
	return 0;
}

/* Whether the request may succeed after another read: another client wrote in between, or the guest
 * has moved. */
static bool may_look_again(struct pve_registration *r, struct error *err)
{
	enum pve_failure failure = pve_failure(r->pve);

	return failure == PVE_CONFLICT ||
	       (failure == PVE_MISSING && pve_registration_locate(r, r->guest.vmid, err) == 0);
}

/* Once a write has begun, the content of the notes is known only if the write succeeds. */
static int write_change(struct pve_registration *r, struct change *c, struct error *err)
{
	for (int try = 1; write_once(r, c, err) < 0; try++) {
		r->mark[0] = '\0';
		if (try == PVE_REGISTRATION_TRIES || !may_look_again(r, err)) {
			pve_registration_failed(r);
			return error_wrap(err, "guest %ld", r->guest.vmid);
		}
		clock_nap(PVE_REGISTRATION_PAUSE * try);
	}
	return 0;
}

/* Before the first claim the cluster's tag must have been in place for a while: agent/election.h. The notes
 * are not changed: they may hold the claim of a node that was interrupted while it acted, and continues. */
static int settle(struct pve_registration *r, const struct node_record *m, struct error *err)
{
	CLEANUP(change_done) struct change c = { .member = *m, .tags_only = true };

	if (r->tagged && clock_seconds() > r->tagged + PVE_REGISTRATION_SETTLE)
		return 0;
	if (write_change(r, &c, err) < 0)
		return -1;
	double left = r->tagged + PVE_REGISTRATION_SETTLE - clock_seconds();
	if (left > 0)
		clock_nap(left / 0.75); /* clock_nap() may sleep a quarter less */
	return 0;
}

int pve_registration_write(struct pve_registration *r, const struct node_record *m, struct error *err)
{
	CLEANUP(change_done) struct change c = { .member = *m };

	if (pve_registration_ready(r, err) < 0)
		return -1;
	if (!r->guest.vmid)
		return error_set(err, ERROR_FAILED, "which guest this is at Proxmox VE is not known yet");
	c.member.vmid = r->guest.vmid;
	if ((m->claim && settle(r, m, err) < 0) || write_change(r, &c, err) < 0)
		return -1;
	memcpy(r->mark, c.mark, sizeof r->mark);
	return 0;
}
