/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/debian_source.h"
#include "builder/source/source.h"
#include "tests/unit/fake_toolchain.h"

#define KUBELET_UNIT "/usr/lib/systemd/system/kubelet.service"

static struct component component(const char *name, enum component_source source)
{
	return (struct component){ .name = (char *)name, .source = source };
}

/* Nothing is made for packages; what is compiled must be in the lock. */
TEST(source_make_by_source)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(source_done) struct source_set s = { 0 };
	struct recipe recipe = { .architecture = (char *)"amd64" };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	vec_push(&recipe.components, component("kubernetes", COMPONENT_PACKAGES));
	CHECK(source_make(&recipe, &lock, &w.cache, NULL, NULL, &s, &err) == 0 && s.programs.n == 0);
	CHECK(!source_compiles(&recipe) && !source_has_images(&recipe));
	CHECK_STR(source_of_kubernetes(&recipe), "packages");
	recipe.components.at[0].source = COMPONENT_GO_MODULES;
	CHECK(source_make(&recipe, &lock, &w.cache, NULL, NULL, &s, &err) == -1 && err.class == ERROR_INPUT);
	CHECK_STR(err.text, "the lock has no component kubernetes from Go modules; run `nodekiln lock` again");
	vec_push(&lock.components,
		 ((struct lock_component){
			 .name = xstrdup("kubernetes"), .version = xstrdup("1.37.2"), .source = COMPONENT_PACKAGES }));
	CHECK(source_make(&recipe, &lock, &w.cache, NULL, NULL, &s, &err) == -1 && err.class == ERROR_INPUT);
	CHECK(source_compiles(&recipe));
	CHECK_STR(source_of_kubernetes(&recipe), "go-modules");
	vec_done(&recipe.components);
}

/* Everything is in the cache: the programs are those of the component, and the images are in the archive that was made with
 * them; component_images.c packs none. */
TEST(source_make_debian_source)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { .kubernetes_version = xstrdup("1.20.2") };
	CLEANUP(source_done) struct source_set s = { 0 };
	struct recipe recipe = { .architecture = (char *)"amd64", .runtime = RUNTIME_CONTAINERD };
	struct component kubernetes = component("kubernetes", COMPONENT_DEBIAN_SOURCE);
	struct error err = { 0 };
	char key[SHA256_HEX];

	CHECK(own_cache_open(&w) == 0);
	kubernetes.version = (char *)"1.20";
	vec_push(&kubernetes.images, (struct component_image){ .name = (char *)"kube-proxy" });
	vec_push(&recipe.components, kubernetes);
	recipe.images.control_plane = true;
	vec_push(&lock.components, ((struct lock_component){ .name = xstrdup("kubernetes"),
							     .version = xstrdup("1.20.2"),
							     .source = COMPONENT_DEBIAN_SOURCE }));
	debian_source_key(&recipe, &lock, key);
	CLEANUP(free_p) char *references = xasprintf("/artifacts/%s/images/references", key);
	fake_put(w.cache.path, references, "k8s.gcr.io/pause:3.2\n");
	CHECK(own_cache_seal(&w, key) == 0);
	CHECK_STR(source_make(&recipe, &lock, &w.cache, NULL, NULL, &s, &err) < 0 ? err.text : "", "");
	CHECK(s.programs.n == 1 && s.archives.n == 1 && s.references.n == 1 && !s.images);
	CHECK_STR(source_programs_key(source_programs(&s, "kubernetes")), key);
	CHECK_STR(s.programs.at[0].version, "1.20.2");
	CHECK_STR(source_of_kubernetes(&recipe), "debian-source");
	CHECK(source_compiles(&recipe) && !source_has_images(&recipe));
	vec_done(&recipe.components.at[0].images);
	vec_done(&recipe.components);
}

TEST(source_kubernetes_version_of_lock)
{
	CLEANUP(lock_done) struct lock lock = { 0 };

	CHECK(!source_kubernetes_version(&lock));
	lock.kubernetes_version = xstrdup("1.20.2");
	CHECK_STR(source_kubernetes_version(&lock), "1.20.2");
	vec_push(&lock.components,
		 ((struct lock_component){ .name = xstrdup("kubernetes"), .version = xstrdup("1.37.2") }));
	CHECK_STR(source_kubernetes_version(&lock), "1.37.2");
}

TEST(source_install_programs_and_units)
{
	struct recipe recipe = { 0 };
	struct source_set s = { 0 };
	struct cache cache = { .fd = -1 };
	struct component kubernetes = component("kubernetes", COMPONENT_GO_MODULES);

	FAKE_ROOT();
	CLEANUP(free_p) char *root = xasprintf("%s/root", path);
	fake_put(path, "/aa/bin/kubelet", "kubelet 1.37");
	fake_put(path, "/root/etc/hostname", "node");
	vec_push(&kubernetes.programs,
		 ((struct component_program){ .name = (char *)"kubelet", .path = (char *)"/usr/bin/kubelet" }));
	vec_push(&kubernetes.programs, (struct component_program){ .name = (char *)"kube-apiserver" });
	vec_push(&recipe.components, kubernetes);
	vec_push(&s.programs, ((struct source_programs){ .component = &recipe.components.at[0],
							 .version = xstrdup("1.37.2"),
							 .directory = xasprintf("%s/aa", path) }));
	CHECK_STR(source_programs_key(source_programs(&s, "kubernetes")), "aa");
	CHECK(!source_programs(&s, "etcd"));
	CHECK_STR(source_install(&recipe, &s, &cache, root, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *kubelet = fake_get(root, "/usr/bin/kubelet"), *unit = fake_get(root, KUBELET_UNIT);
	CHECK_STR(kubelet, "kubelet 1.37");
	CHECK(unit && strstr(unit, "\nExecStart=/usr/bin/kubelet\n"));
	CHECK(!fake_has(root, "/usr/bin/kube-apiserver") && fake_has(root, "/etc/default/kubelet"));
	recipe.components.at[0].programs.at[1].path = (char *)"/usr/bin/kube-apiserver";
	CHECK(source_install(&recipe, &s, &cache, root, &err) == -1);
	CHECK(text_starts(err.text, "component kubernetes: open ") && strstr(err.text, "kube-apiserver"));
	source_done(&s);
	vec_done(&recipe.components.at[0].programs);
	vec_done(&recipe.components);
	FAKE_ROOT_END();
}

/* Packages bring the units themselves; a recipe without Kubernetes gets nothing. */
TEST(source_install_packages_and_none)
{
	struct recipe recipe = { .kubernetes.source = KUBERNETES_PACKAGES };
	struct source_set s = { 0 };
	struct cache cache = { .fd = -1 };

	FAKE_ROOT();
	CHECK(source_install(&recipe, &s, &cache, path, &err) == 0 && !fake_has(path, "/usr"));
	recipe.kubernetes.source = KUBERNETES_NONE;
	CHECK(source_install(&recipe, &s, &cache, path, &err) == 0 && !fake_has(path, "/usr"));
	recipe.kubernetes.source = KUBERNETES_BINARIES;
	CHECK(source_install(&recipe, &s, &cache, path, &err) == 0 && fake_has(path, KUBELET_UNIT));
	FAKE_ROOT_END();
}
