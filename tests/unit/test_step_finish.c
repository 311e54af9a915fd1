/* SPDX-License-Identifier: Apache-2.0 */
/* From a node that has joined to one that is Ready and has forgotten its secrets. */
#include "tests/unit/fake_guest.h"

#define GUEST(own_vmid, config)                                                                                        \
	fake_api_reset();                                                                                              \
	AGENT((own_vmid), (config));                                                                                   \
	fake_guest_make(path, NULL);                                                                                   \
	fake_guest_join(path)

static void become_ready(unsigned naps)
{
	if (naps == 1)
		fake_api.node = FAKE_NODE("False", "KubeletNotReady");
	if (naps == 2)
		fake_api.node = FAKE_NODE("True", "KubeletReady");
}

TEST(step_ready_waits_for_the_node)
{
	GUEST(0, WORKER GIVEN);
	fake_api.node = NULL;
	fake_api.on_nap = become_ready;
	CHECK(step_ready(&a, &err) == 0 && fake_api.naps == 2);
	CHECK_STR(a.state.waiting_for, "Node n1 to be Ready: KubeletNotReady: in kubelet's words");
	CHECK(!fake_calls(path, "systemctl"));
	AGENT_END();
}

TEST(step_ready_gives_up_in_time)
{
	GUEST(0, WORKER GIVEN "timeouts: {ready: 90s}\n");
	fake_api.fault_at = "/api/v1/nodes/n1";
	fake_api.faults = 9999;
	CHECK(step_ready(&a, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK(text_starts(err.text, "gave up waiting for the API server to report Node n1; the last error: "));
	CHECK(fake_api.now >= 1090 && fake_api.now < 1100);
	AGENT_END();
}

TEST(step_ready_makes_the_pod_network)
{
	GUEST(0, WORKER GIVEN "networking: {pod_network: bridge}\n");
	CHECK(step_ready(&a, &err) == 0);
	CHECK(fake_has(path, "/etc/cni/net.d/10-nodekiln.conflist"));
	CHECK(fake_calls(path, "systemctl enable --now nodekiln-routes.service") == 1);
	fake_program(path, "systemctl", "exit 1");
	CHECK(step_ready(&a, &err) < 0 && err.class == ERROR_COMMAND);
	AGENT_END();
}

/* A report that fails is repeated; only PVE's answer ends it. */
TEST(step_report_repeats_until_it_is_written)
{
	GUEST(102, WORKER GIVEN);
	fake_guest_add(102, "", "");
	state_set_phase(&a.state, "ready");
	state_set_text(&a.state.claim, "join");
	fake_api.fault_at = "PUT ";
	fake_api.faults = 2;
	fake_api.fault_status = 595;
	fake_api.fault_reason = "No route to host";
	CHECK(step_report(&a, &err) == 0 && fake_api.naps == 2 && fake_api.puts == 1);
	CHECK(strstr(fake_guest_of(102)->notes, "\"state\":\"ready\"") && !strstr(fake_guest_of(102)->notes, "claim"));
	CHECK_STR(a.state.waiting_for, "Proxmox VE, to report this node as ready");
	AGENT_END();
}

TEST(step_report_does_not_keep_a_ready_node_waiting)
{
	GUEST(102, WORKER GIVEN);
	fake_api.fault_at = "/api2/json";
	fake_api.faults = 9999;
	CHECK(step_report(&a, &err) == 0 && fake_api.now >= 1300 && fake_api.now < 1310);
	AGENT_END();
}

TEST(step_report_needs_its_state_file)
{
	GUEST(102, WORKER GIVEN);
	fake_api.fault_at = "/api2/json";
	fake_api.faults = 9999;
	free(a.state_file);
	a.state_file = xstrdup("/dev/null/state");
	CHECK(step_report(&a, &err) < 0 && strstr(err.text, "/dev/null") && fake_api.naps == 0);
	AGENT_END();
}

TEST(step_report_without_an_api)
{
	GUEST(0, WORKER GIVEN);
	CHECK(step_report(&a, &err) == 0 && !fake_api.requests);
	AGENT_END();
}

TEST(step_manifests_are_applied_once_each)
{
	GUEST(0, INIT "manifests: [/etc/manifests/a.yaml, /etc/manifests/b.yaml]\n");
	fake_put(path, "/etc/manifests/a.yaml", "");
	fake_put(path, "/etc/manifests/b.yaml", "");
	CHECK(step_manifests(&a, &err) == 0 && !fake_calls(path, "kubectl"));
	a.state.leader = true;
	fake_program(path, "kubectl",
		     FAKE_CALL "[ -e $root/tried ] || { : >$root/tried; echo refused >&2; exit 1; }\n");
	CHECK(step_manifests(&a, &err) == 0 && fake_calls(path, "kubectl") == 3 && fake_api.naps == 1);
	fake_program(path, "kubectl", "echo refused >&2; exit 1");
	CHECK(step_manifests(&a, &err) < 0 &&
	      strstr(err.text, "gave up waiting for the manifest /etc/manifests/a.yaml"));
	AGENT_END();
}

TEST(step_wipe_and_leave)
{
	GUEST(0, WORKER GIVEN);
	fake_put(path, "/etc/nodekiln/node.yaml", "token: " TOKEN "\n");
	fake_put(path, "/etc/systemd/system/multi-user.target.wants/nodekiln-agent.service", "");
	CHECK(step_wipe(&a, &err) == 0 && step_leave(&a, &err) == 0);
	CLEANUP(free_p) char *config = fake_get(path, "/etc/nodekiln/node.yaml");
	CHECK_STR(config, "token: 000000.0000000000000000\n");
	CHECK(fake_has(path, "/var/lib/nodekiln/done") &&
	      !fake_has(path, "/etc/systemd/system/multi-user.target.wants/nodekiln-agent.service"));
	AGENT_END();
}
