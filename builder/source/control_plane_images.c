/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/control_plane_images.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/oci/oci.h"
#include "builder/sandbox/sandbox.h"
#include "builder/source/kubernetes_compile.h"
#include "builder/tree/tree.h"
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

static const char *const unwanted_packages[] = {
	"adduser", "debconf",        "dpkg", "init-system-helpers", "lsb-base",
	"passwd",  "sysvinit-utils", "tar",  "usr-is-merged",       "usrmerge"
};
static const char *const unwanted_prefixes[] = { "libaudit",    "libcap-ng", "libcrypt1", "libdb5",
						 "libpam",      "libpcre2",  "libperl",   "libselinux",
						 "libsemanage", "libsepol",  "perl" };

/* Paths of the layer's packages that no program reads. dpkg's status file is kept for image scanners. */
static const char *const unwanted_paths[] = { "usr/share/bash-completion",
					      "usr/share/bug",
					      "usr/share/doc",
					      "usr/share/doc-base",
					      "usr/share/info",
					      "usr/share/initramfs-tools",
					      "usr/share/lintian",
					      "usr/share/locale",
					      "usr/share/man",
					      "usr/lib/x86_64-linux-gnu/gconv",
					      "usr/lib/aarch64-linux-gnu/gconv",
					      "usr/lib/systemd",
					      "lib/systemd",
					      "var/cache",
					      "var/lib/dpkg/info",
					      "etc/init.d",
					      "etc/default",
					      NULL };

/* The links that update-alternatives makes when iptables is configured. The node's iptables uses nft, and both must use the
 * same. */
static const char *const nft_links[] = { "iptables",  "iptables-save",  "iptables-restore",
					 "ip6tables", "ip6tables-save", "ip6tables-restore" };

/* Each program that is called in the layer must start, that is, find its libraries there. */
static char *const layer_checks[][3] = {
	{ "iptables", "--version" },  { "ip6tables-restore", "--version" }, { "ipset", "--help" },
	{ "conntrack", "--version" }, { "modprobe", "--version" },          { "etcd", "--version" },
};

bool control_plane_images_wants(const char *package)
{
	for (size_t i = 0; i < ARRAY_SIZE(unwanted_packages); i++)
		if (!strcmp(package, unwanted_packages[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(unwanted_prefixes); i++)
		if (text_starts(package, unwanted_prefixes[i]))
			return false;
	return true;
}

static int unpack_layer(const struct control_plane *c, const char *tree, struct error *err)
{
	VEC(struct lock_package) wanted = { 0 };

	for (size_t i = 0; i < c->lock->group[LOCK_IMAGE].n; i++)
		if (control_plane_images_wants(c->lock->group[LOCK_IMAGE].at[i].name))
			vec_push(&wanted, c->lock->group[LOCK_IMAGE].at[i]); /* still owned by the lock */
	int rc = tree_unpack(tree, (struct tree_packages){ wanted.at, wanted.n }, c->cache, false, 0, err);
	vec_done(&wanted);
	return rc;
}

static int link_iptables(const char *tree, struct error *err)
{
	CLEANUP(free_p) char *sbin = xasprintf("%s/usr/sbin", tree);
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, sbin, err);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(nft_links); i++)
		if (symlinkat("xtables-nft-multi", fd, nft_links[i]) < 0 && errno != EEXIST)
			return error_errno(err, errno, "link %s/%s", sbin, nft_links[i]);
	return 0;
}

static int check_layer(const char *tree, struct error *err)
{
	struct sandbox sandbox = { .root = tree };

	for (size_t i = 0; i < ARRAY_SIZE(layer_checks); i++)
		if (sandbox_run(&sandbox, &(struct process){ .argv = layer_checks[i] }, err) < 0)
			return error_wrap(err, "the images' Debian layer");
	return 0;
}

/* Called before the sandbox, which would create /tmp with the default mode. */
static int make_tmp(const char *tree, struct error *err)
{
	CLEANUP(free_p) char *tmp = xasprintf("%s/tmp", tree);

	if ((mkdir(tmp, 01777) < 0 && errno != EEXIST) || chmod(tmp, 01777) < 0)
		return error_errno(err, errno, "create %s", tmp);
	return 0;
}

static int make_layer(const struct control_plane *c, const char *tree, struct error *err)
{
	if (dir_make(AT_FDCWD, tree, 0755, err) < 0 || unpack_layer(c, tree, err) < 0 || link_iptables(tree, err) < 0 ||
	    make_tmp(tree, err) < 0)
		return -1;
	return check_layer(tree, err);
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
	const char *reference = kubernetes_compile_reference(c->references, part->name);

	if (!reference)
		return error_set(err, ERROR_COMMAND, "`kubeadm config images list` prints no %s image", part->name);
	if (part->program)
		pack->program[i] = xasprintf("%s/%s", c->programs, part->program);
	pack->entrypoint[i][0] = part->path;
	pack->image[i] = (struct oci_image){
		.reference = reference,
		.architecture = c->architecture,
		.base = part->layer ? layer : NULL,
		.base_without = part->layer ? unwanted_paths : NULL,
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
	if (make_layer(c, layer, err) < 0 || dir_make(AT_FDCWD, layout, 0755, err) < 0 ||
	    oci_write(pack.image, ARRAY_SIZE(parts), layout, fd, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		strings_add(ret, pack.image[i].reference);
	return 0;
}
