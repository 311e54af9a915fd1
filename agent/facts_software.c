/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what is installed: kubeadm, the container runtime, the builder's description of the image,
 * and what an earlier node left behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/facts_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/process.h"

#define DOCKERSHIM_LAST_MINOR 23 /* kubelet 1.24 and later cannot talk to Docker itself */

static bool installed(int rootfd, const char *program)
{
	static const char *const dirs[] = { "usr/bin", "usr/local/bin", "usr/sbin", "usr/local/sbin" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		CLEANUP(free_p) char *path = xasprintf("%s/%s", dirs[i], program);
		if (file_exists_in(rootfd, path))
			return true;
	}
	return false;
}

/* Reads "v1.20.2"; anything else is ignored. */
static void read_kubeadm(struct facts *m)
{
	char *const argv[] = { "kubeadm", "version", "-o", "short", NULL };
	CLEANUP(text_done) struct text out = { 0 };
	struct error ignored = { 0 };

	if (process_capture(argv, &out, &ignored) < 0 || !out.data)
		return;
	const char *version = text_trim(out.data);
	if (sscanf(version, "v1.%d", &m->kubeadm_minor) == 1)
		m->kubeadm_version = xstrdup(version);
}

static struct json *read_image(int rootfd)
{
	CLEANUP(free_p) char *text = guest_text(rootfd, FACTS_IMAGE_FILE);
	struct json *json = NULL;
	struct error ignored = { 0 };

	if (!text || json_parse(FACTS_IMAGE_FILE, text, strlen(text), &json, &ignored) < 0)
		return NULL;
	return json;
}

static void take_image(const struct json *image, struct facts *m)
{
	const struct json *list = json_get(image, "images");

	m->pause_image = json_dup_string(image, "pause_image");
	for (size_t i = 0; i < json_count(list); i++)
		if (json_as_string(json_at(list, i)))
			strings_add(&m->images, json_as_string(json_at(list, i)));
	const struct json *tags = json_get(image, "image_tags");
	m->etcd_tag = json_dup_string(tags, "etcd");
	m->dns_tag = json_dup_string(tags, "coredns");
}

bool facts_lacks_coredns(const struct facts *m)
{
	bool control_plane = false;

	for (size_t i = 0; i < m->images.n; i++) {
		if (strstr(m->images.at[i], "/coredns"))
			return false;
		control_plane |= strstr(m->images.at[i], "/kube-apiserver:") != NULL;
	}
	return control_plane;
}

/* Docker brings its own containerd, and packages not meant for Kubernetes disable its CRI plugin. */
static bool containerd_speaks_cri(int rootfd)
{
	CLEANUP(free_p) char *config = guest_text(rootfd, "etc/containerd/config.toml");
	const char *line = config ? strstr(config, "disabled_plugins") : NULL;
	const char *cri = line ? strstr(line, "cri") : NULL;

	return installed(rootfd, "containerd") && !(cri && cri < line + strcspn(line, "]\n"));
}

/* The runtime that the image was built for, else the only one that this kubeadm can use. Up to 1.23 Docker
 * takes precedence over the containerd that it came with, as in kubeadm itself. */
static enum facts_runtime find_runtime(int rootfd, const char *built_for, int minor)
{
	bool containerd = containerd_speaks_cri(rootfd);
	bool dockershim = installed(rootfd, "dockerd") && minor && minor <= DOCKERSHIM_LAST_MINOR;
	bool cri_dockerd = installed(rootfd, "cri-dockerd") && !dockershim;

	if (text_same(built_for, "containerd") && installed(rootfd, "containerd"))
		return FACTS_RUNTIME_CONTAINERD;
	if (text_same(built_for, "docker"))
		containerd = false;
	if (dockershim)
		return FACTS_RUNTIME_DOCKERSHIM;
	if (containerd && cri_dockerd)
		return FACTS_RUNTIME_SEVERAL;
	return containerd ? FACTS_RUNTIME_CONTAINERD : cri_dockerd ? FACTS_RUNTIME_CRI_DOCKERD : FACTS_RUNTIME_NONE;
}

/* The CA is not among them: it may come with the image or the seed. */
static void read_leftovers(int rootfd, struct facts *m)
{
	static const char *const files[] = {
		"/etc/kubernetes/kubelet.conf", "/etc/kubernetes/bootstrap-kubelet.conf",
		"/etc/kubernetes/admin.conf",   "/etc/kubernetes/manifests/kube-apiserver.yaml",
		"/var/lib/etcd/member",         "/var/lib/kubelet/pki/kubelet-client-current.pem",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (file_exists_in(rootfd, files[i] + 1))
			strings_add(&m->leftovers, files[i]);
}

void facts_software(int rootfd, struct facts *m)
{
	static const char *const sockets[] = {
		[FACTS_RUNTIME_CONTAINERD] = "unix:///run/containerd/containerd.sock",
		[FACTS_RUNTIME_DOCKERSHIM] = FACTS_DOCKERSHIM_SOCKET,
		[FACTS_RUNTIME_CRI_DOCKERD] = FACTS_CRI_DOCKERD_SOCKET,
		[FACTS_RUNTIME_SEVERAL] = NULL,
	};
	CLEANUP(json_free_p) struct json *image = read_image(rootfd);

	read_kubeadm(m);
	take_image(image, m);
	m->kubelet = installed(rootfd, "kubelet");
	m->crictl = installed(rootfd, "crictl");
	m->kubectl = installed(rootfd, "kubectl");
	m->nft = installed(rootfd, "nft");
	m->runtime = find_runtime(rootfd, json_get_string(image, "runtime"), m->kubeadm_minor);
	m->cri_socket = xstrdup_or_null(sockets[m->runtime]);
	read_leftovers(rootfd, m);
}
