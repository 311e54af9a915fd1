/* SPDX-License-Identifier: Apache-2.0 */
/* Fake roots: each test starts from the files of a plain VM and changes what it is about. kubeadm is a stub in PATH. */
#include <errno.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/facts.h"
#include "builder/sandbox/seccomp.h"
#include "lib/file.h"
#include "lib/job.h"
#include "tests/unit/check.h"

struct root {
	char *path; /* owned */
	int fd;
};

static const struct {
	const char *path, *text;
} plain[] = {
	{ "proc/sys/kernel/hostname", "cp1\n" },
	{ "proc/1/environ", "HOME=/" },
	{ "proc/self/uid_map", "         0          0 4294967295\n" },
	{ "proc/cpuinfo", "processor\t: 0\nmodel name\t: x\nprocessor\t: 1\n" },
	{ "proc/meminfo", "MemTotal:        2035340 kB\nMemFree:  1 kB\n" },
	{ "proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" },
	{ "proc/filesystems", "nodev\tsysfs\n\text4\nnodev\toverlay\n" },
	{ "proc/sys/net/ipv4/ip_forward", "1\n" },
	{ "proc/sys/net/bridge/bridge-nf-call-iptables", "1\n" },
	{ "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n" },
	{ "sys/class/dmi/id/product_uuid", "8F6D1C3A-0000-4000-8000-00000000000A\n" },
	{ "sys/class/net/eth0/type", "1\n" },
	{ "sys/class/net/eth0/address", "BC:24:11:0A:0B:0C\n" },
	{ "sys/class/net/eth0/device/vendor", "0x1af4\n" },
	{ "sys/class/net/lo/type", "772\n" },
	{ "sys/class/net/lo/address", "00:00:00:00:00:00\n" },
	{ "sys/class/net/cni0/type", "1\n" },
	{ "sys/class/net/cni0/address", "0a:58:0a:f4:00:01\n" },
	{ "sys/class/net/cni0/bridge/bridge_id", "8000\n" },
	{ "dev/kmsg", "" },
	{ "etc/resolv.conf", "nameserver 192.0.2.1\n" },
	{ "run/systemd/timesync/synchronized", "" },
	{ "usr/bin/kubelet", "" },
	{ "usr/bin/kubectl", "" },
	{ "usr/bin/containerd", "" },
	{ "etc/nodekiln/image.json",
	  "{\"runtime\": \"containerd\", \"pause_image\": \"k8s.gcr.io/pause:3.2\", \"images\": "
	  "[\"k8s.gcr.io/kube-apiserver:v1.20.2\", \"k8s.gcr.io/pause:3.2\"]}\n" },
};

static bool put(const struct root *root, const char *path, const char *text)
{
	struct error err = { 0 };

	return file_write_in(root->fd, path, text, strlen(text), 0755, &err) == 0;
}

static void take(const struct root *root, const char *path)
{
	struct error ignored = { 0 };

	CHECK(tree_remove(root->fd, path, &ignored) == 0);
}

/* kubeadm that says this version; none when NULL. */
static bool install_kubeadm(const struct root *root, const char *version)
{
	CLEANUP(free_p) char *program = xasprintf("#!/bin/sh\n[ \"$*\" = \"version -o short\" ] && echo %s\n", version);
	CLEANUP(free_p) char *path = xasprintf("%s/programs", root->path);

	setenv("PATH", path, 1);
	return mkdirat(root->fd, "programs", 0755) == 0 && (!version || put(root, "programs/kubeadm", program));
}

static struct root root_open(const char *kubeadm)
{
	struct root root = { .path = xstrdup("/tmp/test_machine.XXXXXX"), .fd = -1 };
	struct error err = { 0 };

	if (!mkdtemp(root.path) || (root.fd = dir_open(AT_FDCWD, root.path, &err)) < 0 ||
	    !install_kubeadm(&root, kubeadm))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!put(&root, plain[i].path, plain[i].text))
			abort();
	return root;
}

static void root_done(struct root *root)
{
	struct error ignored = { 0 };

	if (tree_remove(AT_FDCWD, root->path, &ignored) < 0)
		printf("# %s\n", ignored.text);
	close_p(&root->fd);
	free(root->path);
}

static bool read_root(const struct root *root, struct facts *ret)
{
	struct error err = { 0 };

	return facts_read(root->path, ret, &err) == 0;
}

TEST(facts_of_a_vm)
{
	CLEANUP(root_done) struct root root = root_open("v1.20.2");
	CLEANUP(facts_done) struct facts m = { 0 };

	CHECK(read_root(&root, &m));
	CHECK_STR(m.hostname, "cp1");
	CHECK_STR(m.uuid, "8f6d1c3a-0000-4000-8000-00000000000a");
	CHECK(!m.container && !m.user_namespace && !m.swap);
	CHECK(m.cpus == 2 && m.memory == 2035340ull * 1024);
	CHECK(m.overlay && m.br_netfilter && m.bridge_nf && m.ip_forward && m.cgroup2 && m.kmsg);
	CHECK(m.clock_known && m.clock_synced && !m.clock_behind);
	CHECK(m.leftovers.n == 0 && m.ports.n == 0);
}

TEST(facts_see_a_dangling_resolv_conf)
{
	CLEANUP(root_done) struct root root = root_open("v1.37.2");
	CLEANUP(facts_done) struct facts before = { 0 };
	CLEANUP(facts_done) struct facts after = { 0 };
	struct error err = { 0 };

	CHECK(facts_read(root.path, &before, &err) == 0 && before.resolv_conf);
	take(&root, "etc/resolv.conf");
	CHECK(symlinkat("/run/systemd/resolve/stub-resolv.conf", root.fd, "etc/resolv.conf") == 0);
	CHECK(facts_read(root.path, &after, &err) == 0 && !after.resolv_conf);
}

TEST(facts_of_images_that_are_newer_than_kubeadms)
{
	CLEANUP(root_done) struct root root = root_open("v1.37.2");
	CLEANUP(facts_done) struct facts m = { 0 };
	struct error err = { 0 };

	CHECK(put(&root, "etc/nodekiln/image.json",
		  "{\"image_tags\": {\"etcd\": \"3.7.1-0\", \"coredns\": \"v1.14.7\"}}"));
	CHECK(put(&root, "usr/sbin/nft", ""));
	CHECK(facts_read(root.path, &m, &err) == 0);
	CHECK_STR(m.etcd_tag, "3.7.1-0");
	CHECK_STR(m.dns_tag, "v1.14.7");
	CHECK(m.nft);
}

TEST(facts_count_physical_cards)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	CLEANUP(facts_done) struct facts m = { 0 };

	CHECK(read_root(&root, &m));
	CHECK(m.macs.n == 1);
	CHECK_STR(m.macs.at[0], "bc:24:11:0a:0b:0c");
}

TEST(facts_of_the_image)
{
	CLEANUP(root_done) struct root root = root_open("v1.20.2");
	CLEANUP(facts_done) struct facts m = { 0 };

	CHECK(read_root(&root, &m));
	CHECK_STR(m.kubeadm_version, "v1.20.2");
	CHECK(m.kubeadm_minor == 20);
	CHECK(m.kubelet && m.kubectl && !m.crictl);
	CHECK(m.runtime == FACTS_RUNTIME_CONTAINERD);
	CHECK_STR(m.cri_socket, "unix:///run/containerd/containerd.sock");
	CHECK_STR(m.pause_image, "k8s.gcr.io/pause:3.2");
	CHECK(m.images.n == 2 && facts_lacks_coredns(&m));
}

TEST(facts_of_an_empty_root)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	CLEANUP(facts_done) struct facts m = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		take(&root, plain[i].path);
	CHECK(read_root(&root, &m));
	CHECK(!m.hostname && !m.uuid && !m.macs.n && !m.kubeadm_version && !m.cri_socket && !m.kubelet);
	CHECK(m.runtime == FACTS_RUNTIME_NONE && !m.cpus && !m.memory && !m.kmsg && !m.clock_behind && !m.cgroup2);
	CHECK(!facts_lacks_coredns(&m));
}

TEST(facts_of_a_container)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	CLEANUP(facts_done) struct facts m = { 0 };
	struct error err = { 0 };
	static const char environment[] = "HOME=/\0container=lxc\0TERM=linux";

	CHECK(file_write_in(root.fd, "proc/1/environ", environment, sizeof environment, 0644, &err) == 0);
	CHECK(put(&root, "proc/self/uid_map", "0 100000 65536\n"));
	CHECK(put(&root, "proc/swaps", "Filename Type Size Used Priority\n/dev/zd0 partition 8388604 0 -2\n"));
	take(&root, "sys/class/net/eth0/device");
	CHECK(put(&root, "sys/class/net/veth12ab/type", "1\n") &&
	      put(&root, "sys/class/net/veth12ab/address", "aa:bb:cc:00:00:01\n"));
	CHECK(read_root(&root, &m));
	CHECK_STR(m.container, "lxc");
	CHECK(m.user_namespace && m.swap && !m.clock_known && !m.uuid);
	CHECK(m.macs.n == 1);
	CHECK_STR(m.macs.at[0], "bc:24:11:0a:0b:0c");
}

/* Only what can be read; what a container may mount is tried, and tests/matrix/lxc.py has hosts that refuse. */
TEST(facts_of_a_restricted_container)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	CLEANUP(facts_done) struct facts m = { 0 };

	CHECK(put(&root, "proc/1/environ", "container=lxc"));
	CHECK(put(&root, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids_not\n"));
	CHECK(put(&root, "proc/sys/vm/overcommit_memory", "1\n") && put(&root, "proc/sys/kernel/panic", "0\n"));
	CHECK(read_root(&root, &m));
	CHECK(m.lacks_controllers.n == 2);
	CHECK_STR(m.lacks_controllers.at[0], "memory");
	CHECK_STR(m.lacks_controllers.at[1], "pids");
	CHECK(m.sysctls.n == 0); /* kubelet can set it itself */
	CHECK(!file_exists_in(root.fd, "var/lib/containerd/.nodekiln-trial"));
	CHECK(geteuid() != 0 || (m.mounts && m.overlays));
}

/* Landlock, like AppArmor with the profiles of older lxc-pve, lets a process write to /proc and not to a procfs that is
 * mounted nowhere. */
static int confine(struct error *err)
{
	struct landlock_ruleset_attr handled = { .handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE };
	CLEANUP(close_p) int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
	CLEANUP(close_p) int top = open("/", O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr all = { .allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE, .parent_fd = top };

	if (rules < 0 || syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &all, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return error_errno(err, errno, "landlock");
	CLEANUP(close_p) int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);
	return fd >= 0 ? 0 : error_errno(err, errno, "open a sysctl in /proc");
}

struct confined {
	const struct root *root;
	bool no_fsopen, no_open_tree; /* which a kernel before 5.2 does not have, or a host forbids */
	bool want;
};

static int read_confined(void *context, struct error *err)
{
	const struct confined *c = context;
	const struct sock_filter filter[] = {
		FILTER_LOOK_AT(nr),
		FILTER_IS(c->no_fsopen ? SYS_fsopen : ~0u, 1, 0),
		FILTER_IS(c->no_open_tree ? SYS_open_tree : ~0u, 0, 1),
		FILTER_ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
		FILTER_ANSWER(SECCOMP_RET_ALLOW),
	};
	CLEANUP(facts_done) struct facts m = { 0 };

	if (confine(err) < 0 || seccomp_install(filter, ARRAY_SIZE(filter), 0, err) < 0 ||
	    facts_read(c->root->path, &m, err) < 0)
		return -1;
	if (m.sysctls_refused == c->want && text_same(m.runc_version, c->want ? "1.3.3-0ubuntu1" : NULL))
		return 0;
	return error_set(err, ERROR_FAILED, "refused: %d, runc: %s", m.sysctls_refused,
			 m.runc_version ? m.runc_version : "none");
}

TEST(facts_of_a_container_whose_host_refuses_runcs_proc)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	struct confined cases[] = {
		{ &root, false, false, true },
		{ &root, true, false, true }, /* a copy of /proc instead */
		{ &root, true, true, false }, /* /proc itself, as runc */
	};
	CLEANUP(facts_done) struct facts vm = { 0 };
	CLEANUP(facts_done) struct facts free = { 0 };

	if (geteuid() != 0 || syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0)
		SKIP("root and Landlock are needed");
	CHECK(put(&root, "programs/runc", "#!/bin/sh\necho runc version 1.3.3-0ubuntu1\necho spec: 1.2.0\n"));
	CHECK(read_root(&root, &vm) && !vm.sysctls_refused && !vm.runc_version);
	CHECK(put(&root, "proc/1/environ", "container=lxc"));
	CHECK(read_root(&root, &free) && !free.sysctls_refused && !free.runc_version);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(job_stop) struct job job = { 0 };
		struct error err = { 0 };
		if (job_start(&job, read_confined, &cases[i], &err) < 0 || job_wait(&job, &err) < 0)
			printf("# case %zu: %s\n", i, err.text);
		CHECK(err.class == ERROR_NONE);
	}
}

TEST(facts_distinguish_runtimes)
{
	static const struct {
		const char *kubeadm, *image, *config;
		bool docker, cri_dockerd, containerd;
		enum facts_runtime want;
	} cases[] = {
		{ "v1.20.2", "{\"runtime\": \"docker\"}", NULL, true, false, true, FACTS_RUNTIME_DOCKERSHIM },
		{ "v1.20.2", NULL, NULL, true, false, true, FACTS_RUNTIME_DOCKERSHIM }, /* kubeadm's own rule */
		{ "v1.20.2", "{\"runtime\": \"containerd\"}", NULL, true, false, true, FACTS_RUNTIME_CONTAINERD },
		{ "v1.34.1", NULL, NULL, true, false, true, FACTS_RUNTIME_CONTAINERD },
		{ "v1.34.1", NULL, NULL, true, true, true, FACTS_RUNTIME_SEVERAL },
		{ "v1.34.1", NULL, "disabled_plugins = [\"cri\"]\n", true, true, true, FACTS_RUNTIME_CRI_DOCKERD },
		{ "v1.34.1", NULL, "disabled_plugins = []\n[plugins.cri]\n", true, true, true, FACTS_RUNTIME_SEVERAL },
		{ "v1.34.1", "{\"runtime\": \"docker\"}", NULL, true, true, true, FACTS_RUNTIME_CRI_DOCKERD },
		{ "v1.34.1", "{\"runtime\": \"docker\"}", NULL, true, false, true, FACTS_RUNTIME_NONE },
		{ "v1.34.1", NULL, NULL, false, false, false, FACTS_RUNTIME_NONE },
		{ "v1.34.1", "not json", NULL, false, false, true, FACTS_RUNTIME_CONTAINERD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(root_done) struct root root = root_open(cases[i].kubeadm);
		CLEANUP(facts_done) struct facts m = { 0 };
		CHECK(put(&root, "etc/nodekiln/image.json", cases[i].image ? cases[i].image : "{}"));
		CHECK(!cases[i].config || put(&root, "etc/containerd/config.toml", cases[i].config));
		CHECK(!cases[i].docker || put(&root, "usr/sbin/dockerd", ""));
		CHECK(!cases[i].cri_dockerd || put(&root, "usr/local/bin/cri-dockerd", ""));
		if (!cases[i].containerd)
			take(&root, "usr/bin/containerd");
		CHECK(read_root(&root, &m));
		if (m.runtime != cases[i].want)
			printf("# case %zu\n", i);
		CHECK(m.runtime == cases[i].want);
		CHECK(!m.cri_socket == (m.runtime == FACTS_RUNTIME_NONE || m.runtime == FACTS_RUNTIME_SEVERAL));
	}
}

TEST(facts_list_ports)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	CLEANUP(facts_done) struct facts m = { 0 };

	CHECK(put(
		&root, "proc/net/tcp",
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		"   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n"
		"   1: 0100007F:280A 0100007F:E1A2 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n"));
	CHECK(put(&root, "proc/net/tcp6",
		  "  sl  local_address                         remote_address                        st\n"
		  "   0: 00000000000000000000000000000000:192B 00000000000000000000000000000000:0000 0A "
		  "00000000:00000000\n"));
	CHECK(read_root(&root, &m));
	CHECK(m.ports.n == 2 && m.ports.at[0] == 22 && m.ports.at[1] == 6443);
}

TEST(facts_list_leftovers_but_no_ca)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	CLEANUP(facts_done) struct facts m = { 0 };

	CHECK(put(&root, "etc/kubernetes/pki/ca.crt", "x") && put(&root, "etc/kubernetes/kubelet.conf", "x"));
	CHECK(read_root(&root, &m));
	CHECK(m.leftovers.n == 1);
	CHECK_STR(m.leftovers.at[0], "/etc/kubernetes/kubelet.conf");
}

TEST(facts_compare_the_clock_with_the_build)
{
	CLEANUP(root_done) struct root root = root_open(NULL);
	CLEANUP(facts_done) struct facts m = { 0 };
	struct timespec future[2] = { { .tv_sec = time(NULL) + 86400 }, { .tv_sec = time(NULL) + 86400 } };

	take(&root, "run/systemd/timesync/synchronized");
	CHECK(utimensat(root.fd, "etc/nodekiln/image.json", future, 0) == 0);
	CHECK(read_root(&root, &m));
	CHECK(m.clock_known && !m.clock_synced && m.clock_behind);
}

TEST(facts_ignore_a_bad_version)
{
	CLEANUP(root_done) struct root root = root_open("unknown");
	CLEANUP(facts_done) struct facts m = { 0 };

	CHECK(read_root(&root, &m));
	CHECK(!m.kubeadm_version && m.kubeadm_minor == 0);
}

TEST(facts_of_this_machine)
{
	CLEANUP(facts_done) struct facts m = { 0 };
	struct error err = { 0 };

	CHECK(facts_read("", &m, &err) == 0);
	CHECK(m.hostname && m.cpus > 0 && m.memory > 0);
	CHECK(!m.address || strpbrk(m.address, ".:"));
}

TEST(facts_need_a_root)
{
	CLEANUP(facts_done) struct facts m = { 0 };
	struct error err = { 0 };

	CHECK(facts_read("/nonexistent/root", &m, &err) < 0 && strstr(err.text, "/nonexistent/root"));
}
