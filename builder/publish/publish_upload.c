/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads a file to a storage and waits until PVE has checked and placed it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/progress/progress_format.h"
#include "builder/publish/publish_exec.h"
#include "builder/pve/pve_retry.h"
#include "builder/pve/pve_space.h"
#include "builder/pve/target_check.h"
#include "lib/alloc.h"
#include "lib/pve_upload.h"

#define UPLOAD_RIGHT "Datastore.AllocateTemplate"

static void progress(void *context, uint64_t done, uint64_t total)
{
	progress_update(context, done, total);
}

/* PVE reported a wrong digest. Reading the file again shows the cause: a damaged file stays damaged, a
 * transfer may be repeated. */
static int check_damage(struct publish_run *run, const struct publish_file *file, const char *exit, struct error *err)
{
	if (!exit || !strstr(exit, "checksum mismatch"))
		return -1;
	run->exec.again = false;
	if (publish_file_verify(file, err) < 0)
		return -1;
	run->exec.again = true;
	error_set(err, ERROR_TRUST, "%s was damaged on its way to %s", file->path, run->order->node);
	return error_quote(err, "%s", exit);
}

/* PVE answers a token without the right to upload only after 3 seconds; a large file has filled the
 * server's buffer by then, and the server closes the connection without an answer. So after such a failure
 * the privilege is checked again. */
static int check_upload_right(struct publish_run *run, const char *storage, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/storage/%s", storage);
	CLEANUP(json_free_p) struct json *data = NULL;
	struct error ignored = { 0 };

	if (pve_get_retry(run->exec.pve, "/access/permissions",
			  (const struct pve_param[]){ { "path", path }, { NULL, NULL } }, &data, &ignored) < 0)
		return -1;
	if (target_permitted(data, path, UPLOAD_RIGHT))
		return -1;
	run->exec.again = false;
	return error_set(err, ERROR_TARGET,
			 "the token %s has lost %s on %s; `nodekiln roles %s` prints how to grant it",
			 run->order->target->token_id, UPLOAD_RIGHT, path, run->order->target->file);
}

static int send_file(struct publish_run *run, const struct publish_step *step, const struct publish_file *file,
		     char *phase, char **ret_upid, struct error *err)
{
	const struct target_storages *t = run->order->storages;
	CLEANUP(close_p) int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	struct pve_upload upload = {
		.node = run->order->node,
		.storage = step->part == PUBLISH_VM ? t->import : t->vztmpl,
		.content = step->part == PUBLISH_VM ? "import" : "vztmpl",
		.name = file->volume,
		.fd = fd,
		.size = file->size,
		.progress = progress,
		.context = phase,
	};

	if (fd < 0)
		return error_errno(err, errno, "open %s", file->path);
	memcpy(upload.sha256, file->sha256, SHA256_HEX);
	if (pve_upload(run->exec.pve, &upload, ret_upid, err) == 0)
		return 0;
	/* A file that cannot be read here is not worth another try. */
	run->exec.again = pve_may_pass(pve_failure(run->exec.pve)) && err->class == ERROR_NETWORK;
	run->exec.again = run->exec.again || pve_failure(run->exec.pve) == PVE_BUSY;
	if (err->class == ERROR_NETWORK)
		return check_upload_right(run, upload.storage, err);
	if (pve_space_is_out(err->private.text))
		err->class = ERROR_SPACE;
	return -1;
}

static void explain_space(struct publish_run *run, const struct publish_step *step, const struct publish_file *file,
			  struct error *err)
{
	const struct target_storages *t = run->order->storages;

	pve_space_explain(run->exec.pve, run->order->node, step->part == PUBLISH_VM ? t->import : t->vztmpl, file->size,
			  err);
}

static int upload_and_wait(struct publish_run *run, const struct publish_step *step, const struct publish_file *file,
			   char *phase, struct error *err)
{
	CLEANUP(free_p) char *upid = NULL, *exit = NULL;
	CLEANUP(free_p) char *what = xasprintf("upload %s", file->volume);

	if (send_file(run, step, file, phase, &upid, err) < 0)
		return -1;
	CLEANUP(json_free_p) struct json *answer = json_string(upid);
	if (pve_exec_wait(&run->exec, answer, what, &exit, err) < 0) {
		if (check_damage(run, file, exit, err) < 0 && exit && !run->exec.again)
			explain_space(run, step, file, err);
		return -1;
	}
	run->memory.uploaded |= step->part;
	return 0;
}

int publish_exec_upload(struct publish_run *run, const struct publish_step *step, struct error *err)
{
	const struct publish_file *file = step->part == PUBLISH_VM ? &run->order->image->vm : &run->order->image->ct;
	char phase[PHASE_NAME_MAX];

	publish_phase(run, step->part == PUBLISH_VM ? "upload-vm" : "upload-ct", phase, sizeof phase);
	progress_begin(phase, "%s", file->volume);
	int rc = upload_and_wait(run, step, file, phase, err);
	progress_end(phase, rc < 0 ? "%s, %s, failed" : "%s, %s", file->volume, text_bytes(file->size));
	return rc;
}
