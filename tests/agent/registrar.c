/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/pve_registration.h as a program, for tests/e2e/registration.py: registrar ROOT NODE.yaml UUID CONTAINER MAC... (UUID and CONTAINER
 * may be "-"). Commands on stdin, a line each; one line of JSON on stdout for each.
 *
 *	find | write STATE [CLAIM] | publish | members | round CLAIM | memory
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pve_registration.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/json.h"

#define HASH "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct registrar {
	struct node_config node;
	struct facts machine;
	struct pve_registration pve;
};

static const char *const move_names[] = {
	[ELECTION_ACT] = "act",           [ELECTION_CANDIDACY] = "claim", [ELECTION_WAIT] = "wait",
	[ELECTION_BACK_OFF] = "back off", [ELECTION_FOLLOW] = "follow",
};

static const char *const failure_names[] = {
	[PVE_OK] = "ok",
	[PVE_UNREACHABLE] = "unreachable",
	[PVE_BUSY] = "busy",
	[PVE_CONFLICT] = "conflict",
	[PVE_UNAUTHORIZED] = "unauthorized",
	[PVE_FORBIDDEN] = "forbidden",
	[PVE_MISSING] = "missing",
	[PVE_REFUSED] = "refused",
	[PVE_UNTRUSTED] = "untrusted",
	[PVE_ERROR] = "error",
};

static enum node_record_state state_named(const char *name)
{
	for (int i = NODE_RECORD_UNKNOWN; i <= NODE_RECORD_FAILED; i++)
		if (!strcmp(node_record_state_name((enum node_record_state)i), name))
			return (enum node_record_state)i;
	return NODE_RECORD_UNKNOWN;
}

static int write_member(struct registrar *r, const char *state, const char *claim, bool published, struct error *err)
{
	CLEANUP(strings_done) struct strings ca = { 0 };
	struct node_record m = { .cluster = r->node.cluster,
				 .role = (int)r->node.role,
				 .state = state_named(state),
				 .node = r->node.name,
				 .claim = (char *)claim,
				 .endpoint = published ? "10.0.0.1:6443" : NULL };

	if (published)
		strings_add(&ca, HASH);
	m.ca = ca;
	return pve_registration_write(&r->pve, &m, err);
}

static int find(struct registrar *r, struct json *ret, struct error *err)
{
	if (pve_registration_find(&r->pve, &r->node, &r->machine, err) < 0)
		return -1;
	json_put_int(ret, "vmid", r->pve.guest.vmid);
	json_put_string(ret, "node", r->pve.guest.node);
	return 0;
}

static int members(struct registrar *r, struct json *ret, struct error *err)
{
	CLEANUP(candidates_done) struct candidates all = { 0 };
	const struct election_trust trust = { .cluster = r->node.cluster };
	struct json *list = json_array();

	json_put(ret, "members", list);
	if (pve_registration_nodes(&r->pve, r->node.cluster, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		struct json *entry = json_object();
		json_put_int(entry, "vmid", all.at[i].vmid);
		json_put_bool(entry, "running", all.at[i].running);
		json_put_string(entry, "state", node_record_state_name(all.at[i].member.state));
		json_put_string(entry, "claim", all.at[i].member.claim);
		json_put_string(entry, "endpoint", all.at[i].member.endpoint);
		json_push(list, entry);
	}
	const struct candidate *found = election_find(&all, &trust, &(struct election_tried){ 0 });
	json_put_int(ret, "found", found ? found->vmid : 0);
	return 0;
}

static int decide(struct registrar *r, const char *claim, enum election_move *ret, struct error *err)
{
	CLEANUP(candidates_done) struct candidates all = { 0 };
	const struct election_trust trust = { .cluster = r->node.cluster };
	const struct candidate *other;

	if (pve_registration_nodes(&r->pve, r->node.cluster, &all, err) < 0)
		return -1;
	*ret = election_decide(&all, r->pve.guest.vmid, &trust, claim, &other);
	return 0;
}

static int play_round(struct registrar *r, const char *claim, struct json *ret, struct error *err)
{
	enum election_move move;

	if (decide(r, claim, &move, err) < 0)
		return -1;
	if (move == ELECTION_CANDIDACY &&
	    (write_member(r, "booting", claim, false, err) < 0 || decide(r, claim, &move, err) < 0))
		return -1;
	if (move == ELECTION_BACK_OFF && write_member(r, "booting", NULL, false, err) < 0)
		return -1;
	json_put_string(ret, "move", move_names[move]);
	return 0;
}

static int memory(struct json *ret, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 };

	if (file_read(AT_FDCWD, "/proc/self/status", 1 << 16, &status, err) < 0)
		return -1;
	const char *peak = strstr(status.data, "VmHWM:");
	json_put_int(ret, "kib", peak ? strtol(peak + strlen("VmHWM:"), NULL, 10) : 0);
	return 0;
}

static int run(struct registrar *r, char *line, struct json *ret, struct error *err)
{
	char *save, *word = strtok_r(line, " \n", &save), *first = strtok_r(NULL, " \n", &save);

	if (!strcmp(word, "find"))
		return find(r, ret, err);
	if (!strcmp(word, "write"))
		return write_member(r, first, strtok_r(NULL, " \n", &save), false, err);
	if (!strcmp(word, "publish"))
		return write_member(r, "joining", NULL, true, err);
	if (!strcmp(word, "members"))
		return members(r, ret, err);
	if (!strcmp(word, "round"))
		return play_round(r, first, ret, err);
	return memory(ret, err);
}

static void answer(struct registrar *r, char *line)
{
	CLEANUP(json_free_p) struct json *json = json_object();
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };
	double before = clock_seconds();
	bool good = run(r, line, json, &err) == 0;

	json_put_bool(json, "ok", good);
	json_put_double(json, "seconds", clock_seconds() - before);
	if (!good) {
		CLEANUP(free_p) char *full = error_full(&err);
		json_put_string(json, "error", full);
		json_put_int(json, "class", err.class);
		json_put_string(json, "failure", failure_names[pve_failure(r->pve.pve)]);
	}
	json_print(json, false, &text);
	puts(text.data);
	fflush(stdout);
}

static int prepare(struct registrar *r, char **argv, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct yaml *tree;

	if (file_read(AT_FDCWD, argv[2], 1 << 20, &text, err) < 0 ||
	    node_config_parse(argv[2], text.data, text.len, &tree, err) < 0 ||
	    node_config_read(tree, &r->node, err) < 0)
		return -1;
	r->machine.uuid = strcmp(argv[3], "-") != 0 ? xstrdup(argv[3]) : NULL;
	r->machine.container = strcmp(argv[4], "-") != 0 ? xstrdup(argv[4]) : NULL;
	for (char **mac = argv + 5; *mac; mac++)
		strings_add(&r->machine.macs, *mac);
	return pve_registration_open(argv[1], &r->node, &r->pve, err);
}

int main(int argc, char **argv)
{
	struct registrar r = { 0 };
	struct error err = { 0 };
	char *line = NULL;
	size_t max = 0;

	if (argc < 5 || prepare(&r, argv, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	while (getline(&line, &max, stdin) > 0)
		answer(&r, line);
	free(line);
	pve_registration_close(&r.pve);
	facts_done(&r.machine);
	node_config_done(&r.node);
	return 0;
}
