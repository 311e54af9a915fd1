/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/component_images.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/own_cache.h"

TEST(component_images_tag_in_the_form_of_kubeadm)
{
	static const char *const rows[][3] = {
		{ "3.7.0-0", "3.7.1", "3.7.1-0" },   { "v1.14.6", "1.14.7", "v1.14.7" },
		{ "3.10.2", "3.10.3", "3.10.3" },    { "v1.14.6", "1.14.6", "v1.14.6" },
		{ "3.6.4-0", "3.6.10", "3.6.10-0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(free_p) char *tag = component_images_tag(rows[i][0], rows[i][1]);
		CHECK_STR(tag, rows[i][2]);
	}
}

TEST(component_images_reference_of_each_kind)
{
	static const struct {
		const char *component, *image, *version, *reference;
		enum component_source source;
	} rows[] = {
		{ "kubernetes", "kube-proxy", "1.37.3", "registry.k8s.io/kube-proxy:v1.37.2", COMPONENT_GO_MODULES },
		{ "pause", "pause", "1", "registry.k8s.io/pause:3.10.2", COMPONENT_C },
		{ "coredns", "coredns", "1.14.7", "registry.k8s.io/coredns/coredns:v1.14.7", COMPONENT_GO_MODULES },
		{ "etcd", "etcd", "3.7.1", "registry.k8s.io/etcd:3.7.1-0", COMPONENT_GO_MODULES },
		{ "kube-vip", "ghcr.io/kube-vip/kube-vip", "1.0.1", "ghcr.io/kube-vip/kube-vip:v1.0.1",
		  COMPONENT_GO_MODULES },
		{ "other", "other", "1.0", NULL, COMPONENT_GO_MODULES },
	};
	CLEANUP(strings_done) struct strings list = { 0 };

	strings_add_all(&list, "registry.k8s.io/kube-proxy:v1.37.2", "registry.k8s.io/coredns/coredns:v1.14.6",
			"registry.k8s.io/pause:3.10.2", "registry.k8s.io/etcd:3.7.0-0", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct component c = { .name = (char *)rows[i].component, .source = rows[i].source };
		struct component_image image = { .name = (char *)rows[i].image };
		CLEANUP(free_p) char *reference = component_images_reference(&c, &image, rows[i].version, &list);
		CHECK(text_same(reference, rows[i].reference));
	}
}

/* A recipe with one component that has one program and one image, and what was compiled for it. */
struct one_image {
	struct recipe recipe;
	struct component_program program;
	struct component_image image;
	struct source_set set;
};

static void make_one(struct one_image *o, const char *image, const char *directory)
{
	struct component c = { .name = (char *)"tiny", .source = COMPONENT_GO_MODULES };

	*o = (struct one_image){ .recipe = { .architecture = (char *)"amd64", .runtime = RUNTIME_CONTAINERD } };
	o->image =
		(struct component_image){ .name = (char *)image, .program = (char *)"tiny", .path = (char *)"/tiny" };
	vec_push(&c.images, o->image);
	vec_push(&o->recipe.components, c);
	vec_push(&o->set.programs, ((struct source_programs){ .component = &o->recipe.components.at[0],
							      .version = xstrdup("1.2.3"),
							      .date = 1700000000,
							      .directory = xstrdup(directory) }));
}

static void one_done(struct one_image *o)
{
	source_done(&o->set);
	vec_done(&o->recipe.components.at[0].images);
	vec_done(&o->recipe.components);
}

TEST(component_images_make_and_find)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct one_image o, again;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_put(path, "/key/bin/tiny", "a program");
	CLEANUP(free_p) char *directory = xasprintf("%s/key", path);
	make_one(&o, "example.org/tiny", directory);
	CHECK_STR(component_images_make(&o.recipe, &lock, &w.cache, &o.set, &err) < 0 ? err.text : "", "");
	CHECK(o.set.archives.n == 1 && o.set.references.n == 1 && o.set.image_tags.n == 0);
	CHECK_STR(o.set.references.at[0], "example.org/tiny:v1.2.3");
	CLEANUP(free_p) char *archive = fake_get("", o.set.archives.at[0]);
	CHECK(archive && strlen(archive) > 0);
	/* Found in the cache: the program is not needed. */
	CLEANUP(free_p) char *program = xasprintf("%s/bin/tiny", directory);
	CHECK(unlink(program) == 0);
	make_one(&again, "example.org/tiny", directory);
	CHECK(component_images_make(&again.recipe, &lock, &w.cache, &again.set, &err) == 0);
	CHECK_STR(again.set.archives.at[0], o.set.archives.at[0]);
	one_done(&again);
	/* No runtime, no images. */
	make_one(&again, "example.org/tiny", directory);
	again.recipe.runtime = RUNTIME_NONE;
	CHECK(component_images_make(&again.recipe, &lock, &w.cache, &again.set, &err) == 0);
	CHECK(!again.set.archives.n && !again.set.images);
	one_done(&again);
	one_done(&o);
	FAKE_ROOT_END();
}

TEST(component_images_make_needs_kubeadm_for_names)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct one_image o;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_put(path, "/key/bin/tiny", "a program");
	CLEANUP(free_p) char *directory = xasprintf("%s/key", path);
	make_one(&o, "tiny", directory);
	CHECK(component_images_make(&o.recipe, &lock, &w.cache, &o.set, &err) == -1 && err.class == ERROR_INPUT);
	CHECK_STR(err.text,
		  "the components' images: component tiny: its image tiny is named by kubeadm, and no kubeadm is "
		  "compiled for this recipe; compile Kubernetes from Go modules, or take tiny from another source");
	one_done(&o);
	FAKE_ROOT_END();
}

/* kubeadm is code of the lock: that which removes itself has removed a copy. */
TEST(component_images_make_keeps_kubeadm)
{
	static const char text[] = "#include <stdio.h>\n#include <unistd.h>\n"
				   "int main(int n, char **argv) { (void)n; puts(\"example.org/tiny:v9\");"
				   " return unlink(argv[0]) < 0; }\n";
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct one_image o;

	if (geteuid() != 0)
		SKIP("only root makes a sandbox here");
	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_put(path, "/kubeadm.c", text);
	fake_put(path, "/key/bin/tiny", "a program");
	CLEANUP(free_p)
	char *command = xasprintf("cc -static -o %s/key/bin/kubeadm %s/kubeadm.c 2>/dev/null", path, path);
	CLEANUP(free_p) char *directory = xasprintf("%s/key", path);
	if (system(command) != 0)
		SKIP("no static program can be linked");
	make_one(&o, "tiny", directory);
	o.recipe.components.at[0].name = (char *)"kubernetes";
	CHECK_STR(component_images_make(&o.recipe, &lock, &w.cache, &o.set, &err) < 0 ? err.text : "", "");
	CHECK(o.set.references.n == 1 && fake_has(path, "/key/bin/kubeadm"));
	CHECK_STR(o.set.references.at[0], "example.org/tiny:v9");
	one_done(&o);
	FAKE_ROOT_END();
}

/* Each input changes the key, and where the cache is does not. */
TEST(component_images_key_of_each_input)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	char keys[5][SHA256_HEX], same[SHA256_HEX];
	struct one_image o;

	make_one(&o, "example.org/tiny", "/cache/artifacts/aa");
	component_images_key(&o.recipe, &lock, &o.set, keys[0]);
	free(o.set.programs.at[0].directory);
	o.set.programs.at[0].directory = xstrdup("/elsewhere/artifacts/aa");
	component_images_key(&o.recipe, &lock, &o.set, same);
	CHECK_STR(same, keys[0]);
	o.set.programs.at[0].directory[strlen("/elsewhere/artifacts/")] = 'b';
	component_images_key(&o.recipe, &lock, &o.set, keys[1]);
	o.recipe.components.at[0].images.at[0].entrypoint = true;
	component_images_key(&o.recipe, &lock, &o.set, keys[2]);
	o.set.programs.at[0].version[0] = '2';
	component_images_key(&o.recipe, &lock, &o.set, keys[3]);
	vec_push(&lock.group[LOCK_IMAGE],
		 ((struct lock_package){ .name = xstrdup("kmod"), .version = xstrdup("1"), .sha256 = xstrdup("s") }));
	component_images_key(&o.recipe, &lock, &o.set, keys[4]);
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(keys[i], keys[k]) != 0);
	one_done(&o);
}
