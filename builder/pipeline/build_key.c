/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a build's layers and of the whole build: digests of all inputs, so that equal inputs give equal keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cache/digest.h"
#include "builder/pipeline/build_layers.h"
#include "builder/tree/overlay_survey.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "lib/text.h"

/* Raise it when the same packages result in different trees, or the same trees in different compressed frames: those of
 * a cached layer are copied into the artifacts. */
#define TREE_FORMAT "4"

static int add_file(struct hash *h, const char *path, struct error *err)
{
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char hex[SHA256_HEX];

	if (fd < 0)
		return error_errno(err, errno, "open %s", path);
	if (sha256_fd(fd, hex, err) < 0)
		return error_wrap(err, "%s", path);
	hash_field(h, "sha256", hex);
	return 0;
}

static void add_group(struct hash *h, const struct lock *lock, enum lock_group group)
{
	char hex[SHA256_HEX];

	lock_group_digest(lock, group, hex);
	hash_field(h, lock_group_names[group], hex);
}

/* The name of a program's cache directory, which is a digest of all that it was compiled from. */
static const char *artifacts_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : NULL;
}

/* Compiled programs count by their digest and their paths, downloaded binaries by path and digest. */
static void add_sources(struct hash *h, const struct build *b)
{
	for (size_t i = 0; i < b->sources.programs.n; i++) {
		const struct source_programs *p = &b->sources.programs.at[i];
		hash_field(h, "component", p->component->name);
		hash_field(h, "programs", source_programs_key(p));
		for (size_t k = 0; k < p->component->programs.n; k++)
			hash_field(h, p->component->programs.at[k].name, p->component->programs.at[k].path);
	}
	for (size_t i = 0; i < b->recipe.kubernetes.binaries.n; i++) {
		hash_field(h, "path", b->recipe.kubernetes.binaries.at[i].path);
		hash_field(h, "member", b->recipe.kubernetes.binaries.at[i].member);
		hash_field(h, "sha256", b->recipe.kubernetes.binaries.at[i].sha256);
	}
}

static int add_overlays(struct hash *h, const struct build *b, enum set set, const char *only, struct error *err)
{
	const struct strings *overlays = &b->recipe.overlays[set];

	for (size_t i = 0; i < overlays->n; i++) {
		CLEANUP(free_p) char *path = NULL;
		if (recipe_overlay_path(&b->recipe, overlays->at[i], &path, err) < 0)
			return -1;
		CLEANUP(free_p) char *part = xasprintf("%s/%s", path, only ? only : "");
		if (only && access(part, F_OK) < 0)
			continue;
		/* Its content counts, not its path. */
		hash_field(h, "overlay", NULL);
		if (digest_directory(h, part, err) < 0 || overlay_survey_digest(h, part, err) < 0)
			return error_wrap(err, "overlay '%s'", overlays->at[i]);
	}
	return 0;
}

static struct hash *layer_hash(const char *what, const char *under)
{
	struct hash *h = hash_new();

	hash_field(h, "layer", what);
	hash_field(h, "format", TREE_FORMAT);
	hash_field(h, "under", under);
	return h;
}

static void key_base(struct build *b)
{
	CLEANUP(hash_free_p) struct hash *h = layer_hash("base", NULL);

	add_group(h, &b->lock, LOCK_BASE);
	add_sources(h, b);
	if (recipe_component(&b->recipe, "kubernetes"))
		hash_field(h, "units", source_of_kubernetes(&b->recipe));
	hash_hex(h, b->layer[LAYER_BASE].key);
}

/* The initramfs is part of the vm layer, so its configuration in overlays counts there. */
static int key_sides(struct build *b, struct error *err)
{
	CLEANUP(hash_free_p) struct hash *vm = layer_hash("vm", b->layer[LAYER_BASE].key);
	CLEANUP(hash_free_p) struct hash *lxc = layer_hash("lxc", b->layer[LAYER_BASE].key);

	add_group(vm, &b->lock, LOCK_VM);
	if (add_overlays(vm, b, SET_BASE, "etc/initramfs-tools", err) < 0 ||
	    add_overlays(vm, b, SET_VM, "etc/initramfs-tools", err) < 0)
		return -1;
	hash_hex(vm, b->layer[LAYER_VM].key);
	add_group(lxc, &b->lock, LOCK_LXC);
	hash_hex(lxc, b->layer[LAYER_LXC].key);
	return 0;
}

static void key_extra(struct build *b, enum build_layer extra)
{
	CLEANUP(hash_free_p) struct hash *h = layer_hash("extra", b->layer[build_layer_under(extra)].key);

	add_group(h, &b->lock, build_layer_group(extra));
	hash_hex(h, b->layer[extra].key);
}

/* The store depends on the version of the runtime and on the archives. */
static int key_images(struct build *b, struct error *err)
{
	static const char *const runtimes[] = { "containerd", "containerd.io", "docker.io", "docker-ce" };
	CLEANUP(hash_free_p) struct hash *h = layer_hash("images", runtime_names[b->recipe.runtime]);

	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		const struct lock_package *p = lock_find(&b->lock, LOCK_BASE, runtimes[i]);
		hash_field(h, runtimes[i], p ? p->sha256 : NULL);
	}
	add_sources(h, b);
	if (b->sources.images)
		hash_field(h, "images", artifacts_name(b->sources.images));
	for (size_t i = 0; i < b->recipe.images.archives.n; i++)
		if (add_file(h, b->recipe.images.archives.at[i], err) < 0)
			return error_wrap(err, "images.archives");
	hash_hex(h, b->layer[LAYER_IMAGES].key);
	return 0;
}

/* The whole build: the merged recipe, every layer, every overlay, the agent, and this program. */
static int key_whole(struct build *b, struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	CLEANUP(json_free_p) struct json *recipe = recipe_json(&b->recipe);
	CLEANUP(text_done) struct text text = { 0 };

	json_print(recipe, false, &text);
	hash_field(h, "nodekiln", NODEKILN_VERSION);
	hash_field(h, "recipe", text.data);
	hash_field(h, "epoch", getenv("SOURCE_DATE_EPOCH"));
	for (size_t i = 0; i < LAYERS; i++)
		hash_field(h, "layer", b->layer[i].key);
	for (enum set set = 0; set < SETS; set++)
		if (add_overlays(h, b, set, NULL, err) < 0)
			return -1;
	hash_field(h, "agent", artifacts_name(b->agent));
	if (add_file(h, "/proc/self/exe", err) < 0)
		return -1;
	hash_hex(h, b->key);
	return 0;
}

int build_keys(struct build *b, struct error *err)
{
	key_base(b);
	if (key_sides(b, err) < 0 || key_images(b, err) < 0)
		return -1;
	key_extra(b, LAYER_EXTRA_VM);
	key_extra(b, LAYER_EXTRA_LXC);
	b->layer[LAYER_BASE].wanted = true;
	b->layer[LAYER_VM].wanted = b->recipe.outputs.qcow2;
	b->layer[LAYER_LXC].wanted = b->recipe.outputs.tarball;
	b->layer[LAYER_EXTRA_VM].wanted = b->recipe.outputs.qcow2 && b->lock.group[LOCK_EXTRA_VM].n;
	b->layer[LAYER_EXTRA_LXC].wanted = b->recipe.outputs.tarball && b->lock.group[LOCK_EXTRA_LXC].n;
	b->layer[LAYER_IMAGES].wanted = b->archives.n > 0;
	return key_whole(b, err);
}
