/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/oci/container_images.h"

#include <errno.h>
#include <unistd.h>

#include "builder/oci/container_images_engine.h"
#include "builder/sandbox/sandbox.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/process.h"

/* On the sandbox's own tmpfs, which is removed with it. */
#define LOG "/tmp/nodekiln-engine.log"
#define LOG_MAX (1 << 20)

#define START_TRIES 300    /* times START_INTERVAL: a slow disk may take seconds to create the databases */
#define START_INTERVAL 100 /* milliseconds */
#define STOP_TIMEOUT 15000 /* milliseconds */

static const struct container_images_engine *const engines[] = {
	[RUNTIME_NONE] = NULL,
	[RUNTIME_CONTAINERD] = &container_images_containerd,
	[RUNTIME_DOCKER] = &container_images_docker,
};

const char *container_images_store(enum runtime runtime)
{
	return engines[runtime] ? engines[runtime]->store + 1 : NULL;
}

static bool is_up(const struct container_images_engine *e)
{
	struct error ignored = { 0 };

	return access(e->socket, F_OK) == 0 && (!e->answers || e->answers(&ignored) == 0);
}

static int fail_early(const struct container_images_engine *e, int status, struct error *err)
{
	CLEANUP(text_done) struct text log = { 0 };
	struct error ignored = { 0 };
	char status_text[64];

	if (file_read(AT_FDCWD, LOG, LOG_MAX, &log, &ignored) < 0 || !log.len)
		text_add(&log, "no output");
	/* The last lines of its log are the reason; error texts are truncated at the end. */
	char *tail = log.len > ERROR_TEXT_MAX / 2 ? log.data + log.len - ERROR_TEXT_MAX / 2 : log.data;
	return error_set(err, ERROR_COMMAND, "%s, to preload images: %s: %s", e->name,
			 process_status_text(status, status_text, sizeof status_text), text_trim(tail));
}

/* On failure the daemon is stopped. */
static int wait_until_up(const struct container_images_engine *e, pid_t pid, struct error *err)
{
	int status = 0;

	for (unsigned i = 0; i < START_TRIES; i++) {
		if (is_up(e))
			return 0;
		if (process_wait(pid, START_INTERVAL, &status) == 1)
			return fail_early(e, status, err);
	}
	process_stop(pid, STOP_TIMEOUT);
	return error_set(err, ERROR_COMMAND, "%s, to preload images: no answer within %d seconds", e->name,
			 START_TRIES * START_INTERVAL / 1000);
}

static pid_t start(const struct container_images_engine *e, struct error *err)
{
	CLEANUP(close_p) int log = open(LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (log < 0)
		return error_errno(err, errno, "create %s in the sandbox", LOG);
	if (e->prepare && e->prepare(err) < 0)
		return -1;
	return process_start(&(struct process){ .argv = e->argv }, log, err);
}

struct preloading {
	const struct container_images_engine *engine;
	const struct strings *archives;
};

static int import_all(const struct preloading *p, struct error *err)
{
	for (size_t i = 0; i < p->archives->n; i++) {
		CLEANUP(free_p) char *inside = xasprintf("/tmp/%zu.tar", i);
		if (p->engine->import(inside, err) < 0)
			return error_wrap(err, "preload %s", p->archives->at[i]);
	}
	return p->engine->finish ? p->engine->finish(err) : 0;
}

/* Inside the sandbox: / is the tree. */
static int preload_inside(void *context, struct error *err)
{
	const struct preloading *p = context;
	pid_t pid = start(p->engine, err);

	if (pid < 0 || wait_until_up(p->engine, pid, err) < 0)
		return -1;
	int rc = import_all(p, err);
	process_stop(pid, STOP_TIMEOUT);
	return rc == 0 && p->engine->settle ? p->engine->settle(err) : rc;
}

int container_images_preload(const char *root, enum runtime runtime, const char *store, const struct strings *archives,
			     struct error *err)
{
	CLEANUP(sandbox_done) struct sandbox sandbox = { .root = root };
	struct preloading p = { .engine = engines[runtime], .archives = archives };

	sandbox.rights = p.engine->rights;
	sandbox.opaque_below = p.engine->store;
	/* Only root may read the containers' files. */
	if (chmod(store, p.engine->mode) < 0)
		return error_errno(err, errno, "set the mode of %s", store);
	sandbox_binds_add(&sandbox.binds, store, p.engine->store);
	for (size_t i = 0; i < archives->n; i++) {
		CLEANUP(free_p) char *target = xasprintf("/tmp/%zu.tar", i);
		sandbox_binds_add_read_only(&sandbox.binds, archives->at[i], target);
	}
	return sandbox_call(&sandbox, preload_inside, &p, err);
}
