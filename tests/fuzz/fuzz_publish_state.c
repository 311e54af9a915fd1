/* SPDX-License-Identifier: Apache-2.0 */
/* What publish reads of its own in Proxmox VE, in answers that anybody may have shaped: copies, files and tasks. A guest is a copy only with
 * a good line about itself, and the name of a file never leads out of its storage. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/publish/publish_state.h"
#include "lib/pve_task.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define IMAGE "debian-12"
#define VMID 9000
#define TOKEN "k@pve!t"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void read_files(const struct json *list, const char *suffix)
{
	struct publish_state state = { 0 };

	publish_volumes_parse(list, IMAGE, suffix, &state.import);
	for (size_t i = 0; i < state.import.n; i++) {
		const char *name = state.import.at[i].name;
		need(text_starts(name, IMAGE "-") && text_ends(name, suffix) && !strchr(name, '/'));
		need(publish_volumes_find(&state.import, name));
	}
	publish_state_done(&state);
}

static void read_tasks(const struct json *list)
{
	CLEANUP(strings_done) struct strings tasks = { 0 };

	pve_task_parse_list(list, &tasks);
	for (size_t i = 0; i < tasks.n; i++) {
		CLEANUP(free_p) char *node = pve_task_node(tasks.at[i]);
		need(node || !pve_task_is_own(tasks.at[i], TOKEN, publish_state_awaited));
	}
}

static void read_copy(const struct json *config)
{
	CLEANUP(publish_state_done) struct publish_state state = { 0 };

	publish_state_add_copy(&state, VMID, config, "pve1", IMAGE, NULL);
	need(!state.copies.n);
	publish_state_add_copy(&state, VMID, config, "pve1", IMAGE, KEY);
	need(state.copies.n + state.strangers.n <= 2);
	for (size_t i = 0; i < state.copies.n; i++) {
		const struct publish_notes *p = &state.copies.at[i].published;
		need(p->good && p->vmid == VMID && text_same(p->image, IMAGE) && text_same(p->node, "pve1") && p->uuid);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_free_p) struct json *json = NULL;
	struct error err = { 0 };

	if (json_parse("fuzz", (const char *)data, size, &json, &err) < 0)
		return 0;
	read_files(json, ".qcow2");
	read_files(json, ".tar.zst");
	read_tasks(json);
	read_copy(json);
	for (size_t i = 0; i < json_count(json); i++) {
		publish_state_is_candidate(json_at(json, i), IMAGE);
		read_copy(json_at(json, i));
	}
	return 0;
}
