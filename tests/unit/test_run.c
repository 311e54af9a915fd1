/* SPDX-License-Identifier: Apache-2.0 */
/* The whole agent in a fake guest: kubeadm is a script, the network is fake_api.h. Each case ends in the state file. */
#include "tests/unit/fake_guest.h"

#define GUEST(config)                                                                                                  \
	FAKE_ROOT();                                                                                                   \
	fake_api_reset();                                                                                              \
	fake_guest_make(path, (config));                                                                               \
	CLEANUP(close_p) int runtime = fake_runtime(path)
#define GUEST_END()                                                                                                    \
	fake_api_done();                                                                                               \
	FAKE_ROOT_END()

static struct state saved(const char *root)
{
	CLEANUP(free_p) char *file = xasprintf("%s" STATE_FILE, root);
	struct error err = { 0 };
	struct state state;

	if (state_load(file, &state, &err) < 0) {
		printf("# %s\n", err.text);
		exit(1);
	}
	return state;
}

static bool is_in(const char *root, const char *phase, const char *step)
{
	CLEANUP(state_done) struct state state = saved(root);
	bool same = text_same(state.phase, phase) && text_same(state.step, step);

	if (!same)
		printf("# phase %s, step %s: %s\n", state.phase, state.step, state.error);
	return same;
}

static bool has(const char *root, const char *file, const char *words)
{
	CLEANUP(free_p) char *text = fake_get(root, file);

	return text && strstr(text, words);
}

TEST(run_joins_a_worker)
{
	GUEST(WORKER GIVEN);
	CHECK(agent_run(path, &err) == 0);
	CHECK(is_in(path, "ready", "leave") && fake_calls(path, "kubeadm join --config") == 1);
	CHECK(fake_has(path, "/var/lib/nodekiln/done") &&
	      has(path, "/run/cluster-api/bootstrap-success.complete", "success"));
	CHECK(!has(path, "/etc/nodekiln/node.yaml", TOKEN) && has(path, "/etc/nodekiln/node.yaml", "000000."));
	/* A second run has nothing to join. */
	CHECK(agent_run(path, &err) == 0 && fake_calls(path, "kubeadm join") == 1);
	GUEST_END();
}

TEST(run_makes_a_cluster)
{
	GUEST(INIT
	      "manifests: [/etc/manifests/a.yaml]\nnetworking: {pod_subnet: 10.244.0.0/16, pod_network: bridge}\n");
	fake_put(path, "/etc/manifests/a.yaml", "kind: ConfigMap\n");
	CHECK(agent_run(path, &err) == 0);
	CHECK(is_in(path, "ready", "leave") && fake_calls(path, "kubeadm init --config") == 1);
	CHECK(fake_calls(path, "kubectl apply -f ") == 1);
	CHECK(fake_calls(path, "systemctl enable --now nodekiln-routes.service") == 1);
	CHECK(has(path, "/etc/cni/net.d/10-nodekiln.conflist", "10.244.1.0/24"));
	CLEANUP(state_done) struct state state = saved(path);
	CHECK_STR(state.endpoint, "10.0.0.1:6443");
	CHECK(state.ca.n == 1 && text_starts(state.ca.at[0], "sha256:") && state.leader && !state.claim);
	GUEST_END();
}

/* From its announcement to its last word. */
TEST(run_reports_at_proxmox)
{
	GUEST(INIT PVE_SECTION ", vmid: 101}\n");
	fake_guest_add(101, "blue", "# Rack 7");
	CHECK(agent_run(path, &err) == 0);
	const char *notes = fake_guest_of(101)->notes;
	CHECK(strstr(notes, "\"state\":\"ready\"") && strstr(notes, "\"endpoint\":\"10.0.0.1:6443\""));
	CHECK(!strstr(notes, "claim") && !strstr(notes, TOKEN) && strstr(fake_guest_of(101)->tags, "k8s.state.ready"));
	GUEST_END();
}

static bool published;

static void look_at_notes(unsigned naps)
{
	published = naps && strstr(fake_guest_of(101)->notes, "\"endpoint\":\"10.0.0.1:6443\"");
}

/* Other nodes can join while the manifests are not applied yet. */
TEST(run_publishes_before_the_manifests)
{
	GUEST(INIT "manifests: [/etc/manifests/a.yaml]\n" PVE_SECTION ", vmid: 101}\n");
	fake_guest_add(101, "", "");
	fake_put(path, "/etc/manifests/a.yaml", "");
	fake_program(path, "kubectl", "[ -e $root/tried ] || { : >$root/tried; echo refused >&2; exit 1; }\n");
	published = false;
	fake_api.on_nap = look_at_notes;
	CHECK(agent_run(path, &err) == 0 && fake_has(path, "/tried") && published);
	GUEST_END();
}

TEST(run_without_a_configuration_does_nothing)
{
	GUEST(NULL);
	CHECK(agent_run(path, &err) == 0);
	CHECK(!fake_has(path, STATE_FILE) && !fake_calls(path, "kubeadm join"));
	GUEST_END();
}

TEST(run_names_a_lost_configuration)
{
	GUEST(NULL);
	fake_put(path, STATE_FILE, "{\"phase\": \"booting\", \"step\": \"rendezvous\"}");
	CHECK(agent_run(path, &err) < 0 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "existed when this node began") && is_in(path, "failed", "rendezvous"));
	GUEST_END();
}

TEST(run_names_a_wrong_configuration)
{
	GUEST(WORKER GIVEN "tokn: x\n");
	CHECK(agent_run(path, &err) < 0 && err.class == ERROR_INPUT && strstr(err.text, "tokn"));
	CHECK(is_in(path, "failed", NULL));
	GUEST_END();
}

static void configure_late(unsigned naps)
{
	if (naps == 3) {
		fake_put(getenv("FAKE_ROOT"), "/etc/nodekiln/node.yaml", "cluster: lab\n" WORKER GIVEN);
		fake_put(getenv("FAKE_ROOT"), "/run/cloud-init/result.json", "{}");
	}
}

TEST(run_waits_for_cloud_init)
{
	GUEST(NULL);
	fake_put(path, "/run/cloud-init/enabled", "");
	CHECK(setenv("FAKE_ROOT", path, 1) == 0);
	fake_api.on_nap = configure_late;
	CHECK(agent_run(path, &err) == 0 && is_in(path, "ready", "leave") && fake_api.naps == 3);
	GUEST_END();
}

TEST(run_gives_up_waiting_for_cloud_init)
{
	GUEST(NULL);
	fake_put(path, "/run/cloud-init/enabled", "");
	CHECK(agent_run(path, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK(text_starts(err.text, "gave up waiting for cloud-init") && fake_api.now >= 1600);
	GUEST_END();
}

TEST(run_begins_again_after_a_broken_state)
{
	GUEST(WORKER GIVEN);
	fake_put(path, STATE_FILE, "{\"pha");
	CHECK(agent_run(path, &err) == 0 && is_in(path, "ready", "leave"));
	CLEANUP(state_done) struct state state = saved(path);
	CHECK(state.started);
	GUEST_END();
}

/* Where a boot begins, by what the one before left: kubeadm runs again only before the node has joined. */
static const struct {
	const char *state;
	unsigned joins;
} boots[] = {
	{ "{\"phase\": \"joining\", \"step\": \"kubeadm\", \"started\": true, \"endpoint\": \"api.lab:6443\", \"ca\": "
	  "[\"" HASH "\"]}",
	  1 },
	{ "{\"phase\": \"failed\", \"step\": \"kubeadm\"}", 1 },
	{ "{\"phase\": \"failed\", \"step\": \"turn\"}", 1 },
	{ "{\"phase\": \"booting\", \"step\": \"of another version\"}", 1 },
	{ "{\"phase\": \"joining\", \"step\": \"publish\"}", 0 },
	{ "{\"phase\": \"failed\", \"step\": \"publish\"}", 0 },
	{ "{\"phase\": \"failed\", \"step\": \"ready\"}", 0 },
	{ "{\"phase\": \"ready\", \"step\": \"wipe\"}", 0 },
	{ "{\"phase\": \"ready\", \"step\": \"leave\"}", 0 },
};

TEST(run_continues_where_it_was)
{
	for (size_t i = 0; i < ARRAY_SIZE(boots); i++) {
		GUEST(WORKER GIVEN);
		fake_put(path, STATE_FILE, boots[i].state);
		if (!boots[i].joins)
			fake_guest_join(path);
		if (agent_run(path, &err) < 0)
			printf("# %s: %s\n", boots[i].state, err.text);
		CHECK(is_in(path, "ready", "leave"));
		if (fake_calls(path, "kubeadm join") != boots[i].joins)
			printf("# %s\n", boots[i].state);
		CHECK(fake_calls(path, "kubeadm join") == boots[i].joins);
		CHECK(!has(path, "/etc/nodekiln/node.yaml", TOKEN));
		GUEST_END();
	}
}

/* Whatever the wipe made of the configuration. */
TEST(run_of_a_wiped_node_needs_no_configuration)
{
	GUEST("tokn: x\n");
	fake_put(path, STATE_FILE, "{\"phase\": \"ready\", \"step\": \"leave\"}");
	CHECK(agent_run(path, &err) == 0 && is_in(path, "ready", "leave"));
	CHECK(fake_has(path, "/var/lib/nodekiln/done"));
	GUEST_END();
}
