/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/debian_source.h"
#include "tests/unit/fake_kubernetes.h"

static void add_package(struct lock *lock, enum lock_group group, const char *name)
{
	vec_push(&lock->group[group],
		 (struct lock_package){ .name = xstrdup(name), .version = xstrdup("1"), .sha256 = xstrdup(name) });
}

static void add_source(struct lock *lock, const char *sha256)
{
	struct lock_source source = { .name = xstrdup("kubernetes"), .version = xstrdup("1.20.2-1") };

	vec_push(&source.files.list, ((struct lock_file){ .name = xstrdup("k.dsc"), .sha256 = xstrdup(sha256) }));
	vec_push(&lock->sources, source);
}

/* Each input changes the key of what is compiled, and what is no input does not. */
TEST(debian_source_key_of_each_input)
{
	struct recipe recipe = { .architecture = "amd64" };
	CLEANUP(lock_done) struct lock lock = { .kubernetes_version = xstrdup("1.20.2") };
	char keys[7][SHA256_HEX], same[SHA256_HEX];

	debian_source_key(&recipe, &lock, keys[0]);
	recipe.architecture = "arm64";
	debian_source_key(&recipe, &lock, keys[1]);
	lock.kubernetes_version[5] = '3';
	debian_source_key(&recipe, &lock, keys[2]);
	add_source(&lock, "aa");
	debian_source_key(&recipe, &lock, keys[3]);
	add_package(&lock, LOCK_TOOLCHAIN, "gcc");
	debian_source_key(&recipe, &lock, keys[4]);
	add_package(&lock, LOCK_IMAGE, "etcd-server");
	debian_source_key(&recipe, &lock, same);
	CHECK_STR(same, keys[4]); /* no images are made */
	recipe.images.control_plane = true;
	debian_source_key(&recipe, &lock, keys[5]);
	add_package(&lock, LOCK_IMAGE, "iptables");
	debian_source_key(&recipe, &lock, keys[6]);
	for (int i = 0; i < 7; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(keys[i], keys[k]) != 0);
	add_package(&lock, LOCK_BASE, "bash");
	debian_source_key(&recipe, &lock, same);
	CHECK_STR(same, keys[6]);
}

TEST(debian_source_make_from_cache)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64" };
	struct component c = { .name = "kubernetes", .file = "kubernetes.yaml" };
	CLEANUP(lock_done) struct lock lock = { .kubernetes_version = xstrdup("1.20.2") };
	CLEANUP(strings_done) struct strings archives = { 0 };
	CLEANUP(strings_done) struct strings references = { 0 };
	CLEANUP(free_p) char *directory = NULL, *other = NULL;
	char key[SHA256_HEX];
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	recipe.images.control_plane = true;
	debian_source_key(&recipe, &lock, key);
	CLEANUP(free_p) char *list = xasprintf("/artifacts/%s/images/references", key);
	fake_put(w.cache.path, list, "k8s.gcr.io/pause:3.2\nk8s.gcr.io/etcd:3.4\n");
	CHECK(own_cache_seal(&w, key) == 0);
	CHECK(debian_source_make(&recipe, &c, &lock, &w.cache, NULL, NULL, &directory, &err) == 0);
	CHECK(debian_source_images(&recipe, directory, &archives, &references, &err) == 0);
	CLEANUP(free_p)
	char *want = xasprintf("%s/artifacts/%s", w.cache.path, key),
	     *archive = xasprintf("%s/images/control-plane.tar", want);
	CHECK_STR(directory, want);
	CHECK(references.n == 2 && archives.n == 1);
	CHECK_STR(references.at[1], "k8s.gcr.io/etcd:3.4");
	CHECK_STR(archives.at[0], archive);
	vec_push(&c.programs, ((struct component_program){ .name = "kubelet", .path = "/usr/bin/kubelet" }));
	vec_push(&c.programs, (struct component_program){ .name = "kube-apiserver" });
	CHECK(debian_source_make(&recipe, &c, &lock, &w.cache, NULL, NULL, &other, &err) == 0);
	c.programs.at[1].path = "/usr/bin/kube-apiserver";
	CHECK(debian_source_make(&recipe, &c, &lock, &w.cache, NULL, NULL, &other, &err) == -1);
	CHECK_STR(err.text, "component kubernetes: debian-source installs kubelet, kubeadm and kubectl, not "
			    "kube-apiserver; remove its path in kubernetes.yaml, or choose another source");
	vec_done(&c.programs);
}

TEST(debian_source_make_without_source_in_lock)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64" };
	struct component c = { .name = "kubernetes" };
	CLEANUP(lock_done) struct lock lock = { .kubernetes_version = xstrdup("1.20.2") };
	char *directory = NULL;
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CHECK(debian_source_make(&recipe, &c, &lock, &w.cache, NULL, NULL, &directory, &err) == -1);
	CHECK(strstr(err.text, "no source of Kubernetes") || strstr(err.text, "must be compiled"));
	CHECK(!directory);
}

/* An open toolchain in root, and a lock with the source in the cache. */
static struct toolchain open_toolchain(struct own_cache *w, char *root, struct lock *lock)
{
	struct lock_source source = { .name = xstrdup("kubernetes"), .version = xstrdup("1.20.2-1") };

	vec_push(&source.files.list, fake_cached(&w->cache, root, "kubernetes.dsc", "dsc"));
	vec_push(&lock->sources, source);
	lock->kubernetes_version = xstrdup("1.20.2");
	fake_answer = fake_kubernetes;
	return fake_toolchain(root, lock, &w->cache);
}

TEST(debian_source_compile_publishes_programs)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64" };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	struct toolchain t = open_toolchain(&w, path, &lock);
	CHECK_STR(debian_source_compile(&recipe, &t, "key", &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *kubeadm = fake_get(w.cache.path, "/artifacts/key/bin/kubeadm");
	CHECK_STR(kubeadm, "kubeadm");
	CHECK(fake_has(w.cache.path, "/artifacts/key/bin/kubelet") &&
	      !fake_has(w.cache.path, "/artifacts/key/images/references"));
	text_done(&fake_steps);
	FAKE_ROOT_END();
}

/* kubeadm of the fake lists no image of kube-apiserver: nothing is published. */
TEST(debian_source_compile_needs_every_image)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64" };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	recipe.images.control_plane = true;
	struct toolchain t = open_toolchain(&w, path, &lock);
	CHECK(debian_source_compile(&recipe, &t, "key", &err) == -1 && err.class == ERROR_COMMAND);
	CHECK_STR(err.text, "`kubeadm config images list` prints no kube-apiserver image");
	CHECK(fake_has(path, "/programs/bin/kube-apiserver") && fake_has(path, "/programs/bin/pause"));
	CHECK(!cache_has(&w.cache, "artifacts", "key"));
	text_done(&fake_steps);
	FAKE_ROOT_END();
}
