/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/images.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "builder/sandbox.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define STORE "/var/lib/containerd"
/* All of these are on the sandbox's own tmpfs and gone with it. */
#define SOCKET "/run/nodekiln-containerd.sock"
#define STATE "/run/nodekiln-containerd"
#define CONFIG "/tmp/nodekiln-containerd.toml"
#define LOG "/tmp/nodekiln-containerd.log"

#define START_TRIES 300    /* times START_INTERVAL: a slow disk may take seconds to make the databases */
#define START_INTERVAL 100 /* milliseconds */
#define STOP_TIMEOUT 15000 /* milliseconds */
#define LOG_MAX (1 << 20)

/* Nothing but the stores: no CRI, no NRI, and none of the plugins that make directories outside of STORE. */
static const char config[] =
	"version = 2\n"
	"disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.nri.v1.nri\", "
	"\"io.containerd.internal.v1.opt\", \"io.containerd.snapshotter.v1.btrfs\", "
	"\"io.containerd.snapshotter.v1.aufs\", \"io.containerd.snapshotter.v1.zfs\", "
	"\"io.containerd.snapshotter.v1.blockfile\", \"io.containerd.snapshotter.v1.devmapper\"]\n";

/* What a containerd leaves behind that belongs to one machine or one run. */
static const char *const leftovers[] = {
	STORE "/io.containerd.grpc.v1.introspection", /* holds this daemon's uuid */
	STORE "/tmpmounts",
};

/* Runs ctr with the arguments up to NULL; output may be NULL. */
static int ctr(struct text *output, const char *const *arguments, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "ctr", "--address", SOCKET, "--namespace", "k8s.io", NULL);
	for (; *arguments; arguments++)
		strings_add(&argv, *arguments);
	return process_run(&(struct process){ .argv = strings_argv(&argv), .output = output, .failure = ERROR_SANDBOX },
			   err);
}

static int import(const char *archive, struct error *err)
{
	const char *const arguments[] = { "images", "import", "--snapshotter", "overlayfs", archive, NULL };

	return ctr(NULL, arguments, err);
}

/* The labels by which the CRI plugin sees an image, and by which its garbage collection lets the pause image be. */
static int label(const char *reference, struct error *err)
{
	const char *pinned = strstr(reference, "/pause:") ? "io.cri-containerd.pinned=pinned" : NULL;
	const char *const arguments[] = {
		"images", "label", reference, "io.cri-containerd.image=managed", pinned, NULL
	};

	return ctr(NULL, arguments, err);
}

static int label_all(struct error *err)
{
	CLEANUP(text_done) struct text list = { 0 };
	const char *const arguments[] = { "images", "list", "--quiet", NULL };

	if (ctr(&list, arguments, err) < 0)
		return -1;
	char *rest = list.data, *line;
	while ((line = strsep(&rest, "\n")))
		if (*line && label(line, err) < 0)
			return -1;
	return 0;
}

/* Every layer is in a snapshot now: forget the archives they came from. */
static int drop_layers(struct error *err)
{
	const char *const arguments[] = { "content", "prune", "references", NULL };

	return ctr(NULL, arguments, err);
}

/* containerd listens when its stores are open. On failure it is stopped. */
static int wait_until_up(pid_t pid, struct error *err)
{
	CLEANUP(text_done) struct text log = { 0 };
	struct error ignored = { 0 };
	char status_text[64];
	int status = 0;

	for (unsigned i = 0; i < START_TRIES; i++) {
		if (access(SOCKET, F_OK) == 0)
			return 0;
		if (process_wait(pid, START_INTERVAL, &status) == 0)
			continue;
		if (file_read(AT_FDCWD, LOG, LOG_MAX, &log, &ignored) < 0)
			text_add(&log, "it said nothing");
		return error_set(err, ERROR_SANDBOX, "containerd, to preload images: %s: %s",
				 process_status_text(status, status_text, sizeof status_text),
				 log.data ? log.data : "");
	}
	process_stop(pid, STOP_TIMEOUT);
	return error_set(err, ERROR_SANDBOX, "containerd, to preload images: no answer within %d seconds",
			 START_TRIES * START_INTERVAL / 1000);
}

static pid_t start_containerd(struct error *err)
{
	char *argv[] = { "containerd", "--config",  CONFIG, "--root",      STORE,  "--state",
			 STATE,        "--address", SOCKET, "--log-level", "warn", NULL };
	CLEANUP(close_p) int log = open(LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (log < 0)
		return error_errno(err, errno, "create %s in the sandbox", LOG);
	if (file_write(AT_FDCWD, CONFIG, config, sizeof config - 1, 0600, err) < 0)
		return -1;
	return process_start(&(struct process){ .argv = argv }, log, err);
}

static int import_all(const struct strings *archives, struct error *err)
{
	for (size_t i = 0; i < archives->n; i++) {
		CLEANUP(free_p) char *inside = xasprintf("/tmp/%zu.tar", i);
		if (import(inside, err) < 0)
			return error_wrap(err, "preload %s", archives->at[i]);
	}
	return 0;
}

static int remove_leftovers(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++)
		if (tree_remove(AT_FDCWD, leftovers[i], err) < 0)
			return -1;
	return 0;
}

/* Inside the sandbox: / is the tree. */
static int preload_inside(void *context, struct error *err)
{
	pid_t pid = start_containerd(err);

	if (pid < 0 || wait_until_up(pid, err) < 0)
		return -1;
	int rc = import_all(context, err);
	if (rc == 0)
		rc = label_all(err);
	if (rc == 0)
		rc = drop_layers(err);
	process_stop(pid, STOP_TIMEOUT);
	return rc < 0 ? rc : remove_leftovers(err);
}

int images_preload(const char *root, const char *store, const struct strings *archives, struct error *err)
{
	CLEANUP(sandbox_done) struct sandbox sandbox = { .root = root };

	/* As containerd itself would make it: containers' files are nobody else's business. */
	if (chmod(store, 0711) < 0)
		return error_errno(err, errno, "set the mode of %s", store);
	strings_addf(&sandbox.binds, "%s:" STORE, store);
	for (size_t i = 0; i < archives->n; i++)
		strings_addf(&sandbox.binds, "%s:/tmp/%zu.tar", archives->at[i], i);
	return sandbox_call(&sandbox, preload_inside, (void *)archives, err);
}
