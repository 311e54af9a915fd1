/* SPDX-License-Identifier: Apache-2.0 */
/* Every input changes exactly the keys that depend on it: a field that is missing from a key lets the cache serve a stale tree. */
#include <stdlib.h>
#include <sys/stat.h>

#include "builder/pipeline/build.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* The keys of a build as bits: its layers, and the whole build. */
#define K(layer) (1u << LAYER_##layer)
#define WHOLE (1u << LAYERS)
#define ON_BASE (K(VM) | K(LXC) | K(EXTRA_VM) | K(EXTRA_LXC))

static const struct component kubernetes = { .name = "kubernetes", .source = COMPONENT_DEBIAN_SOURCE };

/* A build with something in every input, and the directory that has its files. */
struct inputs {
	char path[32];
	int dir; /* owned */
	struct build b;
};

static void put(const struct inputs *in, const char *name, const char *text)
{
	struct error err = { 0 };

	if (file_write_in(in->dir, name, text, strlen(text), 0644, &err) < 0)
		abort();
}

static void add_package(struct lock *lock, enum lock_group group, const char *name)
{
	vec_push(&lock->group[group], (struct lock_package){ .name = xstrdup(name),
							     .version = xstrdup("1.0"),
							     .architecture = xstrdup("amd64"),
							     .url = xstrdup("http://mirror.example/x.deb"),
							     .sha256 = xstrdup(HEX_A),
							     .size = 1,
							     .installed = 2 });
}

static void open_inputs(struct inputs *in)
{
	struct error err = { 0 };
	struct recipe *r = &in->b.recipe;

	umask(022); /* modes count */
	*in = (struct inputs){ .path = "/tmp/nodekiln-test.XXXXXX" };
	if (!mkdtemp(in->path) || (in->dir = dir_open(AT_FDCWD, in->path, &err)) < 0 ||
	    recipe_load("tests/golden/plan/full.yaml", r, &err) < 0)
		abort();
	put(in, "base/etc/initramfs-tools/conf.d/a", "a");
	put(in, "base/etc/motd", "hello");
	put(in, "vm/etc/initramfs-tools/conf.d/b", "b");
	put(in, "vm/etc/b", "b");
	put(in, "lxc/etc/initramfs-tools/conf.d/c", "c");
	put(in, "archive.tar", "archive");
	for (enum set set = 0; set < SETS; set++) {
		strings_done(&r->overlays[set]);
		strings_addf(&r->overlays[set], "%s/%s", in->path, set_names[set]);
	}
	strings_done(&r->images.archives);
	strings_addf(&r->images.archives, "%s/archive.tar", in->path);
	vec_push(&r->kubernetes.binaries, (struct binary){ .path = xstrdup("/usr/bin/x"),
							   .member = xstrdup("m"),
							   .url = xstrdup("http://x.example/"),
							   .sha256 = xstrdup(HEX_A) });
	for (enum lock_group g = 0; g < LOCK_GROUPS; g++)
		add_package(&in->b.lock, g, "a");
	add_package(&in->b.lock, LOCK_BASE, "containerd");
	add_package(&in->b.lock, LOCK_BASE, "docker.io");
	vec_push(&in->b.sources.programs,
		 ((struct source_programs){ .component = &kubernetes,
					    .version = xstrdup("1.20.2"),
					    .directory = xstrdup("/cache/artifacts/" HEX_A) }));
	in->b.agent = xstrdup("/cache/artifacts/agent-a");
	r->outputs.qcow2 = r->outputs.tarball = true;
}

static void close_inputs(struct inputs *in)
{
	struct error err = { 0 };

	recipe_done(&in->b.recipe);
	lock_done(&in->b.lock);
	source_done(&in->b.sources);
	strings_done(&in->b.archives);
	free(in->b.agent);
	close_p(&in->dir);
	if (tree_remove(AT_FDCWD, in->path, &err) < 0)
		printf("# %s\n", err.text);
	unsetenv("SOURCE_DATE_EPOCH");
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

static void change_group(struct inputs *in, unsigned group)
{
	set(&in->b.lock.group[group].at[0].sha256, HEX_B);
}

static void change_version(struct inputs *in, unsigned group)
{
	set(&in->b.lock.group[group].at[0].version, "1.1");
}

static void add_to_group(struct inputs *in, unsigned group)
{
	add_package(&in->b.lock, group, "z");
}

/* What a package's sha256 does not depend on: another mirror has the same bytes. */
static void change_url(struct inputs *in, unsigned group)
{
	set(&in->b.lock.group[group].at[0].url, "http://other.example/x.deb");
}

static void change_runtime_package(struct inputs *in, unsigned package)
{
	set(&in->b.lock.group[LOCK_BASE].at[package].sha256, HEX_B);
}

static void change_kubernetes(struct inputs *in, unsigned unused UNUSED)
{
	set(&in->b.sources.programs.at[0].directory, "/cache/artifacts/" HEX_B);
}

static void move_cache(struct inputs *in, unsigned unused UNUSED)
{
	set(&in->b.sources.programs.at[0].directory, "/elsewhere/artifacts/" HEX_A);
	set(&in->b.agent, "/elsewhere/artifacts/agent-a");
}

static void change_agent(struct inputs *in, unsigned unused UNUSED)
{
	set(&in->b.agent, "/cache/artifacts/agent-b");
}

static void change_binary(struct inputs *in, unsigned field)
{
	struct binary *binary = &in->b.recipe.kubernetes.binaries.at[0];
	char **fields[] = { &binary->path, &binary->member, &binary->sha256 };

	set(fields[field], HEX_B);
}

static void change_runtime(struct inputs *in, unsigned unused UNUSED)
{
	in->b.recipe.runtime = in->b.recipe.runtime == RUNTIME_DOCKER ? RUNTIME_CONTAINERD : RUNTIME_DOCKER;
}

static void change_recipe(struct inputs *in, unsigned unused UNUSED)
{
	set(&in->b.recipe.description, "another");
}

static const char *const files[] = { "base/etc/initramfs-tools/conf.d/a",
				     "vm/etc/initramfs-tools/conf.d/b",
				     "lxc/etc/initramfs-tools/conf.d/c",
				     "base/etc/motd",
				     "vm/etc/b",
				     "archive.tar" };

static void change_file(struct inputs *in, unsigned file)
{
	put(in, files[file], "changed");
}

static void make_executable(struct inputs *in, unsigned file)
{
	if (fchmodat(in->dir, files[file], 0755, 0) < 0)
		abort();
}

static void remove_file(struct inputs *in, unsigned file)
{
	struct error err = { 0 };

	if (tree_remove(in->dir, files[file], &err) < 0)
		abort();
}

static void set_epoch(struct inputs *in UNUSED, unsigned unused UNUSED)
{
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
}

static void change_nothing(struct inputs *in UNUSED, unsigned unused UNUSED)
{
}

static const struct {
	const char *name;
	void (*change)(struct inputs *in, unsigned what);
	unsigned what, keys; /* keys: those that differ afterwards */
} changes[] = {
	{ "nothing", change_nothing, 0, 0 },
	{ "a package of base", change_group, LOCK_BASE, K(BASE) | ON_BASE | WHOLE },
	{ "its version", change_version, LOCK_BASE, K(BASE) | ON_BASE | WHOLE },
	{ "one package more in base", add_to_group, LOCK_BASE, K(BASE) | ON_BASE | WHOLE },
	{ "the mirror of a package", change_url, LOCK_BASE, 0 },
	{ "a package of vm", change_group, LOCK_VM, K(VM) | K(EXTRA_VM) | WHOLE },
	{ "a package of lxc", change_group, LOCK_LXC, K(LXC) | K(EXTRA_LXC) | WHOLE },
	{ "an extra package of vm", change_group, LOCK_EXTRA_VM, K(EXTRA_VM) | WHOLE },
	{ "an extra package of lxc", change_group, LOCK_EXTRA_LXC, K(EXTRA_LXC) | WHOLE },
	/* These count through the digests of what was compiled with them. */
	{ "the toolchain", change_group, LOCK_TOOLCHAIN, 0 },
	{ "the packages of control plane images", change_group, LOCK_IMAGE, 0 },
	{ "containerd", change_runtime_package, 1, K(BASE) | ON_BASE | K(IMAGES) | WHOLE },
	{ "docker.io", change_runtime_package, 2, K(BASE) | ON_BASE | K(IMAGES) | WHOLE },
	{ "the runtime", change_runtime, 0, K(IMAGES) | WHOLE },
	{ "Kubernetes", change_kubernetes, 0, K(BASE) | ON_BASE | K(IMAGES) | WHOLE },
	{ "the agent", change_agent, 0, WHOLE },
	{ "the directory of the cache", move_cache, 0, 0 },
	{ "path of a binary", change_binary, 0, K(BASE) | ON_BASE | K(IMAGES) | WHOLE },
	{ "member of a binary", change_binary, 1, K(BASE) | ON_BASE | K(IMAGES) | WHOLE },
	{ "sha256 of a binary", change_binary, 2, K(BASE) | ON_BASE | K(IMAGES) | WHOLE },
	{ "the recipe", change_recipe, 0, WHOLE },
	{ "initramfs-tools of overlay base", change_file, 0, K(VM) | K(EXTRA_VM) | WHOLE },
	{ "initramfs-tools of overlay vm", change_file, 1, K(VM) | K(EXTRA_VM) | WHOLE },
	{ "their mode", make_executable, 1, K(VM) | K(EXTRA_VM) | WHOLE },
	{ "one file less", remove_file, 1, K(VM) | K(EXTRA_VM) | WHOLE },
	{ "initramfs-tools of overlay lxc", change_file, 2, WHOLE },
	{ "another file of overlay base", change_file, 3, WHOLE },
	{ "another file of overlay vm", change_file, 4, WHOLE },
	{ "an archive of images", change_file, 5, K(IMAGES) | WHOLE },
	{ "SOURCE_DATE_EPOCH", set_epoch, 0, WHOLE },
};

static const char *key_of(const struct build *b, unsigned key)
{
	return key < LAYERS ? b->layer[key].key : b->key;
}

/* Bits of the keys that the change has changed. */
static unsigned changed_keys(size_t row, struct error *err)
{
	CLEANUP(close_inputs) struct inputs in;
	unsigned changed = 0;

	open_inputs(&in);
	if (build_keys(&in.b, err) < 0)
		return UINT32_MAX;
	struct build before = in.b;
	changes[row].change(&in, changes[row].what);
	if (build_keys(&in.b, err) < 0)
		return UINT32_MAX;
	for (unsigned key = 0; key <= LAYERS; key++)
		if (strcmp(key_of(&before, key), key_of(&in.b, key)) != 0)
			changed |= 1u << key;
	return changed;
}

TEST(build_keys_depend_on_their_inputs)
{
	for (size_t row = 0; row < ARRAY_SIZE(changes); row++) {
		struct error err = { 0 };
		unsigned changed = changed_keys(row, &err);
		if (changed != changes[row].keys)
			printf("# %s: changes %#x, not %#x %s\n", changes[row].name, changed, changes[row].keys,
			       err.text);
		CHECK(changed == changes[row].keys);
	}
}

TEST(build_keys_differ_from_each_other)
{
	CLEANUP(close_inputs) struct inputs in;
	struct error err = { 0 };

	open_inputs(&in);
	CHECK(build_keys(&in.b, &err) == 0);
	for (unsigned a = 0; a <= LAYERS; a++) {
		CHECK(strlen(key_of(&in.b, a)) == 64);
		for (unsigned b = 0; b < a; b++)
			CHECK(strcmp(key_of(&in.b, a), key_of(&in.b, b)) != 0);
	}
}

TEST(build_keys_say_which_layers_are_wanted)
{
	CLEANUP(close_inputs) struct inputs in;
	struct error err = { 0 };

	open_inputs(&in);
	CHECK(build_keys(&in.b, &err) == 0);
	for (unsigned layer = 0; layer < LAYERS; layer++)
		CHECK(in.b.layer[layer].wanted == (layer != LAYER_IMAGES));
	strings_add(&in.b.archives, "images.tar");
	in.b.recipe.outputs.qcow2 = false;
	CHECK(build_keys(&in.b, &err) == 0);
	CHECK(in.b.layer[LAYER_IMAGES].wanted && in.b.layer[LAYER_BASE].wanted && in.b.layer[LAYER_EXTRA_LXC].wanted);
	CHECK(!in.b.layer[LAYER_VM].wanted && !in.b.layer[LAYER_EXTRA_VM].wanted);
}

TEST(build_keys_need_their_files)
{
	CLEANUP(close_inputs) struct inputs in;
	struct error err = { 0 };

	open_inputs(&in);
	CHECK(tree_remove(in.dir, "archive.tar", &err) == 0);
	CHECK(build_keys(&in.b, &err) < 0 && strstr(err.text, "images.archives: open "));
	put(&in, "archive.tar", "x");
	CHECK(tree_remove(in.dir, "vm", &err) == 0);
	CHECK(build_keys(&in.b, &err) < 0 && strstr(err.text, "/vm"));
}

/* Raise TREE_FORMAT to change them on purpose: every cache has trees of these names. */
TEST(build_keys_of_layers_are_stable)
{
	CLEANUP(close_inputs) struct inputs in;
	struct error err = { 0 };

	open_inputs(&in);
	CHECK(build_keys(&in.b, &err) == 0);
	CHECK_STR(in.b.layer[LAYER_BASE].key, "49c99e8aec31522387c5e194fb850212f3c20691b13be641fe80bfb523d70ed3");
	CHECK_STR(in.b.layer[LAYER_EXTRA_VM].key, "b6bf80833878daeee806c2d742f7b7c52f99a2669e3a29a10e679014914cca0b");
	CHECK_STR(in.b.layer[LAYER_EXTRA_LXC].key, "95d0c2ffcafd682909564ccfa024e610ce87408b8e60d919449f79e7deb6affe");
	CHECK_STR(in.b.layer[LAYER_IMAGES].key, "c1373477fc9adf48bce00cd58f3660ddb172372ece3924453e3c7ab3d86b1169");
}
