/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight and kubeadm with its retries, in a fake guest. */
#include "tests/unit/fake_guest.h"

#include "agent/kubeadm_config.h"

#define GUEST(own_vmid, config)                                                                                        \
	fake_api_reset();                                                                                              \
	AGENT((own_vmid), (config));                                                                                   \
	fake_guest_make(path, NULL);                                                                                   \
	CLEANUP(close_p) int runtime = fake_runtime(path);                                                             \
	CHECK(facts_read(path, &a.machine, &err) == 0)

#define PASSING "couldn't validate the identity of the API Server: dial tcp: connect: connection refused\n"
#define FATAL "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys are pinned\n"
#define EXPIRED "token id \"abcdef\" is invalid for this cluster or it has expired\n"

static void know_the_cluster(struct agent *a)
{
	state_set_text(&a->state.endpoint, "10.0.0.9:6443");
	strings_add(&a->state.ca, HASH);
}

TEST(step_kubeadm_runs_once)
{
	GUEST(0, WORKER GIVEN);
	know_the_cluster(&a);
	CHECK(step_kubeadm(&a, &err) == 0 && a.state.started && fake_calls(path, "kubeadm join") == 1);
	AGENT_END();
}

TEST(step_kubeadm_retries_what_passes)
{
	GUEST(0, WORKER GIVEN);
	know_the_cluster(&a);
	fake_put(path, "/answers", PASSING PASSING PASSING PASSING PASSING PASSING);
	CHECK(step_kubeadm(&a, &err) == 0 && fake_calls(path, "kubeadm join") == 7);
	/* 5, 10, 20, 40, 60, 60 seconds */
	CHECK(fake_api.naps == 6 && fake_api.now == 1195);
	AGENT_END();
}

TEST(step_kubeadm_retries_no_longer_than_its_time)
{
	GUEST(0, WORKER GIVEN "timeouts: {kubeadm: 30s}\n");
	know_the_cluster(&a);
	fake_put(path, "/answers", PASSING PASSING PASSING PASSING PASSING PASSING);
	CHECK(step_kubeadm(&a, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK(text_starts(err.text, "gave up waiting for the next try of kubeadm; the last error: "));
	CHECK(strstr(err.text, "does not answer yet") && fake_calls(path, "kubeadm reset") == 1);
	AGENT_END();
}

TEST(step_kubeadm_resets_after_a_fatal_failure)
{
	GUEST(0, WORKER GIVEN);
	know_the_cluster(&a);
	fake_put(path, "/answers", FATAL);
	CHECK(step_kubeadm(&a, &err) < 0 && strstr(err.private.text, "pinned") &&
	      strstr(err.text, "the node was reset"));
	CHECK(!strstr(err.text, "pinned"));
	CHECK(fake_calls(path, "kubeadm reset") == 1 && !a.state.started && !fake_api.naps);
	CHECK(!fake_has(path, "/run/nodekiln/kubeadm.yaml"));
	AGENT_END();
}

/* Given credentials that are refused are final; those from another node's notes are read again. */
TEST(step_kubeadm_reads_credentials_again)
{
	GUEST(102, INIT);
	fake_guest_add(
		101, "k8s.cluster.lab;k8s.role.init",
		"nodekiln: {\"role\":\"init\",\"state\":\"ready\",\"cluster\":\"lab\",\"node\":\"n101\",\"endpoint\":"
		"\"10.0.0.8:6443\",\"vmid\":101,\"ca\":[\"" HASH "\"]}");
	fake_guest_add(102, "", "");
	know_the_cluster(&a);
	fake_put(path, "/answers", EXPIRED);
	CHECK(step_kubeadm(&a, &err) == 0 && fake_calls(path, "kubeadm join") == 2);
	CHECK_STR(a.state.endpoint, "10.0.0.8:6443");
	AGENT_END();
}

TEST(step_kubeadm_ends_at_given_credentials_that_are_refused)
{
	GUEST(0, WORKER GIVEN);
	know_the_cluster(&a);
	fake_put(path, "/answers", EXPIRED);
	CHECK(step_kubeadm(&a, &err) < 0 && fake_calls(path, "kubeadm join") == 1);
	AGENT_END();
}

TEST(step_kubeadm_names_missing_parts)
{
	struct kubeadm_run run;
	CLEANUP(free_p) char *provider = NULL;

	GUEST(0, "role: worker\ntoken: " TOKEN "\nnode: {ip: 10.0.0.2, provider_id: uuid}\n" GIVEN);
	CHECK(agent_kubeadm_run(&a, &run, &provider, &err) < 0 && strstr(err.text, "no SMBIOS uuid"));
	a.machine.uuid = xstrdup("u-1");
	CHECK(agent_kubeadm_run(&a, &run, &provider, &err) == 0);
	CHECK_STR(run.provider_id, "proxmox://u-1");
	free(TAKE(provider));
	a.node.provider = NODE_PROVIDER_VMID;
	a.node.proxmox.vmid = 102;
	CHECK(agent_kubeadm_run(&a, &run, &provider, &err) == 0);
	CHECK_STR(run.provider_id, "proxmox://lab/102");
	free(TAKE(provider));
	free(TAKE(a.node.ip));
	free(TAKE(a.machine.address));
	CHECK(agent_kubeadm_run(&a, &run, &provider, &err) < 0 && text_starts(err.text, "no address: "));
	AGENT_END();
}

TEST(step_preflight_waits_for_the_runtime)
{
	GUEST(0, WORKER GIVEN);
	CHECK(step_preflight(&a, &err) == 0 && !fake_api.naps);
	close(TAKE_FD(runtime));
	CHECK(step_preflight(&a, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK(strstr(err.text, "the container runtime does not answer") && fake_api.now >= 1300);
	AGENT_END();
}

TEST(step_preflight_ends_at_what_is_fatal)
{
	GUEST(0, WORKER GIVEN);
	fake_put(path, "/proc/sys/net/ipv4/ip_forward", "0\n");
	facts_done(&a.machine);
	CHECK(facts_read(path, &a.machine, &err) == 0);
	CHECK(step_preflight(&a, &err) < 0 && err.class == ERROR_HOST && strstr(err.text, "ip_forward"));
	CHECK(!fake_api.naps);
	AGENT_END();
}

TEST(step_publish_is_for_the_node_that_made_the_cluster)
{
	GUEST(0, "role: init\nnode: {ip: \"fd00::1\"}\n");
	CHECK(step_publish(&a, &err) == 0 && !a.state.endpoint);
	a.state.leader = true;
	CHECK(step_publish(&a, &err) < 0 && text_starts(err.text, "the cluster's CA: "));
	fake_copy(path, "/etc/kubernetes/pki/ca.crt", "tests/golden/pki/ca.crt");
	state_set_text(&a.state.claim, "init");
	CHECK(step_publish(&a, &err) == 0 && !a.state.claim);
	CHECK_STR(a.state.endpoint, "[fd00::1]:6443");
	AGENT_END();
}
