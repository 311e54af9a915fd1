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
	struct cache_want want = { f.name, f.url, f.sha256, 0, false };

	if (sha256_fd(fd, f.sha256, &err) < 0 || cache_fetch(cache, &want, 1, NULL, NULL, &err) < 0)
		printf("# %s\n", err.text);
	return f;
}

TEST(kubernetes_install_binaries_and_units)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct recipe recipe = { .kubernetes.source = KUBERNETES_BINARIES };
	CLEANUP(lock_done) struct lock lock = { 0 };

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
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, &err);
	int rc = kubernetes_install_binaries(&recipe, &w.cache, rootfd, &err);
	if (rc == 0)
		rc = kubernetes_install_units(rootfd, &err);
	CHECK_STR(rc < 0 ? err.text : "", "");
	CLEANUP(free_p)
	char *kubelet = fake_get(root, "/usr/bin/kubelet"), *other = fake_get(root, "/opt/all/bin/other"),
	     *tool = fake_get(root, "/usr/bin/one"), *unit = fake_get(root, KUBELET_UNIT);
	CHECK_STR(kubelet, "program");
	CHECK_STR(other, "other\n");
	CHECK_STR(tool, "tool\n");
	CHECK_STR(unit, "from an archive");
	CHECK(fake_has(root, KUBELET_UNIT ".d/10-kubeadm.conf") && fake_has(root, "/etc/default/kubelet"));
	CHECK(mode_of(root, "/var/lib/kubelet") >= 0 && mode_of(root, "/usr/bin/one") == 0755 &&
	      !fake_has(root, "/usr/bin/tool"));
	recipe.kubernetes.binaries.at[2].member = "bin/none";
	CHECK(kubernetes_install_binaries(&recipe, &w.cache, rootfd, &err) == -1 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "a.tar has no file bin/none"));
	vec_done(&recipe.kubernetes.binaries);
	FAKE_ROOT_END();
}
