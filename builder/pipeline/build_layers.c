/* SPDX-License-Identifier: Apache-2.0 */
/* From packages to configured trees: the base, the layers on top of it, and the store of preloaded images. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/chunks.h"
#include "builder/oci/container_images.h"
#include "builder/pipeline/build_layers.h"
#include "builder/progress/progress.h"
#include "builder/sandbox/sandbox.h"
#include "builder/tree/layer_cache.h"
#include "builder/tree/overlayfs.h"
#include "builder/tree/tree.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/log.h"
#include "lib/macro.h"

#define INITRAMFS_CONFIGURATION "etc/initramfs-tools"

/* Layers of packages have a group of the lock; LOCK_GROUPS: none. */
static const struct {
	const char *name;
	enum lock_group group;
	enum tree_initramfs initramfs;
} layers[LAYERS] = {
	[LAYER_BASE] = { "base", LOCK_BASE, INITRAMFS_NEVER },
	[LAYER_VM] = { "vm", LOCK_VM, INITRAMFS_ALWAYS },
	[LAYER_LXC] = { "lxc", LOCK_LXC, INITRAMFS_NEVER },
	[LAYER_EXTRA_VM] = { "extra-vm", LOCK_EXTRA_VM, INITRAMFS_ASKED },
	[LAYER_EXTRA_LXC] = { "extra-lxc", LOCK_EXTRA_LXC, INITRAMFS_NEVER },
	[LAYER_IMAGES] = { "images", LOCK_GROUPS, INITRAMFS_NEVER },
};

enum lock_group build_layer_group(enum build_layer layer)
{
	return layers[layer].group;
}

enum build_layer build_layer_under(enum build_layer layer)
{
	enum lock_group parent = lock_group_parent(layers[layer].group);
	enum build_layer under = 0;

	while (under < LAYERS && (parent == LOCK_GROUPS || layers[under].group != parent))
		under++;
	return under;
}

/* The layer's name in the cache. A layer on top of another may contain whiteouts, whose format depends on the kind of
 * stack. */
static char *layer_name(const struct build *b, enum build_layer layer)
{
	return xasprintf("%s%s", b->layer[layer].key, build_layer_under(layer) < LAYERS ? overlayfs_suffix() : "");
}

/* Output of maintainer scripts is for --verbose. */
static void script_line(void *context UNUSED, const char *line)
{
	log_debug("%s", line);
}

/* Looks for the layer in the cache, and creates its directory. */
static int find(struct build *b, enum build_layer layer, struct error *err)
{
	struct build_tree *t = &b->layer[layer];

	if (!t->wanted)
		return 0;
	CLEANUP(free_p) char *name = layer_name(b, layer), *file = xasprintf("%s.tar.zst", name);
	t->cached = cache_has(&b->cache, "trees", file);
	return scratch_directory(&b->scratch, layers[layer].name, &t->path, err);
}

static int load(struct build *b, enum build_layer layer, struct error *err)
{
	CLEANUP(free_p) char *name = layer_name(b, layer);
	int rc = layer_cache_load(&b->cache, name, b->layer[layer].path, layer == LAYER_BASE ? &b->chunks : NULL, err);

	return rc ? rc
		  : error_set(err, ERROR_FAILED, "the cached tree %s was removed during the build; build again", name);
}

static int unpack(struct build *b, enum build_layer layer, unsigned threads, struct error *err)
{
	enum lock_group group = layers[layer].group;
	struct tree_packages packages = { b->lock.group[group].at, b->lock.group[group].n };
	CLEANUP(free_p) char *phase = xasprintf("unpack-%s", layers[layer].name);

	progress_begin(phase, "%zu packages", packages.n);
	if (tree_unpack(b->layer[layer].path, packages, &b->cache, layer != LAYER_BASE, threads, err) < 0)
		return -1;
	progress_end(phase, "%zu packages", packages.n);
	return 0;
}

int build_layers_configure_base(struct build *b, struct error *err)
{
	struct tree_configure c = { .root = b->layer[LAYER_BASE].path, .line = script_line };

	progress_begin("configure-base", "%zu packages", b->lock.group[LOCK_BASE].n);
	if (tree_configure(&c, err) < 0)
		return -1;
	progress_end("configure-base", "%zu packages", b->lock.group[LOCK_BASE].n);
	return 0;
}

/* Imports into a directory of its own, which is mounted where the runtime keeps its images: the store is a layer, and
 * the base is not changed. */
int build_layers_images(struct build *b, struct error *err)
{
	progress_begin("images", "%zu archives", b->archives.n);
	if (container_images_preload(b->layer[LAYER_BASE].path, b->recipe.runtime, b->layer[LAYER_IMAGES].path,
				     &b->archives, err) < 0)
		return -1;
	progress_end("images", "%zu archives", b->archives.n);
	return 0;
}

int build_layers_unpack(struct build *b, enum build_layer layer, struct error *err)
{
	return unpack(b, layer, layer == LAYER_BASE ? 0 : 1, err);
}

int build_chunks_level(const struct build *b)
{
	const struct recipe *r = &b->recipe;
	bool disk = r->outputs.qcow2 && r->outputs.qcow2_compression == COMPRESSION_ZSTD;

	return disk ? r->outputs.qcow2_level : r->outputs.tarball_level;
}

const struct chunks *build_chunks(const struct build *b, enum compression compression, int level)
{
	return b->chunks && compression == COMPRESSION_ZSTD && chunks_level(b->chunks) == level ? b->chunks : NULL;
}

static int open_chunks_file(const struct build *b, int flags, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s/chunks", b->scratch.path);
	int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 ? error_errno(err, errno, "open %s", path) : fd;
}

int build_chunks_make(struct build *b, struct error *err)
{
	CLEANUP(close_p) int fd = open_chunks_file(b, O_RDWR | O_CREAT | O_EXCL, err);

	progress_begin("compress", "files of both artifacts");
	if (fd < 0 || chunks_make(b->layer[LAYER_BASE].path, build_chunks_level(b), fd, err) < 0)
		return -1;
	progress_end("compress", "files of both artifacts");
	return 0;
}

struct layer_load {
	struct build *build;
	enum build_layer layer;
};

static int load_job(void *loading, struct error *err)
{
	const struct layer_load *l = loading;

	if (load(l->build, l->layer, err) < 0)
		return -1;
	return 0;
}

struct layer_loads {
	struct job job[LAYERS];
};

static void layer_loads_stop(struct layer_loads *loads)
{
	for (enum build_layer layer = 0; layer < LAYERS; layer++)
		job_stop(&loads->job[layer]);
}

/* Loads the base in this process, because its chunks stay open, and the others in parallel. */
static int load_all(struct build *b, struct error *err)
{
	CLEANUP(layer_loads_stop) struct layer_loads loads = { 0 };

	for (enum build_layer layer = LAYER_BASE; layer < LAYERS; layer++) {
		struct layer_load loading = { b, layer };
		if (find(b, layer, err) < 0)
			return -1;
		if (layer != LAYER_BASE && b->layer[layer].cached &&
		    job_start(&loads.job[layer], load_job, &loading, err) < 0)
			return -1;
	}
	if (b->layer[LAYER_BASE].cached && load(b, LAYER_BASE, err) < 0)
		return -1;
	for (enum build_layer layer = LAYER_BASE; layer < LAYERS; layer++)
		if (loads.job[layer].pid && job_wait(&loads.job[layer], err) < 0)
			return -1;
	return 0;
}

int build_layers_base(struct build *b, struct error *err)
{
	if (unpack(b, LAYER_BASE, 0, err) < 0)
		return -1;
	return source_install(&b->recipe, &b->sources, &b->cache, b->layer[LAYER_BASE].path, err);
}

int build_layers_pause_image(struct build *b, const char *root, struct error *err)
{
	const char *version = source_kubernetes_version(&b->lock);

	if (!version)
		return 0;
	return kubernetes_pause_image(root, version, &b->pause_image, err);
}

int build_chunks_open(struct build *b, struct error *err)
{
	if (b->chunks)
		return 0;
	CLEANUP(close_p) int fd = open_chunks_file(b, O_RDONLY, err);
	if (fd < 0)
		return -1;
	return chunks_open(fd, &b->chunks, err);
}

int build_layers_load(struct build *b, struct error *err)
{
	progress_begin("cache", "trees");
	if (load_all(b, err) < 0)
		return -1;
	progress_end("cache", "%s", b->layer[LAYER_BASE].cached ? "trees found" : "no trees yet");
	return 0;
}

int build_layers_save(struct build *b, enum build_layer layer, struct error *err)
{
	struct build_tree *t = &b->layer[layer];
	int level = build_chunks_level(b);
	CLEANUP(free_p) char *phase = xasprintf("save-%s", layers[layer].name), *name = layer_name(b, layer);
	/* The chunks are of the base; other layers have few files in common with it. */
	if (layer == LAYER_BASE && build_chunks_open(b, err) < 0)
		return -1;
	progress_begin(phase, "into the cache");
	if (layer_cache_save(&b->cache, name, t->path, b->started, level, build_chunks(b, COMPRESSION_ZSTD, level),
			     err) < 0)
		return -1;
	progress_end(phase, "into the cache");
	return 0;
}

/* The overlays' configuration of initramfs-tools must be in place before the initramfs is made. */
static int early_overlay(const char *overlay, int rootfd, struct error *err)
{
	CLEANUP(free_p) char *from = xasprintf("%s/" INITRAMFS_CONFIGURATION, overlay);
	CLEANUP(close_p) int fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open directory %s", from);
	return tree_overlay_in(fd, rootfd, INITRAMFS_CONFIGURATION, err) < 0 ? error_wrap(err, "overlay %s", from) : 0;
}

static int early_overlays(struct build *b, const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);

	if (rootfd < 0)
		return -1;
	for (enum set set = SET_BASE; set <= SET_VM; set++)
		for (size_t i = 0; i < b->recipe.overlays[set].n; i++) {
			CLEANUP(free_p) char *path = NULL;
			if (recipe_overlay_path(&b->recipe, b->recipe.overlays[set].at[i], &path, err) < 0 ||
			    early_overlay(path, rootfd, err) < 0)
				return -1;
		}
	return 0;
}

static int configure(struct build *b, enum build_layer layer, const char *root, struct error *err)
{
	CLEANUP(free_p) char *phase = xasprintf("configure-%s", layers[layer].name);
	size_t packages = b->lock.group[layers[layer].group].n;
	struct tree_configure c = { .root = root, .initramfs = layers[layer].initramfs, .line = script_line };

	progress_begin(phase, "%zu packages", packages);
	if (tree_join_status(root, err) < 0 || (layer == LAYER_VM && early_overlays(b, root, err) < 0) ||
	    (packages && tree_configure(&c, err) < 0))
		return -1;
	progress_end(phase, "%zu packages", packages);
	return 0;
}

/* Creates a stack's work and target directories in the scratch directory. Paths are owned by the caller. */
static int make_stack_directories(struct build *b, const char *name, char **ret_work, char **ret_target,
				  struct error *err)
{
	CLEANUP(free_p) char *work_name = xasprintf("%s.work", name);

	if (scratch_directory(&b->scratch, work_name, ret_work, err) < 0)
		return -1;
	return scratch_directory(&b->scratch, name, ret_target, err);
}

/* The trees of top and of all layers below it, in the order of overlayfs.lower; returns their number. */
static size_t trees_down(const struct build *b, enum build_layer top, const char *ret[OVERLAYFS_LOWER_MAX])
{
	size_t n = 0;

	for (enum build_layer layer = top; layer < LAYERS; layer = build_layer_under(layer))
		ret[n++] = b->layer[layer].path;
	return n;
}

int build_layers_configure(struct build *b, enum build_layer layer, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.configure", layers[layer].name);
	CLEANUP(free_p) char *work = NULL;
	CLEANUP(free_p) char *root = NULL;
	struct overlayfs stack = { .upper = b->layer[layer].path };

	for (size_t n = trees_down(b, build_layer_under(layer), stack.lower); n-- > 0;)
		if (tree_adopt(stack.lower[n], stack.upper, err) < 0)
			return -1;
	if (make_stack_directories(b, name, &work, &root, err) < 0)
		return -1;
	stack.work = work, stack.target = root;
	if (overlayfs_open(&stack, err) < 0 || configure(b, layer, root, err) < 0)
		return -1;
	return overlayfs_close(&stack, err);
}

/* The topmost layer of an artifact: the extra packages, if there are any. */
static enum build_layer top_of(const struct build *b, enum build_layer side)
{
	enum build_layer extra = side == LAYER_VM ? LAYER_EXTRA_VM : LAYER_EXTRA_LXC;

	return b->layer[extra].wanted ? extra : side;
}

static int mount_images(const struct build *b, const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);
	const char *store = container_images_store(b->recipe.runtime);

	if (rootfd < 0 || dir_make_in(rootfd, store, 0711, err) < 0)
		return -1;
	return sandbox_mount_bind_in(b->layer[LAYER_IMAGES].path, rootfd, store, err);
}

int build_layers_guest(struct build *b, enum build_layer side, char **ret_root, struct error *err)
{
	CLEANUP(free_p) char *top_name = xasprintf("%s.top", layers[side].name);
	CLEANUP(free_p) char *name = xasprintf("%s.guest", layers[side].name);
	CLEANUP(free_p) char *top = NULL;
	CLEANUP(free_p) char *work = NULL;
	CLEANUP(free_p) char *root = NULL;
	struct overlayfs stack = { 0 };

	if (scratch_directory(&b->scratch, top_name, &top, err) < 0 ||
	    make_stack_directories(b, name, &work, &root, err) < 0)
		return -1;
	trees_down(b, top_of(b, side), stack.lower);
	stack.upper = top, stack.work = work, stack.target = root;
	if (overlayfs_open(&stack, err) < 0)
		return -1;
	if (b->layer[LAYER_IMAGES].wanted && mount_images(b, root, err) < 0)
		return -1;
	*ret_root = TAKE(root);
	return 0;
}
