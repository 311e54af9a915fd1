/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An agent whose guest is a fake root (fake_root.h) and whose network is fake_api.h:
 *
 *	AGENT(101, "role: worker\n" ...);	guest 101 of cluster lab, with a proxmox section
 *	CHECK(step_election(&a, &err) == 0);
 *	AGENT_END();
 */
#include "agent/agent.h"
#include "tests/unit/fake_api.h"
#include "tests/unit/fake_root.h"

#define TOKEN "abcdef.0123456789abcdef"
#define KEY "f8902e114ef118304e561c3ecd4d0b543adc226b7a07f675f56564185ffe0c07"
#define HASH "sha256:4ee23d935fa28d6a2035a52e54df7cf0029949fe2f4085845dac6cc0fafae67f"
#define PVE_SECTION                                                                                                    \
	"proxmox: {url: \"https://pve.test\", token_id: \"kiln@pve!n\", "                                              \
	"token_secret: 01234567-89ab-cdef-0123-456789abcdef"
#define INIT "role: init\ntoken: " TOKEN "\ncertificate_key: " KEY "\nnode: {ip: 10.0.0.1, name: n1}\n"
#define CONTROL "role: control-plane\ntoken: " TOKEN "\ncertificate_key: " KEY "\nnode: {ip: 10.0.0.2, name: n1}\n"
#define WORKER "role: worker\ntoken: " TOKEN "\nnode: {ip: 10.0.0.2, name: n1}\n"

#define AGENT(own_vmid, config)                                                                                        \
	FAKE_ROOT();                                                                                                   \
	CLEANUP(agent_done) struct agent a = { .root = path, .state_file = xasprintf("%s" STATE_FILE, path) };         \
	CHECK(fake_agent_configure(&a, (own_vmid), (config), &err) == 0)
#define AGENT_END()                                                                                                    \
	fake_api_done();                                                                                               \
	FAKE_ROOT_END()

/* vmid 0: without a proxmox section. */
UNUSED static int fake_agent_configure(struct agent *a, long vmid, const char *config, struct error *err)
{
	CLEANUP(free_p) char *section = vmid ? xasprintf(PVE_SECTION ", vmid: %ld}\n", vmid) : xstrdup("");
	CLEANUP(free_p) char *text = xasprintf("cluster: lab\n%s%s", config, section);
	struct yaml *tree = NULL;

	if (node_config_parse("node.yaml", text, strlen(text), &tree, err) < 0 ||
	    node_config_read(tree, &a->node, err) < 0) {
		printf("# %s\n", err->text);
		return -1;
	}
	state_set_phase(&a->state, "booting");
	return pve_registration_open(a->root, &a->node, &a->pve, err);
}
