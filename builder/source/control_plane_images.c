/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/control_plane_images.h"

#include "builder/oci/oci.h"
#include "builder/source/image_layer.h"
#include "builder/source/kubeadm_images.h"
#include "lib/file.h"

/* Paths are those that kubeadm's static pods and its kube-proxy DaemonSet use as commands. */
struct image_part {
	const char *name;    /* in kubeadm's list of images */
	const char *program; /* compiled; NULL: comes from the layer */
	const char *path;    /* in the image */
	bool layer;          /* on the Debian layer */
};

static const struct image_part parts[] = {
	{ "kube-apiserver", "kube-apiserver", "/usr/local/bin/kube-apiserver", false },
	{ "kube-controller-manager", "kube-controller-manager", "/usr/local/bin/kube-controller-manager", false },
	{ "kube-scheduler", "kube-scheduler", "/usr/local/bin/kube-scheduler", false },
	{ "kube-proxy", "kube-proxy", "/usr/local/bin/kube-proxy", true },
	{ "etcd", NULL, "/usr/bin/etcd", true },
	{ "pause", "pause", "/pause", false },
};

/* What the layer's programs are from (package_request.c adds it to the lock). */
static const char *const layer_packages[] = { "etcd-server", "iptables", "ipset", "conntrack", "kmod" };

void control_plane_images_programs(struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].program)
			strings_add(ret, parts[i].program);
}

/* The images, and the storage that they point to. */
struct image_pack {
	struct oci_image image[ARRAY_SIZE(parts)];
	char *program[ARRAY_SIZE(parts)]; /* owned */
	const char *entrypoint[ARRAY_SIZE(parts)][2];
};

static void pack_done(struct image_pack *pack)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		free(pack->program[i]);
}

static int pack_part(const struct control_plane *c, const char *layer, size_t i, struct image_pack *pack,
		     struct error *err)
{
	const struct image_part *part = &parts[i];
	const char *reference = kubeadm_images_find(c->references, part->name);

	if (!reference)
		return error_set(err, ERROR_COMMAND, "`kubeadm config images list` prints no %s image", part->name);
	if (part->program)
		pack->program[i] = xasprintf("%s/%s", c->programs, part->program);
	pack->entrypoint[i][0] = part->path;
	pack->image[i] = (struct oci_image){
		.reference = reference,
		.architecture = c->architecture,
		.base = part->layer ? layer : NULL,
		.base_without = part->layer ? image_layer_unwanted : NULL,
		.program = pack->program[i],
		.program_path = part->path,
		.entrypoint = pack->entrypoint[i],
		.epoch = c->epoch,
	};
	return 0;
}

int control_plane_images_write(const struct control_plane *c, int fd, struct strings *ret, struct error *err)
{
	CLEANUP(free_p) char *layer = xasprintf("%s/layer", c->scratch);
	CLEANUP(free_p) char *layout = xasprintf("%s/layout", c->scratch);
	CLEANUP(pack_done) struct image_pack pack = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (pack_part(c, layer, i, &pack, err) < 0)
			return -1;
	if (image_layer_make(c->lock, c->cache, layer_packages, ARRAY_SIZE(layer_packages), layer, err) < 0 ||
	    dir_make(AT_FDCWD, layout, 0755, err) < 0 || oci_write(pack.image, ARRAY_SIZE(parts), layout, fd, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		strings_add(ret, pack.image[i].reference);
	return 0;
}
