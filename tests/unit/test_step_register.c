/* SPDX-License-Identifier: Apache-2.0 */
/* Announcing this node, and the VMID that a provider id needs. */
#include "tests/unit/fake_agent.h"

#define NO_VMID PVE_SECTION "}\n"

static void silence(unsigned times)
{
	fake_api.fault_at = "/api2/json";
	fake_api.faults = times;
	fake_api.fault_status = 0;
}

TEST(step_register_announces)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	AGENT(102, WORKER);
	a.machine.kubeadm_version = xstrdup("v1.34.1");
	state_set_text(&a.state.error, "no route");
	CHECK(step_register(&a, &err) == 0);
	const char *notes = fake_guest_of(102)->notes;
	CHECK(strstr(notes, "\"node\":\"n1\"") && strstr(notes, "\"version\":\"v1.34.1\""));
	CHECK(strstr(notes, "\"state\":\"booting\"") && strstr(notes, "\"error\":\"no route\""));
	CHECK(!strstr(notes, "endpoint"));
	CHECK_STR(fake_guest_of(102)->tags, "k8s.cluster.lab;k8s.role.worker;k8s.state.booting");
	AGENT_END();
}

/* Only the node that made the cluster publishes its endpoint. */
TEST(step_register_announces_the_own_cluster)
{
	fake_api_reset();
	fake_guest_add(101, "", "");
	AGENT(101, INIT);
	state_set_text(&a.state.endpoint, "10.0.0.1:6443");
	strings_add(&a.state.ca, HASH);
	agent_announce(&a);
	CHECK(!strstr(fake_guest_of(101)->notes, "endpoint"));
	a.state.leader = true;
	agent_announce(&a);
	CHECK(strstr(fake_guest_of(101)->notes, "\"endpoint\":\"10.0.0.1:6443\"") &&
	      strstr(fake_guest_of(101)->notes, HASH));
	AGENT_END();
}

TEST(step_register_leaves_a_silent_api_alone)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	AGENT(102, WORKER);
	silence(1);
	agent_announce(&a);
	CHECK(fake_api.requests == 1);
	agent_announce(&a);
	CHECK(fake_api.requests == 1);
	fake_api.now += 61;
	agent_announce(&a);
	CHECK(fake_api.requests > 1 && strstr(fake_guest_of(102)->notes, "nodekiln: {"));
	AGENT_END();
}

TEST(step_register_waits_for_the_vmid_of_a_provider_id)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	AGENT(0, "role: worker\ntoken: " TOKEN "\nnode: {ip: 10.0.0.2, name: n1, provider_id: vmid}\n" NO_VMID);
	silence(3);
	CHECK(step_register(&a, &err) == 0 && a.pve.guest.vmid == 102 && fake_api.naps == 2);
	CHECK_STR(a.state.waiting_for, "Proxmox VE to report this guest's VMID");
	AGENT_END();
}

TEST(step_register_ends_at_a_refused_token)
{
	fake_api_reset();
	AGENT(0, "role: worker\ntoken: " TOKEN "\nnode: {ip: 10.0.0.2, name: n1, provider_id: vmid}\n" NO_VMID);
	silence(99);
	fake_api.fault_status = 401;
	fake_api.fault_reason = "invalid token value!";
	CHECK(step_register(&a, &err) < 0 && text_starts(err.text, "node.provider_id: vmid: ") && !fake_api.naps);
	AGENT_END();
}
