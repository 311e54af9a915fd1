/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hardware.h"
#include "agent/pod_routes.h"
#include "agent/state.h"
#include "agent/status.h"
#include "lib/json.h"
#include "tests/unit/fake_root.h"

#define READY "{\"phase\": \"ready\", \"since\": \"2026-11-28T08:42:00Z\"}"
#define FAULT "routes to the other nodes' pods: https://10.0.0.10:6443/api/v1/nodes?limit=500: HTTP status 403"

static char *say(const char *root, bool as_json)
{
	struct text text = { 0 };
	struct error err = { 0 };

	return status_print(root, as_json, &text, &err) == 0 ? text_take(&text) : xstrdup(err.text);
}

TEST(status_says_why_routes_are_not_right)
{
	FAKE_ROOT();
	fake_put(path, STATE_FILE, READY);
	CLEANUP(free_p) char *right = say(path, false);
	CHECK_STR(right, "ready since 2026-11-28T08:42:00Z\n");
	fake_put(path, POD_ROUTES_FAULT_FILE, FAULT);
	CLEANUP(free_p) char *wrong = say(path, false);
	CHECK_STR(wrong, "ready since 2026-11-28T08:42:00Z; " FAULT "\n");
	FAKE_ROOT_END();
}

TEST(status_has_routes_in_its_json)
{
	FAKE_ROOT();
	fake_put(path, STATE_FILE, READY);
	for (int fault = 0; fault < 2; fault++) {
		CLEANUP(json_free_p) struct json *json = NULL;
		if (fault)
			fake_put(path, POD_ROUTES_FAULT_FILE, FAULT);
		CLEANUP(free_p) char *said = say(path, true);
		CHECK(json_parse("status", said, strlen(said), &json, &err) == 0 && text_ends(said, "}\n"));
		CHECK_STR(json_get_string(json, "phase"), "ready");
		CHECK(strstr(said, "\"routes\""));
		CHECK(text_same(json_get_string(json, "routes"), fault ? FAULT : NULL));
	}
	FAKE_ROOT_END();
}

TEST(status_says_what_the_machine_lacks)
{
	FAKE_ROOT();
	CLEANUP(json_free_p) struct json *json = NULL;
	fake_put(path, STATE_FILE, READY);
	fake_put(path, HARDWARE_FAULTS_FILE, "nodekiln: no card\nnodekiln: no seed\n");
	CLEANUP(free_p) char *said = say(path, false), *as_json = say(path, true);
	CHECK_STR(said, "ready since 2026-11-28T08:42:00Z; no card; no seed\n");
	CHECK(json_parse("status", as_json, strlen(as_json), &json, &err) == 0);
	CHECK_STR(json_as_string(json_at(json_get(json, "hardware"), 1)), "no seed");
	FAKE_ROOT_END();
}

TEST(status_of_a_guest_that_is_no_node)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *said = say(path, false);
	CHECK_STR(said, "not configured: this guest has no node configuration (a seed, or /etc/nodekiln/node.yaml), so "
			"it is not "
			"meant to be a node\n");
	fake_put(path, "/run/cloud-init/enabled", "");
	CLEANUP(free_p) char *booting = say(path, false);
	CHECK_STR(booting, "not configured: cloud-init is still at work\n");
	fake_put(path, "/etc/nodekiln/node.yaml", "cluster: lab\nrole: init\n");
	CLEANUP(free_p) char *early = say(path, false);
	if (geteuid() == 0) /* the owner of the file */
		CHECK_STR(early,
			  "not configured: nodekiln-agent.service has not read this guest's configuration yet\n");
	fake_put(path, "/etc/nodekiln/node.yaml", "cluster: lab\n");
	CLEANUP(free_p) char *bad = say(path, false);
	CHECK(text_starts(bad, "not configured: /etc/nodekiln/node.yaml"));
	FAKE_ROOT_END();
}

TEST(status_of_a_broken_state_names_the_file)
{
	FAKE_ROOT();
	fake_put(path, STATE_FILE, "{\"phase\"");
	CLEANUP(free_p) char *said = say(path, false);
	CHECK(strstr(said, STATE_FILE));
	FAKE_ROOT_END();
}

/* The guest's half of shared/cases/field/cloudinit-ignored-keys: by the modules of its own /etc/cloud. */
TEST(status_names_what_cloud_init_does_not_do)
{
	FAKE_ROOT();
	fake_put(path, STATE_FILE, READY);
	fake_put(path, "/etc/cloud/cloud.cfg",
		 "cloud_config_modules:\n - locale\n - runcmd\ncloud_final_modules:\n - "
		 "package-update-upgrade-install\n");
	fake_put(path, "/etc/cloud/cloud.cfg.d/90_nodekiln.cfg", "cloud_config_modules: [runcmd]\n");
	fake_put(path, "/etc/cloud/cloud.cfg.d/95_note.txt", "cloud_config_modules: [locale]\n");
	fake_put(path, "/var/lib/cloud/instance/cloud-config.txt",
		 "#cloud-config\n\n# from 1 files\n# part-001\n\n---\nlocale: de_DE.UTF-8\npackages:\n- x\nruncmd: "
		 "[!!binary "
		 "eA==]\n...\n");
	CLEANUP(free_p) char *said = say(path, false), *json = say(path, true);
	CHECK(strstr(said, "ready since 2026-11-28T08:42:00Z; user-data: 'locale' is not carried out by cloud-init") &&
	      !strstr(said, "packages'") && !strstr(said, "runcmd"));
	CHECK(strstr(json, "\"cloud_init\": \"user-data: 'locale' is not"));
	fake_put(path, "/etc/cloud/cloud.cfg.d/99_last.cfg", "cloud_config_modules: [locale, runcmd]\n");
	CLEANUP(free_p) char *right = say(path, false);
	CHECK_STR(right, "ready since 2026-11-28T08:42:00Z\n");
	FAKE_ROOT_END();
}
