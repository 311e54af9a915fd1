/* SPDX-License-Identifier: Apache-2.0 */
/* What deploy reads of its own in Proxmox VE, in answers that anybody may have shaped: a guest's configuration, or a list of names of tokens
 * and volumes. A guest is ours only with a good line, and as the machine that was recorded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/deploy/deploy_state.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define VMID 105
#define UUID "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* made: NULL = the guest is not recorded. */
static void read_guest(const struct json *config, enum pve_kind kind, struct seed_made *made)
{
	struct seed_secret secret = { .cluster = (char *)"lab", .notes_key = (char *)KEY };
	const struct deploy_search search = { .cluster = "lab", .secret = &secret };
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 };

	secret.made.at = made;
	secret.made.n = made ? 1 : 0;
	if (!deploy_guest_parse(config, kind, VMID, &search, &g))
		return;
	bool good = g.mark.good && text_same(g.mark.node, "cp1") && g.mark.kind == kind;
	need(g.vmid == VMID && text_same(g.mark.cluster, "lab"));
	need(made || g.claim == DEPLOY_STRANGER || g.claim == DEPLOY_UNRECORDED);
	need(g.claim != DEPLOY_UNRECORDED || g.mark.good);
	need(g.claim != DEPLOY_OURS || (good && (!made->identity || text_same(made->identity, g.identity))));
	need(g.claim != DEPLOY_LOST || (made->identity && text_same(made->identity, g.identity)));
}

static void read_names(const char *name)
{
	CLEANUP(deploy_notes_done) struct deploy_notes token = { 0 }, volume = { 0 };

	if (deploy_notes_parse_token(name, &token)) {
		CLEANUP(free_p) char *again = deploy_notes_token(&token);
		need(!strcmp(again, name) && !token.good);
	}
	if (deploy_notes_parse_volume(name, &volume)) {
		CLEANUP(free_p) char *iso = deploy_notes_volume(&volume, ".iso");
		CLEANUP(free_p) char *template = deploy_notes_volume(&volume, ".tar.zst");
		need((!strcmp(iso, name) || !strcmp(template, name)) && !volume.good);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_free_p) struct json *json = NULL;
	struct seed_made seen = { .vmid = VMID, .node = (char *)"cp1", .identity = (char *)UUID };
	struct seed_made unseen = { .vmid = VMID, .node = (char *)"cp1" };
	struct error err = { 0 };

	if (json_parse("fuzz", (const char *)data, size, &json, &err) < 0)
		return 0;
	for (size_t i = 0; i < json_count(json); i++)
		if (json_as_string(json_at(json, i)))
			read_names(json_as_string(json_at(json, i)));
	for (enum pve_kind kind = PVE_QEMU; kind <= PVE_LXC; kind++) {
		read_guest(json, kind, NULL);
		read_guest(json, kind, &seen);
		read_guest(json, kind, &unseen);
	}
	return 0;
}
