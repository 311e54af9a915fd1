/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a step. Pure. */
#include "builder/publish/publish_plan.h"

static void add_guest(const struct publish_order *o, long vmid, struct text *ret)
{
	CLEANUP(free_p) char *name = publish_notes_name(o->image->stem, o->firmware);

	if (vmid)
		text_addf(ret, "VM %ld", vmid);
	else
		text_addf(ret, "VM %s", name);
}

static const struct {
	const char *before, *after;
} words[] = {
	[PUBLISH_WAIT_TASK] = { "wait for task ", "" },
	[PUBLISH_PAUSE] = { "wait for ", "" },
	[PUBLISH_FIND] = { "find ", " again" },
	[PUBLISH_UPLOAD] = { "upload ", "" },
	[PUBLISH_CREATE] = { "create ", "" },
	[PUBLISH_TAG] = { "tag ", "" },
	[PUBLISH_CONVERT] = { "make ", " a template" },
	[PUBLISH_FINALIZE] = { "mark ", " as ready" },
	[PUBLISH_REMOVE] = { "remove ", " unless it is in use" },
	[PUBLISH_DISCARD] = { "delete ", "" },
};

void publish_step_text(const struct publish_order *o, const struct publish_step *step, struct text *ret)
{
	const bool vm = step->part == PUBLISH_VM;
	const char *storage = vm ? o->storages->import : o->storages->vztmpl;
	const char *content = vm ? "import" : "vztmpl";

	text_add(ret, words[step->act].before);
	if (step->part)
		text_addf(ret, "%s:%s/%s", storage, content, step->name);
	else if (step->name)
		text_add(ret, step->name);
	else
		add_guest(o, step->vmid, ret);
	text_add(ret, words[step->act].after);
	if (step->act == PUBLISH_UPLOAD)
		text_addf(ret, ", %s", text_bytes((vm ? &o->image->vm : &o->image->ct)->size));
	if (step->act == PUBLISH_CREATE)
		text_addf(ret, " on %s, %s", o->storages->disks, firmware_names[o->firmware]);
	if (step->why)
		text_addf(ret, " (%s)", step->why);
}
