/* SPDX-License-Identifier: Apache-2.0 */
/* The election as this node carries it out; what other guests do happens between two naps. */
#include "tests/unit/member_lines.h"

TEST(step_election_alone_leads)
{
	fake_api_reset();
	fake_guest_add(101, "blue", "# Rack 7");
	AGENT(101, INIT);
	CHECK(step_election(&a, &err) == 0 && a.state.leader);
	CHECK_STR(a.state.claim, "init");
	CHECK(strstr(fake_guest_of(101)->notes, "\"claim\":\"init\"") &&
	      text_starts(fake_guest_of(101)->notes, "# Rack 7"));
	CHECK(strstr(fake_guest_of(101)->tags, "k8s.cluster.lab") && strstr(fake_guest_of(101)->tags, "blue"));
	/* The tag was in place before the claim. */
	CHECK(fake_api.puts == 2 && fake_api.now >= 1000 + PVE_REGISTRATION_SETTLE);
	/* What was decided is on the disk. */
	CLEANUP(state_done) struct state saved = { 0 };
	CHECK(state_load(a.state_file, &saved, &err) == 0 && saved.leader);
	AGENT_END();
}

TEST(step_election_without_an_api_leads)
{
	fake_api_reset();
	AGENT(0, INIT);
	CHECK(step_election(&a, &err) == 0 && a.state.leader && !fake_api.requests);
	AGENT_END();
}

static void other_publishes(unsigned naps)
{
	if (naps == 4)
		fake_guest_say(101, TAGS, PUBLISHED(101));
}

TEST(step_election_backs_off_and_follows)
{
	fake_api_reset();
	fake_guest_add(101, TAGS, CLAIM(101, "init"));
	fake_guest_add(102, "", "");
	fake_api.on_nap = other_publishes;
	AGENT(102, INIT);
	CHECK(step_election(&a, &err) == 0 && !a.state.leader && !a.state.claim);
	CHECK_STR(a.state.endpoint, "10.0.0.9:6443");
	CHECK(a.state.ca.n == 1 && !strcmp(a.state.ca.at[0], HASH));
	CHECK(!strstr(fake_guest_of(102)->notes, "claim"));
	CHECK_STR(a.state.waiting_for, "guest 101 (n101), which goes first");
	AGENT_END();
}

static void higher_backs_off(unsigned naps)
{
	if (naps == 3)
		fake_guest_say(103, TAGS, NO_CLAIM(103));
}

TEST(step_election_waits_for_a_higher_one_to_back_off)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	fake_guest_add(103, TAGS, CLAIM(103, "init"));
	fake_api.on_nap = higher_backs_off;
	AGENT(102, INIT);
	CHECK(step_election(&a, &err) == 0 && a.state.leader);
	CHECK_STR(a.state.waiting_for, "guest 103 (n103) to back off or finish");
	AGENT_END();
}

/* Following means joining, which takes what init alone does without. */
TEST(step_election_cannot_follow_without_credentials)
{
	fake_api_reset();
	fake_guest_add(101, TAGS, PUBLISHED(101));
	fake_guest_add(102, "", "");
	AGENT(102, "role: init\ntoken: " TOKEN "\nnode: {ip: 10.0.0.1, name: n1}\n");
	CHECK(step_election(&a, &err) < 0 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "guest 101 has initialised cluster lab already") &&
	      strstr(err.text, "lacks a certificate_key"));
	AGENT_END();
}

/* Notes prove no name: a forged one stops no node. */
TEST(step_election_warns_of_a_name_twice)
{
	fake_api_reset();
	fake_guest_add(
		101, TAGS,
		"nodekiln: {\"role\":\"init\",\"state\":\"ready\",\"cluster\":\"lab\",\"node\":\"n1\",\"vmid\":101}");
	fake_guest_add(102, "", "");
	AGENT(102, INIT);
	CHECK(step_election(&a, &err) == 0 && a.state.leader && a.namesake == 101);
	AGENT_END();
}

/* Lines that any user with VM.Config.Options may write. */
#define HALF "nodekiln: {\"cluster\":\"lab\",\"endpoint\":\"6.6.6.6:6443\"}"
#define OTHER "nodekiln: {\"cluster\":\"other\",\"endpoint\":\"6.6.6.6:6443\",\"ca\":[\"" HASH "\"]}"
#define FORGED(vmid)                                                                                                   \
	"nodekiln: {\"cluster\":\"lab\",\"state\":\"ready\",\"endpoint\":\"6.6.6." #vmid ":6443\",\"ca\":[\"" HASH     \
	"\"]}"

TEST(step_election_half_a_record_stops_no_init_node)
{
	fake_api_reset();
	fake_guest_add(101, "", "");
	fake_guest_add(103, "k8s.cluster.lab", HALF);
	fake_guest_add(104, "k8s.cluster.lab", OTHER);
	AGENT(101, INIT);
	CHECK(step_election(&a, &err) == 0 && a.state.leader);
	AGENT_END();
}

TEST(step_election_tries_the_next_candidate)
{
	size_t tries = 9;
	fake_api_reset();
	fake_guest_add(7, "k8s.cluster.lab", FORGED(7));
	fake_guest_add(8, "k8s.cluster.lab", FORGED(8));
	fake_guest_add(101, TAGS, PUBLISHED(101));
	fake_guest_add(102, "", "");
	AGENT(102, WORKER);
	CHECK(step_election(&a, &err) == 0 && a.followed == 7);
	CHECK(election_try_next(&a, &tries, &err) == 0 && a.followed == 8 && tries == 0);
	CHECK(election_try_next(&a, &tries, &err) == 0 && a.followed == 101 && tries == 0);
	CHECK_STR(a.state.endpoint, "10.0.0.9:6443");
	CHECK(election_try_next(&a, &tries, &err) == 0 && a.followed == 7 && tries == 1);
	/* A node that cannot look keeps what it has. */
	fake_api.fault_at = "/cluster/resources";
	fake_api.faults = 1;
	CHECK(election_try_next(&a, &tries, &err) == 0 && a.followed == 7 && tries == 2);
	AGENT_END();
}

TEST(step_election_an_unreachable_pve_node_hides_no_other)
{
	fake_api_reset();
	fake_guest_add(99, TAGS, CLAIM(99, "init"))->node = "pve9";
	fake_guest_add(100, TAGS, CLAIM(100, "init"))->node = "pve9";
	fake_guest_add(101, TAGS, PUBLISHED(101));
	fake_guest_add(102, "", "");
	fake_api.fault_at = "/nodes/pve9/";
	fake_api.faults = 9999;
	fake_api.fault_status = 595;
	fake_api.fault_reason = "No route to host";
	AGENT(102, WORKER);
	CHECK(step_election(&a, &err) == 0 && a.followed == 101);
	CHECK(fake_api.faults == 9998); /* the second guest on that node was not asked for */
	AGENT_END();
}

static void node_returns(unsigned naps)
{
	if (naps == 6)
		fake_api.faults = 0;
}

/* It may have made the cluster. */
TEST(step_election_waits_for_what_it_cannot_read)
{
	fake_api_reset();
	fake_guest_add(101, TAGS, PUBLISHED(101))->node = "pve9";
	fake_guest_add(102, "", "");
	fake_api.fault_at = "/nodes/pve9/";
	fake_api.faults = 9999;
	fake_api.fault_status = 595;
	fake_api.fault_reason = "No route to host";
	fake_api.on_nap = node_returns;
	AGENT(102, INIT);
	CHECK(step_election(&a, &err) == 0 && !a.state.leader && a.followed == 101);
	CHECK_STR(a.state.waiting_for, "the notes of guest 101 (its name is not known), which cannot be read now");
	AGENT_END();
}

static void cluster_appears(unsigned naps)
{
	if (naps == 2)
		fake_guest_say(101, TAGS, PUBLISHED(101));
}

TEST(step_election_finds_the_cluster_to_join)
{
	fake_api_reset();
	fake_guest_add(101, TAGS, NO_CLAIM(101));
	fake_guest_add(102, "", "");
	fake_api.on_nap = cluster_appears;
	AGENT(102, WORKER);
	CHECK(step_election(&a, &err) == 0);
	CHECK_STR(a.state.endpoint, "10.0.0.9:6443");
	CHECK_STR(a.state.waiting_for, "the control plane of cluster lab");
	CHECK(fake_api.naps == 2 && !fake_api.puts);
	AGENT_END();
}

TEST(step_election_joins_what_is_given_without_asking)
{
	fake_api_reset();
	AGENT(102, WORKER "control_plane_endpoint: api.lab:6443\nca_cert_hashes: [\"" HASH "\"]\n");
	CHECK(step_election(&a, &err) == 0 && !fake_api.requests);
	CHECK_STR(a.state.endpoint, "api.lab:6443");
	CHECK(a.state.ca.n == 1 && !strcmp(a.state.ca.at[0], HASH));
	AGENT_END();
}

TEST(step_election_gives_up_in_time)
{
	fake_api_reset();
	fake_api.fault_at = "/cluster/resources";
	fake_api.faults = 9999;
	AGENT(102, WORKER "timeouts: {rendezvous: 5m}\n");
	CHECK(step_election(&a, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK(text_starts(err.text, "gave up waiting for Proxmox VE; the last error: "));
	CHECK(fake_api.now >= 1300 && fake_api.now < 1320);
	AGENT_END();
}

TEST(step_election_ends_at_a_refused_token)
{
	fake_api_reset();
	fake_api.fault_at = "/api2/json";
	fake_api.faults = 9999;
	fake_api.fault_status = 401;
	fake_api.fault_reason = "invalid token value!";
	AGENT(102, INIT);
	CHECK(step_election(&a, &err) < 0 && strstr(err.private.text, "invalid token value!") &&
	      fake_api.requests == 1);
	/* And is not asked again. */
	CHECK(step_election(&a, &err) < 0 && strstr(err.text, "no further request") && fake_api.requests == 1);
	AGENT_END();
}

/* The claim cannot be written, then it can. */
TEST(step_election_tries_again_to_claim)
{
	fake_api_reset();
	fake_guest_add(101, "", "");
	fake_api.fault_at = "PUT ";
	fake_api.faults = 2;
	fake_api.fault_status = 595;
	fake_api.fault_reason = "No route to host";
	AGENT(101, INIT);
	CHECK(step_election(&a, &err) == 0 && a.state.leader);
	CHECK(strstr(fake_guest_of(101)->notes, "\"claim\":\"init\""));
	AGENT_END();
}

static void turn_comes(unsigned naps)
{
	if (naps == 4)
		fake_guest_say(101, TAGS, NO_CLAIM(101));
}

TEST(step_turn_waits_for_the_one_before)
{
	fake_api_reset();
	fake_guest_add(101, TAGS, CLAIM(101, "join"));
	fake_guest_add(102, "", "");
	fake_api.on_nap = turn_comes;
	AGENT(102, CONTROL);
	CHECK(step_turn(&a, &err) == 0 && fake_api.naps >= 4);
	CHECK_STR(a.state.claim, "join");
	CHECK(strstr(fake_guest_of(102)->notes, "\"claim\":\"join\""));
	AGENT_END();
}

/* A claim that is not withdrawn costs time, and no more. */
TEST(step_turn_ends_in_time)
{
	fake_api_reset();
	fake_guest_add(101, TAGS, CLAIM(101, "join"));
	fake_guest_add(102, "", "");
	AGENT(102, CONTROL "timeouts: {rendezvous: 5m}\n");
	CHECK(step_turn(&a, &err) == 0 && fake_api.now >= 1300 && fake_api.now < 1330);
	AGENT_END();
}

TEST(step_turn_does_without_a_silent_api)
{
	fake_api_reset();
	fake_api.fault_at = "/api2/json";
	fake_api.faults = 9999;
	AGENT(102, CONTROL);
	CHECK(step_turn(&a, &err) == 0 && fake_api.naps == 3);
	AGENT_END();
}

TEST(step_turn_is_for_joining_control_planes)
{
	fake_api_reset();
	AGENT(102, WORKER);
	CHECK(step_turn(&a, &err) == 0 && !fake_api.requests);
	AGENT_END();
}
