/* SPDX-License-Identifier: Apache-2.0 */
/* Installs Kubernetes into a tree, with the layout of the project's own packages. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/tar.h"
#include "builder/archive/tarball.h"
#include "builder/sandbox/sandbox.h"
#include "builder/source/kubeadm_images.h"
#include "builder/source/kubernetes.h"
#include "builder/source/program_install.h"
#include "lib/file.h"

/* Files of the kubelet and kubeadm packages, from kubernetes/release: cmd/krel/templates/latest. */
static const struct {
	const char *path, *text;
} packaged_files[] = {
	{ "usr/lib/systemd/system/kubelet.service", "[Unit]\n"
						    "Description=kubelet: The Kubernetes Node Agent\n"
						    "Documentation=https://kubernetes.io/docs/\n"
						    "Wants=network-online.target\n"
						    "After=network-online.target\n"
						    "\n"
						    "[Service]\n"
						    "ExecStart=/usr/bin/kubelet\n"
						    "Restart=always\n"
						    "StartLimitInterval=0\n"
						    "RestartSec=10\n"
						    "\n"
						    "[Install]\n"
						    "WantedBy=multi-user.target\n" },
	{ "usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
	  "# Note: This dropin only works with kubeadm and kubelet v1.11+\n"
	  "[Service]\n"
	  "Environment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf "
	  "--kubeconfig=/etc/kubernetes/kubelet.conf\"\n"
	  "Environment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\n"
	  "# This is a file that \"kubeadm init\" and \"kubeadm join\" generates at runtime, populating the "
	  "KUBELET_KUBEADM_ARGS variable dynamically\n"
	  "EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\n"
	  "# This is a file that the user can use for overrides of the kubelet args as a last resort. Preferably, the "
	  "user "
	  "should use\n"
	  "# the .NodeRegistration.KubeletExtraArgs object in the configuration files instead. KUBELET_EXTRA_ARGS "
	  "should be "
	  "sourced from this file.\n"
	  "EnvironmentFile=-/etc/default/kubelet\n"
	  "ExecStart=\n"
	  "ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS "
	  "$KUBELET_EXTRA_ARGS\n" },
	{ "etc/default/kubelet", "KUBELET_EXTRA_ARGS=\n" },
};

static const char *const packaged_directories[] = { "etc/kubernetes/manifests", "var/lib/kubelet" };

static int copy_member(struct tar_reader *reader, int out, struct error *err)
{
	const void *block;
	off_t offset;
	size_t n;
	int rc;

	while ((rc = tar_read_data(reader, &block, &n, &offset, err)) > 0)
		if (pwrite_all(out, block, n, offset) < 0)
			return error_errno(err, errno, "write");
	return rc;
}

/* Installs one file (`member`) of an archive. */
static int install_member(int in, const struct binary *b, int rootfd, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *reader = NULL;
	const struct tar_entry *e;
	int rc;

	if (tar_read_fd(in, b->url, &reader, err) < 0)
		return -1;
	while ((rc = tar_read_next(reader, &e, err)) > 0) {
		const char *path = text_starts(e->path, "./") ? e->path + 2 : e->path;
		if (!S_ISREG(e->mode) || e->original || strcmp(path, b->member) != 0)
			continue;
		CLEANUP(close_p) int out = program_create(rootfd, b->path, err);
		if (out < 0 || copy_member(reader, out, err) < 0)
			return error_wrap(err, "install %s", b->url);
		return 0;
	}
	if (rc < 0)
		return -1;
	return error_set(err, ERROR_INPUT, "%s has no file %s", b->url, b->member);
}

static int unpack_archive(int in, const struct binary *b, int rootfd, struct error *err)
{
	if (dir_make_in(rootfd, b->path, 0755, err) < 0)
		return -1;
	CLEANUP(close_p) int target = file_open_in(rootfd, b->path, O_RDONLY | O_DIRECTORY, 0);
	if (target < 0)
		return error_errno(err, errno, "open %s in the image", b->path);
	return tarball_unpack(in, b->url, target, err);
}

int kubernetes_install_binaries(const struct recipe *recipe, struct cache *cache, int rootfd, struct error *err)
{
	for (size_t i = 0; i < recipe->kubernetes.binaries.n; i++) {
		const struct binary *b = &recipe->kubernetes.binaries.at[i];
		CLEANUP(close_p) int in = cache_file(cache, b->sha256, err);
		if (in < 0)
			return -1;
		int rc = b->member    ? install_member(in, b, rootfd, err)
			 : b->archive ? unpack_archive(in, b, rootfd, err)
				      : program_copy(in, b->url, rootfd, b->path, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* The members of an archive that is unpacked. */
static int archive_paths(int in, const struct binary *b, struct strings *ret, struct error *err)
{
	CLEANUP(tar_reader_free_p) struct tar_reader *reader = NULL;
	const struct tar_entry *e;
	int rc;

	if (tar_read_fd(in, b->url, &reader, err) < 0)
		return -1;
	while ((rc = tar_read_next(reader, &e, err)) > 0)
		if (!S_ISDIR(e->mode))
			strings_addf(ret, "/%s/%s", b->path + strspn(b->path, "/"),
				     text_starts(e->path, "./") ? e->path + 2 : e->path);
	return rc;
}

int kubernetes_binaries_paths(const struct recipe *recipe, struct cache *cache, struct strings *ret, struct error *err)
{
	for (size_t i = 0; i < recipe->kubernetes.binaries.n; i++) {
		const struct binary *b = &recipe->kubernetes.binaries.at[i];
		if (!b->archive || b->member) {
			strings_addf(ret, "/%s", b->path + strspn(b->path, "/"));
			continue;
		}
		CLEANUP(close_p) int in = cache_file(cache, b->sha256, err);
		if (in < 0 || archive_paths(in, b, ret, err) < 0)
			return -1;
	}
	return 0;
}

void kubernetes_units_paths(struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(packaged_files); i++)
		strings_addf(ret, "/%s", packaged_files[i].path);
}

/* An existing file came from an archive of this release; it is newer than the one in the table and is kept. */
int kubernetes_install_units(int rootfd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(packaged_directories); i++)
		if (dir_make_in(rootfd, packaged_directories[i], 0755, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(packaged_files); i++)
		if (!file_exists_in(rootfd, packaged_files[i].path) &&
		    file_write_in(rootfd, packaged_files[i].path, packaged_files[i].text,
				  strlen(packaged_files[i].text), 0644, err) < 0)
			return -1;
	return 0;
}

int kubernetes_pause_image(const char *root, const char *version, char **ret, struct error *err)
{
	struct sandbox sandbox = { .root = root };
	CLEANUP(strings_done) struct strings references = { 0 };

	if (kubeadm_images_list(&sandbox, "kubeadm", version, &references, err) < 0)
		return -1;
	const char *pause = kubeadm_images_find(&references, "pause");
	if (!pause)
		return error_set(err, ERROR_COMMAND,
				 "`kubeadm config images list --kubernetes-version v%s` prints no pause image",
				 version);
	*ret = xstrdup(pause);
	return 0;
}
