/* SPDX-License-Identifier: Apache-2.0 */
/* The election with the PKI in the seed: control planes sign their lines, and believe no others. */
#include "tests/unit/member_lines.h"

/* The configuration in tests/golden/node/NAME.yaml, without its first line. */
static const char *golden_config(const char *name)
{
	static struct text text;
	CLEANUP(free_p) char *file = xasprintf("tests/golden/node/%s.yaml", name);
	struct error err = { 0 };

	text_done(&text);
	if (file_read(AT_FDCWD, file, 1 << 16, &text, &err) < 0)
		abort();
	return strchr(text.data, '\n') + 1;
}

/* A line as a control plane of this cluster writes it for the guest `signed_for`. */
static char *proven_line(const struct agent *a, long vmid, long signed_for, const char *claim, const char *endpoint)
{
	struct node_record m = { .cluster = (char *)"lab",
				 .role = NODE_INIT,
				 .state = NODE_RECORD_BOOTING,
				 .node = (char *)"other",
				 .claim = (char *)claim,
				 .endpoint = (char *)endpoint,
				 .mark = (char *)"0011aabb",
				 .vmid = signed_for };
	char mac[SHA256_HEX], *line = NULL;
	struct error err = { 0 };

	node_record_mac(&m, a->pve.proof_key, mac);
	m.mac = mac;
	m.vmid = vmid;
	if (node_record_notes(&m, NULL, &line, &err) < 0)
		abort();
	return line;
}

/* Without this each init node waits for 99 until its line is removed. */
TEST(step_election_proof_lines_without_it_count_for_nothing)
{
	fake_api_reset();
	fake_guest_add(99, TAGS, CLAIM(99, "init"));
	fake_guest_add(101, "", "");
	fake_guest_add(103, TAGS, PUBLISHED(103));
	AGENT(101, golden_config("pki-init"));
	CHECK(step_election(&a, &err) == 0 && a.state.leader && !a.followed);
	CHECK(strstr(fake_guest_of(101)->notes, "\"mac\":\"") && a.state.ca.n == 1);
	AGENT_END();
}

TEST(step_election_proof_of_another_guest_is_none)
{
	fake_api_reset();
	fake_guest_add(99, TAGS, "");
	fake_guest_add(101, "", "");
	AGENT(101, golden_config("pki-init"));
	CLEANUP(free_p) char *line = proven_line(&a, 99, 98, "init", NULL);
	fake_guest_say(99, TAGS, line);
	CHECK(step_election(&a, &err) == 0 && a.state.leader);
	AGENT_END();
}

static const struct agent *proving;

static void proven_publishes(unsigned naps)
{
	CLEANUP(free_p) char *line = proven_line(proving, 99, 99, NULL, "10.0.0.9:6443");

	if (naps == 4)
		fake_guest_say(99, TAGS, line);
}

TEST(step_election_proof_makes_members_count)
{
	fake_api_reset();
	fake_guest_add(99, TAGS, "");
	fake_guest_add(101, "", "");
	fake_guest_add(103, TAGS, PUBLISHED(103));
	AGENT(101, golden_config("pki-init"));
	CLEANUP(free_p) char *line = proven_line(&a, 99, 99, "init", NULL);
	fake_guest_say(99, TAGS, line);
	proving = &a;
	fake_api.on_nap = proven_publishes;
	CHECK(step_election(&a, &err) == 0 && !a.state.leader && a.followed == 99);
	CHECK_STR(a.state.waiting_for, "guest 99 (other), which goes first");
	CHECK_STR(a.state.endpoint, "10.0.0.9:6443");
	AGENT_END();
}

/* A worker has no key; the server at the endpoint proves itself by the CA. A hash in the notes says nothing. */
TEST(step_election_proof_is_not_needed_for_addresses)
{
	fake_api_reset();
	fake_guest_add(101, TAGS, "nodekiln: {\"cluster\":\"lab\",\"endpoint\":\"10.0.0.7:6443\"}");
	fake_guest_add(102, "", "");
	fake_guest_add(103, TAGS, PUBLISHED(103));
	AGENT(102, golden_config("pki-worker"));
	free(TAKE(a.node.endpoint));
	CHECK(step_election(&a, &err) == 0 && a.followed == 101);
	CHECK_STR(a.state.endpoint, "10.0.0.7:6443");
	CHECK(a.state.ca.n == 1 && !*a.pve.proof_key);
	AGENT_END();
}
