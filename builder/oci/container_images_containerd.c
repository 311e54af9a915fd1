/* SPDX-License-Identifier: Apache-2.0 */
/* Imports images into containerd: into namespace k8s.io, unpacked into its overlayfs snapshotter, with the
 * labels by which the CRI plugin recognizes images. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "builder/oci/container_images_engine.h"
#include "lib/file.h"
#include "lib/process.h"
#include "lib/text.h"

#define STORE "/var/lib/containerd"
/* All of these are on the sandbox's own tmpfs, which is removed with it. */
#define SOCKET "/run/nodekiln-containerd.sock"
#define STATE "/run/nodekiln-containerd"
#define CONFIG "/tmp/nodekiln-containerd.toml"

/* From this major version on the daemon imports by its transfer service unless ctr gets --local: it unpacks the images of an archive
 * at the same time, and which snapshot gets which number differs from build to build. ctr 1.7 has the option, but its default is true. */
#define TRANSFER_MAJOR 2

/* Only the stores: no CRI, no NRI, and none of the plugins that make directories outside of STORE. */
static const char config[] =
	"version = 2\n"
	"disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.nri.v1.nri\", "
	"\"io.containerd.internal.v1.opt\", \"io.containerd.snapshotter.v1.btrfs\", "
	"\"io.containerd.snapshotter.v1.aufs\", \"io.containerd.snapshotter.v1.zfs\", "
	"\"io.containerd.snapshotter.v1.blockfile\", \"io.containerd.snapshotter.v1.devmapper\"]\n";

/* The files of containerd that belong to one machine or one run. */
static const char *const leftovers[] = {
	STORE "/io.containerd.grpc.v1.introspection", /* holds this daemon's uuid */
	STORE "/tmpmounts",
};

static char *const daemon_argv[] = { "containerd", "--config",  CONFIG, "--root",      STORE,  "--state",
				     STATE,        "--address", SOCKET, "--log-level", "warn", NULL };

static int prepare(struct error *err)
{
	return file_write(AT_FDCWD, CONFIG, config, sizeof config - 1, 0600, err);
}

/* Runs ctr with the arguments up to NULL; output may be NULL. */
static int ctr(struct text *output, const char *const *arguments, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "ctr", "--address", SOCKET, "--namespace", "k8s.io", NULL);
	for (; *arguments; arguments++)
		strings_add(&argv, *arguments);
	return process_run(&(struct process){ .argv = strings_argv(&argv), .output = output, .failure = ERROR_COMMAND },
			   err);
}

/* Of "ctr PACKAGE VERSION" (cmd/ctr/app/main.go), where VERSION is "2.3.4", "v2.3.4" or "1.6.20~ds1"; -1 = it is not that. */
static long major_version(const char *line)
{
	const char *version = strrchr(line, ' ');
	char *end;

	if (!version)
		return -1;
	version += version[1] == 'v' ? 2 : 1;
	long major = strtol(version, &end, 10);
	return isdigit((unsigned char)*version) && *end == '.' ? major : -1;
}

static int import(const char *archive, struct error *err)
{
	CLEANUP(text_done) struct text printed = { 0 };
	const char *const version[] = { "--version", NULL };
	const char *const plain[] = { "images", "import", "--snapshotter", "overlayfs", archive, NULL };
	const char *const local[] = { "images", "import", "--snapshotter", "overlayfs", "--local", archive, NULL };

	if (ctr(&printed, version, err) < 0)
		return -1;
	CLEANUP(free_p) char *text = text_take(&printed);
	const char *line = text_trim(text);
	long major = major_version(line);
	if (major < 0)
		return error_set(err, ERROR_COMMAND,
				 "ctr --version prints '%s', which does not end in a version of containerd", line);
	return ctr(NULL, major >= TRANSFER_MAJOR ? local : plain, err);
}

/* The labels that make an image visible to the CRI plugin, and protect the pause image from its garbage collection. */
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

/* Every layer is in a snapshot now: drop the blobs they came from. */
static int finish(struct error *err)
{
	const char *const arguments[] = { "content", "prune", "references", NULL };

	if (label_all(err) < 0)
		return -1;
	return ctr(NULL, arguments, err);
}

static int settle(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++)
		if (tree_remove(AT_FDCWD, leftovers[i], err) < 0)
			return -1;
	CLEANUP(close_p) int store = dir_open(AT_FDCWD, STORE, err);
	if (store < 0)
		return -1;
	return container_images_containerd_undate(store, err);
}

const struct container_images_engine container_images_containerd = {
	.name = "containerd",
	.store = STORE,
	.mode = 0711,
	.rights = SANDBOX_MOUNTS,
	.argv = daemon_argv,
	.socket = SOCKET,
	.prepare = prepare,
	.import = import,
	.finish = finish,
	.settle = settle,
};
