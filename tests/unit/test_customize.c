/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/customize.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/golden.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A recipe with everything, and one with as little as possible. */
struct guest {
	struct recipe recipe;
	struct lock lock;
	struct strings images;
	struct customize customize;
};

static void full_guest(struct guest *g)
{
	*g = (struct guest){
		.recipe = { .name = xstrdup("node"),
			    .warning = xstrdup("Debian 12 is end of life"),
			    .runtime = RUNTIME_CONTAINERD },
		.lock = { .recipe_digest = xstrdup("digest"), .kubernetes_version = xstrdup("1.20.2") },
	};
	vec_push(&g->recipe.components,
		 ((struct component){ .name = xstrdup("kubernetes"), .source = COMPONENT_DEBIAN_SOURCE }));
	strings_add(&g->recipe.units[SET_BASE], "ssh.service");
	strings_add(&g->recipe.units[SET_VM], "cloud-init.service");
	strings_add(&g->recipe.units[SET_LXC], "networking.service");
	strings_add(&g->images, "registry.example/pause:3.2");
	g->customize = (struct customize){ .recipe = &g->recipe,
					   .lock = &g->lock,
					   .images = &g->images,
					   .pause_image = "registry.example/pause:3.2",
					   .key = KEY,
					   .set = SET_VM };
}

static void small_guest(struct guest *g)
{
	*g = (struct guest){ .recipe.name = xstrdup("small"), .lock.recipe_digest = xstrdup("digest") };
	g->customize = (struct customize){
		.recipe = &g->recipe, .lock = &g->lock, .images = &g->images, .key = KEY, .set = SET_LXC
	};
}

static void guest_done(struct guest *g)
{
	recipe_done(&g->recipe);
	lock_done(&g->lock);
	strings_done(&g->images);
}

static char *guest_agent_config(const char *path, const char *allowed)
{
	CLEANUP(guest_done) struct guest g;
	CLEANUP(free_p) char *tree = xasprintf("%s/%s", path, allowed ? allowed : "none");
	CLEANUP(free_p) char *program = xasprintf("/%s/usr/sbin/qemu-ga", allowed ? allowed : "none");
	CLEANUP(free_p) char *config = xasprintf("/%s/etc/qemu/qemu-ga.conf", allowed ? allowed : "none");
	CLEANUP(free_p) char *release = xasprintf("/%s/usr/lib/os-release", allowed ? allowed : "none");
	struct error err = { 0 };

	small_guest(&g);
	if (allowed)
		strings_add(&g.recipe.guest_agent.allow, allowed);
	fake_put(path, program, "");
	fake_put(path, release, "ID=debian\n");
	if (customize_tree(&g.customize, tree, &err) < 0)
		printf("# %s\n", err.text);
	return fake_get(path, config);
}

TEST(customize_blocks_calls_of_the_guest_agent)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *all = guest_agent_config(path, NULL), *file = guest_agent_config(path, "file");
	CHECK(strstr(all, "block-rpcs=guest-exec,") && strstr(all, "guest-file-read") &&
	      strstr(all, "guest-set-user-password"));
	CHECK(strstr(file, "guest-exec,") && !strstr(file, "guest-file-") && strstr(file, "guest-set-user-password"));
	FAKE_ROOT_END();
}

/* An overlay's file stays; with guest_agent.allow it is not clear which one is wanted. */
TEST(customize_keeps_an_overlays_guest_agent)
{
	FAKE_ROOT();
	CLEANUP(guest_done) struct guest g;
	CLEANUP(free_p) char *overlay = xasprintf("%s/overlay", path), *tree = xasprintf("%s/tree", path);

	small_guest(&g);
	strings_add(&g.recipe.overlays[SET_BASE], overlay);
	fake_put(path, "/overlay/etc/qemu/qemu-ga.conf", "[general]\nverbose=1\n");
	fake_put(path, "/tree/usr/sbin/qemu-ga", "");
	fake_put(path, "/tree/usr/lib/os-release", "ID=debian\n");
	CHECK_STR(customize_tree(&g.customize, tree, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *config = fake_get(tree, "/etc/qemu/qemu-ga.conf");
	CHECK_STR(config, "[general]\nverbose=1\n");
	strings_add(&g.recipe.guest_agent.allow, "exec");
	CHECK(customize_tree(&g.customize, tree, &err) < 0 && err.class == ERROR_INPUT &&
	      strstr(err.text, "an overlay has /etc/qemu/qemu-ga.conf"));
	FAKE_ROOT_END();
}

TEST(customize_image_json_golden)
{
	CLEANUP(guest_done) struct guest full, small;

	full_guest(&full);
	small_guest(&small);
	CLEANUP(json_free_p) struct json *a = customize_image_json(&full.customize);
	CLEANUP(json_free_p) struct json *b = customize_image_json(&small.customize);
	CHECK(golden_is_json("tests/golden/image/full.json", a));
	CHECK(golden_is_json("tests/golden/image/small.json", b));
}

/* Components are named with their versions, installed programs, and tags that are not kubeadm's. */
TEST(customize_image_json_of_components)
{
	struct component_program programs[] = { { .name = (char *)"etcdctl", .path = (char *)"/usr/bin/etcdctl" },
						{ .name = (char *)"etcd" } };
	struct component etcd = { .name = (char *)"etcd" };
	struct source_set sources = { 0 };
	CLEANUP(guest_done) struct guest g;

	small_guest(&g);
	etcd.programs.at = programs, etcd.programs.n = ARRAY_SIZE(programs);
	vec_push(&sources.programs, ((struct source_programs){ .component = &etcd,
							       .version = xstrdup("3.7.1"),
							       .directory = xstrdup("/cache/artifacts/aa") }));
	strings_add(&sources.image_tags, "etcd=3.7.1-0");
	vec_push(&g.lock.components,
		 ((struct lock_component){ .name = xstrdup("kubernetes"), .version = xstrdup("1.37.2") }));
	g.customize.sources = &sources;
	CLEANUP(json_free_p) struct json *image = customize_image_json(&g.customize);
	CHECK(golden_is_json("tests/golden/image/components.json", image));
	source_done(&sources);
}

#define CHECK_FILE(root, name, want)                                                                                   \
	do {                                                                                                           \
		CLEANUP(free_p) char *content_ = fake_get(root, name);                                                 \
		CHECK_STR(content_, want);                                                                             \
	} while (0)

/* Without units and presets nothing runs in the tree. */
TEST(customize_tree_writes_its_files)
{
	CLEANUP(guest_done) struct guest g;
	FAKE_ROOT();

	full_guest(&g);
	for (enum set set = 0; set < SETS; set++)
		strings_done(&g.recipe.units[set]);
	CLEANUP(free_p) char *tree = xasprintf("%s/tree", path);
	CLEANUP(free_p) char *agent = xasprintf("%s/agent", path);
	g.customize.agent = agent;
	strings_addf(&g.recipe.overlays[SET_BASE], "%s/base", path);
	strings_addf(&g.recipe.overlays[SET_VM], "%s/vm", path);
	strings_addf(&g.recipe.overlays[SET_LXC], "%s/lxc", path);
	fake_put(path, "/base/etc/which", "base");
	fake_put(path, "/base/etc/containerd/config.toml", "a = '@PAUSE_IMAGE@'\nb = '@PAUSE_IMAGE@'\n");
	fake_put(path, "/vm/etc/which", "vm");
	fake_put(path, "/lxc/etc/only-lxc", "");
	fake_put(path, "/agent/usr/bin/nodekiln-agent", "agent");
	fake_put(path, "/tree/usr/lib/os-release", "ID=debian");
	CHECK_STR(customize_tree(&g.customize, tree, &err) < 0 ? err.text : "", "");
	CHECK_FILE(tree, "/etc/which", "vm");
	CHECK_FILE(tree, "/usr/bin/nodekiln-agent", "agent");
	CHECK_FILE(tree, "/etc/containerd/config.toml",
		   "a = 'registry.example/pause:3.2'\nb = 'registry.example/pause:3.2'\n");
	CHECK_FILE(tree, "/usr/lib/os-release", "ID=debian\nIMAGE_ID=node\nIMAGE_VERSION=0123456789ab\n");
	CLEANUP(free_p) char *motd = fake_get(tree, "/etc/motd");
	CHECK(text_starts(motd, "\nnodekiln: Debian 12 is end of life\n\nnodekiln: node. ") &&
	      strstr(motd, "Not in this image: "));
	CHECK(!fake_has(tree, "/etc/only-lxc") && fake_has(tree, "/etc/nodekiln/image.json"));
	FAKE_ROOT_END();
}

TEST(customize_tree_without_extras)
{
	CLEANUP(guest_done) struct guest g;
	FAKE_ROOT();

	small_guest(&g);
	fake_put(path, "/usr/lib/os-release", "ID=debian\n");
	fake_put(path, "/etc/containerd/config.toml", "'@PAUSE_IMAGE@'");
	CHECK_STR(customize_tree(&g.customize, path, &err) < 0 ? err.text : "", "");
	CHECK_FILE(path, "/etc/containerd/config.toml", "'@PAUSE_IMAGE@'");
	CHECK_FILE(path, "/usr/lib/os-release", "ID=debian\nIMAGE_ID=small\nIMAGE_VERSION=0123456789ab\n");
	CHECK(!fake_has(path, "/etc/motd"));
	FAKE_ROOT_END();
}

TEST(customize_tree_names_the_overlay)
{
	CLEANUP(guest_done) struct guest g;
	FAKE_ROOT();

	small_guest(&g);
	CLEANUP(free_p) char *overlay = xasprintf("%s/overlay", path);
	strings_add(&g.recipe.overlays[SET_LXC], overlay);
	CHECK(mkdir(overlay, 0755) == 0);
	fake_put(path, "/overlay/usr", "a file in the place of a directory");
	fake_put(path, "/tree/usr/lib/os-release", "ID=debian\n");
	CLEANUP(free_p) char *tree = xasprintf("%s/tree", path);
	CHECK(customize_tree(&g.customize, tree, &err) < 0);
	CHECK(text_starts(err.text, "overlay '") && strstr(err.text, "replace /usr"));
	CHECK(customize_tree(&g.customize, "/nonexistent", &err) < 0);
	FAKE_ROOT_END();
}
