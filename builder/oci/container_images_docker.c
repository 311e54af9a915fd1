/* SPDX-License-Identifier: Apache-2.0 */
/* Imports images into Docker's overlay2 store with `docker load`. The daemon here starts no container, configures
 * no network and keeps no identity. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "builder/oci/container_images_engine.h"
#include "builder/sandbox/mount.h"
#include "lib/error.h"
#include "lib/file.h"
#include "lib/process.h"

#define STORE "/var/lib/docker"
/* All of these are on the sandbox's own tmpfs, which is removed with it. */
#define SOCKET "/run/nodekiln-docker.sock"
#define STATE "/run/nodekiln-docker"
#define CONFIG "/tmp/nodekiln-docker.json"

/* The image's own daemon.json is meant for the guest. */
static const char config[] = "{}\n";

static char *const daemon_argv[] = {
	"dockerd",
	"--config-file=" CONFIG,
	"--data-root=" STORE,
	"--exec-root=" STATE,
	"--pidfile=" STATE ".pid",
	"--host=unix://" SOCKET,
	"--storage-driver=overlay2",
	"--exec-opt=native.cgroupdriver=cgroupfs", /* there is no systemd here */
	"--bridge=none",
	"--iptables=false",
	"--ip-forward=false",
	"--log-level=warn",
	NULL,
};

/* dockerd does not start without the controllers that containers need, and looks for them in /sys/fs/cgroup: version 2
 * has them all, and every kernel can mount it in addition to version 1. Read-only, as dockerd has nothing to change
 * there.
 *
 * /etc/docker is hidden: older versions of dockerd keep their identity in it (key.json), which every node must create
 * itself. */
static int prepare(struct error *err)
{
	if (!process_exists("docker"))
		return error_set(err, ERROR_INPUT,
				 "images are preloaded with the command docker, which the image lacks; add the package "
				 "docker-cli (or docker-ce-cli) to packages.base");
	if (mount_attach("sys", "/sys", "tmpfs", "nosuid,nodev,noexec,mode=755,size=1m", err) < 0 ||
	    dir_make(AT_FDCWD, "/sys/fs/cgroup", 0755, err) < 0 ||
	    mount_attach("cgroup2", "/sys/fs/cgroup", "cgroup2", "ro,nosuid,nodev,noexec", err) < 0 ||
	    dir_make(AT_FDCWD, "/etc/docker", 0755, err) < 0 ||
	    mount_attach("docker", "/etc/docker", "tmpfs", "nosuid,nodev,noexec,mode=755,size=1m", err) < 0)
		return -1;
	return file_write(AT_FDCWD, CONFIG, config, sizeof config - 1, 0600, err);
}

static int docker(char *const *argv, struct error *err)
{
	return process_run(&(struct process){ .argv = argv, .failure = ERROR_COMMAND }, err);
}

/* The socket exists before the store is open; a client that connects waits until it is. */
static int answers(struct error *err)
{
	char *const argv[] = { "docker", "--host", "unix://" SOCKET, "version", NULL };

	return docker(argv, err);
}

static int import(const char *archive, struct error *err)
{
	char *const argv[] = {
		"docker", "--host", "unix://" SOCKET, "load", "--quiet", "--input", (char *)archive, NULL
	};

	return docker(argv, err);
}

static bool is_kept(const char *name)
{
	static const char *const kept[] = { ".", "..", "image", "overlay2" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (!strcmp(name, kept[i]))
			return true;
	return false;
}

/* Removes everything that every dockerd creates itself: networks with random names, build caches, its engine-id. */
static int settle(struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = opendir(STORE);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "read " STORE " in the sandbox");
	while ((errno = 0, entry = readdir(dir)))
		if (!is_kept(entry->d_name) && tree_remove(dirfd(dir), entry->d_name, err) < 0)
			return -1;
	if (errno)
		return error_errno(err, errno, "read " STORE " in the sandbox");
	return container_images_docker_rename(dirfd(dir), err);
}

const struct container_images_engine container_images_docker = {
	.name = "dockerd",
	.store = STORE,
	.mode = 0710,
	.rights = SANDBOX_HOST_ROOT,
	.argv = daemon_argv,
	.socket = SOCKET,
	.prepare = prepare,
	.answers = answers,
	.import = import,
	.settle = settle,
};
