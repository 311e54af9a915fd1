/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/kubernetes.h"
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
TEST(kubernetes_artifacts_key_of_each_input)
{
	struct recipe recipe = { .architecture = "amd64", .kubernetes.source = KUBERNETES_DEBIAN_SOURCE };
	CLEANUP(lock_done) struct lock lock = { .kubernetes_version = xstrdup("1.20.2") };
	char keys[7][SHA256_HEX], same[SHA256_HEX];

	kubernetes_artifacts_key(&recipe, &lock, keys[0]);
	recipe.architecture = "arm64";
	kubernetes_artifacts_key(&recipe, &lock, keys[1]);
	lock.kubernetes_version[5] = '3';
	kubernetes_artifacts_key(&recipe, &lock, keys[2]);
	add_source(&lock, "aa");
	kubernetes_artifacts_key(&recipe, &lock, keys[3]);
	add_package(&lock, LOCK_TOOLCHAIN, "gcc");
	kubernetes_artifacts_key(&recipe, &lock, keys[4]);
	add_package(&lock, LOCK_IMAGE, "etcd-server");
	kubernetes_artifacts_key(&recipe, &lock, same);
	CHECK_STR(same, keys[4]); /* no images are made */
	recipe.images.control_plane = true;
	kubernetes_artifacts_key(&recipe, &lock, keys[5]);
	add_package(&lock, LOCK_IMAGE, "iptables");
	kubernetes_artifacts_key(&recipe, &lock, keys[6]);
	for (int i = 0; i < 7; i++)
		for (int k = 0; k < i; k++)
			CHECK(strcmp(keys[i], keys[k]) != 0);
	add_package(&lock, LOCK_BASE, "bash");
	kubernetes_artifacts_key(&recipe, &lock, same);
	CHECK_STR(same, keys[6]);
}

TEST(kubernetes_make_from_cache)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64", .kubernetes.source = KUBERNETES_DEBIAN_SOURCE };
	CLEANUP(lock_done) struct lock lock = { .kubernetes_version = xstrdup("1.20.2") };
	CLEANUP(kubernetes_done) struct kubernetes k = { 0 };
	char key[SHA256_HEX];
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	recipe.images.control_plane = true;
	kubernetes_artifacts_key(&recipe, &lock, key);
	CLEANUP(free_p) char *references = xasprintf("/artifacts/%s/images/references", key);
	fake_put(w.cache.path, references, "k8s.gcr.io/pause:3.2\nk8s.gcr.io/etcd:3.4\n");
	CHECK(kubernetes_make(&recipe, &lock, &w.cache, NULL, NULL, &k, &err) == 0);
	CLEANUP(free_p)
	char *want = xasprintf("%s/artifacts/%s", w.cache.path, key),
	     *archive = xasprintf("%s/images/control-plane.tar", want);
	CHECK_STR(k.artifacts, want);
	CHECK(k.references.n == 2 && k.images.n == 1);
	CHECK_STR(k.references.at[1], "k8s.gcr.io/etcd:3.4");
	CHECK_STR(k.images.at[0], archive);
}

TEST(kubernetes_make_without_source_in_lock)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64", .kubernetes.source = KUBERNETES_DEBIAN_SOURCE };
	CLEANUP(lock_done) struct lock lock = { .kubernetes_version = xstrdup("1.20.2") };
	struct kubernetes k = { 0 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CHECK(kubernetes_make(&recipe, &lock, &w.cache, NULL, NULL, &k, &err) == -1);
	CHECK(strstr(err.text, "no source of Kubernetes") || strstr(err.text, "must be compiled"));
	CHECK(!k.artifacts);
}

TEST(kubernetes_make_fetches_binaries)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .kubernetes.source = KUBERNETES_BINARIES };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct kubernetes k = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	vec_push(&lock.binaries.list, fake_cached(&w.cache, path, "kubelet", "program"));
	CLEANUP(free_p) char *cached = xasprintf("%s/files/%s", w.cache.path, lock.binaries.list.at[0].sha256);
	CHECK(unlink(cached) == 0);
	vec_push(&recipe.kubernetes.binaries, (struct binary){ .url = "u" });
	CHECK(kubernetes_make(&recipe, &lock, &w.cache, NULL, NULL, &k, &err) == 0);
	CHECK(access(cached, F_OK) == 0 && !k.artifacts);
	vec_done(&recipe.kubernetes.binaries);
	FAKE_ROOT_END();
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

TEST(kubernetes_artifacts_make_publishes_programs)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64", .kubernetes.source = KUBERNETES_DEBIAN_SOURCE };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	struct toolchain t = open_toolchain(&w, path, &lock);
	CHECK_STR(kubernetes_artifacts_make(&recipe, &t, "key", &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *kubeadm = fake_get(w.cache.path, "/artifacts/key/bin/kubeadm");
	CHECK_STR(kubeadm, "kubeadm");
	CHECK(fake_has(w.cache.path, "/artifacts/key/bin/kubelet") &&
	      !fake_has(w.cache.path, "/artifacts/key/images/references"));
	text_done(&fake_steps);
	FAKE_ROOT_END();
}

/* kubeadm of the fake lists no image of kube-apiserver: nothing is published. */
TEST(kubernetes_artifacts_make_needs_every_image)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .architecture = "amd64", .kubernetes.source = KUBERNETES_DEBIAN_SOURCE };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	recipe.images.control_plane = true;
	struct toolchain t = open_toolchain(&w, path, &lock);
	CHECK(kubernetes_artifacts_make(&recipe, &t, "key", &err) == -1 && err.class == ERROR_COMMAND);
	CHECK_STR(err.text, "`kubeadm config images list` prints no kube-apiserver image");
	CHECK(!cache_has(&w.cache, "artifacts", "key"));
	text_done(&fake_steps);
	FAKE_ROOT_END();
}
