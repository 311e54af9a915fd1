/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_state.h"

#include <string.h>

#include "builder/publish/publish_image.h"
#include "builder/pve/pve_exec.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_tags.h"

#define COPIES_MAX 1000 /* guests of a node whose notes are read */

/* Tasks that must have ended before a node's state can be planned for. */
const char *const publish_state_awaited[] = { "imgcopy", "qmcreate", "qmtemplate", "qmdestroy", "imgdel", NULL };

bool publish_state_is_candidate(const struct json *entry, const char *image)
{
	const char *name = json_get_string(entry, "name"), *tags = json_get_string(entry, "tags");
	int64_t template = 0;
	size_t n = strlen(image);

	/* Deployed clones have the tags too, but another name and no template flag. */
	if (name && text_starts(name, image) && name[n] == '-')
		return true;
	return pve_get_int(entry, "template", &template) && template && pve_tags_has(tags, PUBLISH_NOTES_TAG);
}

void publish_state_add_copy(struct publish_state *state, long vmid, const struct json *config, const char *node,
			    const char *image, const char *key)
{
	struct publish_copy copy = { .vmid = vmid };
	int64_t template = 0;

	if (!publish_notes_parse(json_get_string(config, "description"), key, &copy.published))
		return;
	bool claims = copy.published.vmid == vmid && !strcmp(copy.published.image, image);
	if (!claims || !publish_notes_prove(&copy.published, vmid, node, config)) {
		publish_notes_done(&copy.published);
		if (claims)
			vec_push(&state->strangers, vmid);
		return;
	}
	copy.name = json_dup_string(config, "name");
	copy.tags = json_dup_string(config, "tags");
	copy.notes = json_dup_string(config, "description");
	copy.template = pve_get_int(config, "template", &template) && template;
	copy.locked = json_get_string(config, "lock") != NULL;
	vec_push(&state->copies, copy);
}

static int read_copy(struct pve *pve, const struct target *t, const char *node, const struct json *entry,
		     const char *image, struct publish_state *state, struct error *err)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	int64_t vmid;

	if (!pve_get_int(entry, "vmid", &vmid))
		return 0;
	struct pve_guest guest = pve_exec_guest(node, PVE_QEMU, (long)vmid);
	if (pve_get_config_retry(pve, &guest, &config, err) < 0)
		return pve_is_gone(pve_failure(pve)) ? 0 : -1;
	publish_state_add_copy(state, guest.vmid, config, node, image, t->notes_key);
	return 0;
}

static int by_vmid(const void *a, const void *b)
{
	const struct publish_copy *x = a, *y = b;

	return (x->vmid > y->vmid) - (x->vmid < y->vmid);
}

static int read_copies(struct pve *pve, const struct target *t, const char *node, const char *image,
		       struct publish_state *state, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/qemu", node);
	size_t read = 0;

	if (pve_get_retry(pve, path, NULL, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_count(list) && read < COPIES_MAX; i++) {
		if (!publish_state_is_candidate(json_at(list, i), image))
			continue;
		read++;
		if (read_copy(pve, t, node, json_at(list, i), image, state, err) < 0)
			return -1;
	}
	if (state->copies.n)
		qsort(state->copies.at, state->copies.n, sizeof *state->copies.at, by_vmid);
	return 0;
}

void publish_volumes_parse(const struct json *data, const char *image, const char *suffix, struct publish_volumes *ret)
{
	for (size_t i = 0; i < json_count(data); i++) {
		const struct json *entry = json_at(data, i);
		const char *volid = json_get_string(entry, "volid"), *slash = volid ? strrchr(volid, '/') : NULL;
		int64_t size, ctime = 0;
		if (!slash || !publish_notes_is_file(slash + 1, image, suffix) || !pve_get_int(entry, "size", &size))
			continue;
		if (!pve_get_int(entry, "ctime", &ctime))
			ctime = 0;
		vec_push(ret, (struct publish_volume){ xstrdup(slash + 1), (uint64_t)size, ctime });
	}
}

const struct publish_volume *publish_volumes_find(const struct publish_volumes *volumes, const char *name)
{
	for (size_t i = 0; i < volumes->n; i++)
		if (!strcmp(volumes->at[i].name, name))
			return &volumes->at[i];
	return NULL;
}

static int read_volumes(struct pve *pve, const char *node, const char *storage, const char *content, const char *image,
			const char *suffix, struct publish_volumes *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage/%s/content", node, storage);

	if (pve_get_retry(pve, path, (const struct pve_param[]){ { "content", content }, { NULL, NULL } }, &data, err) <
	    0)
		return -1;
	publish_volumes_parse(data, image, suffix, ret);
	return 0;
}

/* Reads the tasks first, so that the result of one that ends meanwhile is seen below. */
int publish_state_read(struct pve *pve, const struct target *t, const char *node, const char *image, unsigned parts,
		       struct publish_state *ret, struct error *err)
{
	CLEANUP(publish_state_done) struct publish_state state = { 0 };
	const struct target_storages *storages = target_storages_on(t, node);

	if (pve_get_tasks_retry(pve, node, t->token_id, publish_state_awaited, &state.tasks, err) < 0)
		return -1;
	/* Copies also say which files of other versions are ours. */
	if (read_copies(pve, t, node, image, &state, err) < 0)
		return -1;
	if (parts & PUBLISH_VM &&
	    read_volumes(pve, node, storages->import, "import", image, ".qcow2", &state.import, err) < 0)
		return -1;
	if (parts & PUBLISH_CT &&
	    read_volumes(pve, node, storages->vztmpl, "vztmpl", image, ".tar.zst", &state.vztmpl, err) < 0)
		return -1;
	*ret = TAKE(state);
	return 0;
}

static void volumes_done(struct publish_volumes *volumes)
{
	for (size_t i = 0; i < volumes->n; i++)
		free(volumes->at[i].name);
	vec_done(volumes);
}

static void copy_done(struct publish_copy *copy)
{
	publish_notes_done(&copy->published);
	free(copy->name);
	free(copy->tags);
	free(copy->notes);
}

void publish_state_done(struct publish_state *state)
{
	for (size_t i = 0; i < state->copies.n; i++)
		copy_done(&state->copies.at[i]);
	vec_done(&state->copies);
	vec_done(&state->strangers);
	volumes_done(&state->import);
	volumes_done(&state->vztmpl);
	strings_done(&state->tasks);
}
