/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/kubernetes.h"
#include "tests/unit/fake_toolchain.h"

#define KUBELET_UNIT "/usr/lib/systemd/system/kubelet.service"

static int mode_of(const char *root, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("%s%s", root, name);
	struct stat st;

	return lstat(file, &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

TEST(kubernetes_install_compiled)
{
	struct recipe recipe = { .kubernetes.source = KUBERNETES_DEBIAN_SOURCE };
	struct lock lock = { .kubernetes_version = "1.20.2" };
	struct kubernetes k = { 0 };
	struct cache cache = { .fd = -1 };

	FAKE_ROOT();
	k.artifacts = xasprintf("%s/artifacts", path);
	CLEANUP(free_p) char *root = xasprintf("%s/root", path);
	fake_put(path, "/artifacts/bin/kubelet", "kubelet 1.20");
	fake_put(path, "/artifacts/bin/kubeadm", "kubeadm 1.20");
	fake_put(path, "/root/usr/bin/kubelet", "old");
	CHECK(kubernetes_install(&recipe, &lock, &k, &cache, root, &err) == -1);
	CHECK(text_starts(err.text, "Kubernetes 1.20.2: open ") && strstr(err.text, "bin/kubectl"));
	fake_put(path, "/artifacts/bin/kubectl", "kubectl 1.20");
	mode_t mask = umask(077);
	int rc = kubernetes_install(&recipe, &lock, &k, &cache, root, &err);
	umask(mask);
	CHECK_STR(rc < 0 ? err.text : "", "");
	CLEANUP(free_p) char *kubelet = fake_get(root, "/usr/bin/kubelet"), *unit = fake_get(root, KUBELET_UNIT);
	CHECK_STR(kubelet, "kubelet 1.20");
	CHECK(mode_of(root, "/usr/bin/kubectl") == 0755 && mode_of(root, "/var/lib/kubelet") >= 0);
	CHECK(unit && strstr(unit, "\nExecStart=/usr/bin/kubelet\n"));
	CHECK(fake_has(root, KUBELET_UNIT ".d/10-kubeadm.conf") && fake_has(root, "/etc/default/kubelet"));
	free(k.artifacts);
	FAKE_ROOT_END();
}

/* An archive of bin/tool and bin/other in the fake root. */
static struct lock_file make_archive(struct cache *cache, const char *root)
{
	CLEANUP(free_p)
	char *command = xasprintf(
		"cd %s && mkdir bin && echo tool >bin/tool && echo other >bin/other && tar cf a.tar bin", root);
	CLEANUP(free_p) char *file = xasprintf("%s/a.tar", root);
	struct lock_file f = { .name = xstrdup("a.tar"),
			       .url = xasprintf("file://%s", file),
			       .sha256 = xcalloc(1, SHA256_HEX) };
	CLEANUP(close_p) int fd = system(command) == 0 ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	struct error err = { 0 };
	struct cache_want want = { f.name, f.url, f.sha256, 0 };

	if (sha256_fd(fd, f.sha256, &err) < 0 || cache_fetch(cache, &want, 1, NULL, NULL, &err) < 0)
		printf("# %s\n", err.text);
	return f;
}

TEST(kubernetes_install_binaries)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .kubernetes.source = KUBERNETES_BINARIES };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct kubernetes k = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *root = xasprintf("%s/root", path);
	fake_put(path, "/root" KUBELET_UNIT, "from an archive");
	vec_push(&lock.binaries.list, fake_cached(&w.cache, path, "kubelet", "program"));
	vec_push(&lock.binaries.list, make_archive(&w.cache, path));
	const struct lock_file *f = lock.binaries.list.at;
	struct binary program = { .url = f[0].url, .sha256 = f[0].sha256, .path = "/usr/bin/kubelet" };
	struct binary all = { .url = f[1].url, .sha256 = f[1].sha256, .path = "/opt/all", .archive = true };
	struct binary one = { .url = f[1].url, .sha256 = f[1].sha256, .path = "/usr/bin/one", .member = "bin/tool" };
	vec_push(&recipe.kubernetes.binaries, program);
	vec_push(&recipe.kubernetes.binaries, all);
	vec_push(&recipe.kubernetes.binaries, one);
	int rc = kubernetes_install(&recipe, &lock, &k, &w.cache, root, &err);
	CHECK_STR(rc < 0 ? err.text : "", "");
	CLEANUP(free_p)
	char *kubelet = fake_get(root, "/usr/bin/kubelet"), *other = fake_get(root, "/opt/all/bin/other"),
	     *tool = fake_get(root, "/usr/bin/one"), *unit = fake_get(root, KUBELET_UNIT);
	CHECK_STR(kubelet, "program");
	CHECK_STR(other, "other\n");
	CHECK_STR(tool, "tool\n");
	CHECK_STR(unit, "from an archive");
	CHECK(mode_of(root, "/usr/bin/one") == 0755 && !fake_has(root, "/usr/bin/tool"));
	recipe.kubernetes.binaries.at[2].member = "bin/none";
	CHECK(kubernetes_install(&recipe, &lock, &k, &w.cache, root, &err) == -1 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "a.tar has no file bin/none"));
	vec_done(&recipe.kubernetes.binaries);
	FAKE_ROOT_END();
}

/* Packages bring the units themselves; a recipe without Kubernetes gets nothing. */
TEST(kubernetes_install_packages_and_none)
{
	struct recipe recipe = { .kubernetes.source = KUBERNETES_PACKAGES };
	struct lock lock = { 0 };
	struct kubernetes k = { 0 };
	struct cache cache = { .fd = -1 };

	FAKE_ROOT();
	CHECK(kubernetes_install(&recipe, &lock, &k, &cache, path, &err) == 0 && !fake_has(path, "/usr"));
	recipe.kubernetes.source = KUBERNETES_NONE;
	CHECK(kubernetes_install(&recipe, &lock, &k, &cache, "/nonexistent", &err) == 0);
	FAKE_ROOT_END();
}
