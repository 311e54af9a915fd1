/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that is fit for everything; each case takes one thing away and names the finding. */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/preflight.h"
#include "lib/file.h"
#include "tests/unit/check.h"

static struct facts fit(void)
{
	return (struct facts){
		.hostname = "cp1",
		.address = "10.0.0.10",
		.kubeadm_version = "v1.28.15",
		.kubeadm_minor = 28,
		.runtime = FACTS_RUNTIME_CONTAINERD,
		.kubelet = true,
		.crictl = true,
		.cgroup2 = true,
		.ip_forward = true,
		.bridge_nf = true,
		.overlay = true,
		.br_netfilter = true,
		.kmsg = true,
		.resolv_conf = true,
		.cpus = 2,
		.memory = 2048ull << 20,
		.clock_known = true,
		.clock_synced = true,
	};
}

static struct findings look(const struct node_config *node, const struct facts *machine, bool again)
{
	struct findings found = { 0 };

	preflight(node, machine, again, &found);
	return found;
}

/* Whether exactly one thing was found, of this kind and name, with this in its sentence. */
static bool is_only(const struct findings *found, enum finding_kind kind, const char *name, const char *piece)
{
	if (found->n == 1 && found->at[0].kind == kind && !strcmp(found->at[0].name, name) &&
	    strstr(found->at[0].sentence, piece))
		return true;
	for (size_t i = 0; i < found->n; i++)
		printf("# %d %s: %s\n", (int)found->at[i].kind, found->at[i].name, found->at[i].sentence);
	printf("# want only %d %s: ...%s...\n", (int)kind, name, piece);
	return false;
}

TEST(preflight_finds_nothing_on_a_good_machine)
{
	struct node_config node = { .role = NODE_INIT };
	struct facts m = fit();
	CLEANUP(findings_done) struct findings found = look(&node, &m, false);

	CHECK(found.n == 0);
}

#define TAKES(test, change, kind, name, piece)                                                                         \
	TEST(test)                                                                                                     \
	{                                                                                                              \
		struct node_config node = { .role = NODE_INIT };                                                       \
		struct facts m = fit();                                                                                \
		change;                                                                                                \
		CLEANUP(findings_done) struct findings found = look(&node, &m, false);                                 \
		CHECK(is_only(&found, kind, name, piece));                                                             \
	}

TAKES(no_kubeadm, m.kubeadm_version = NULL, FINDING_FATAL, "kubeadm", "components.kubernetes")
TAKES(no_kubelet, m.kubelet = false, FINDING_FATAL, "kubelet", "not installed")
TAKES(no_runtime, m.runtime = FACTS_RUNTIME_NONE, FINDING_FATAL, "runtime", "CRI plugin")
TAKES(two_runtimes, m.runtime = FACTS_RUNTIME_SEVERAL, FINDING_FATAL, "runtime", "cri_socket: unix:///run/containerd")
TAKES(an_old_version, node.kubernetes_version = "v1.26.3", FINDING_FATAL, "version", "only 1.27 and 1.28")
TAKES(a_later_version, node.kubernetes_version = "v1.29.0", FINDING_FATAL, "version", "v1.29.0")
TAKES(the_seeds_pki_with_an_old_kubeadm, node.pki.ca = (char *)"PEM", FINDING_FATAL, "pki", "--kubeadm-pki")
TAKES(localhost, m.hostname = "localhost", FINDING_FATAL, "hostname", "node.name")
TAKES(an_upper_case_name, m.hostname = "CP1", FINDING_FATAL, "hostname", "'CP1'")
TAKES(no_name, m.hostname = NULL, FINDING_FATAL, "hostname", "node.name")
TAKES(no_address, m.address = NULL, FINDING_WAIT, "address", "default route")
TAKES(swap, m.swap = true, FINDING_FATAL, "swap", "swapoff -a")
TAKES(no_overlay, m.overlay = false, FINDING_FATAL, "overlay", "modprobe overlay")
TAKES(no_br_netfilter, m.br_netfilter = m.bridge_nf = false, FINDING_FATAL, "br_netfilter", "; run `modprobe")
TAKES(no_bridge_nf, m.bridge_nf = false, FINDING_FATAL, "bridge_nf", "sysctl.d")
TAKES(no_forwarding, m.ip_forward = false, FINDING_FATAL, "ip_forward", "net.ipv4.ip_forward")
TAKES(cgroup1_with_new_kubelet, m.cgroup2 = false;
      m.kubeadm_minor = 35, FINDING_FATAL, "cgroup2", "1.35 starts on v1 only with failCgroupV1: false")
TAKES(a_wrong_clock, m.clock_behind = true, FINDING_WAIT, "clock", "before this image was built")
TAKES(an_unsynchronised_clock, m.clock_synced = false, FINDING_WARNING, "clock", "NTP")
TAKES(one_cpu, m.cpus = 1, FINDING_FATAL, "cpus", "2 CPUs")
TAKES(little_memory, m.memory = 1024ull << 20, FINDING_FATAL, "memory", "1.0 GiB")
TAKES(a_new_kubeadm_leaves_bridges_alone, m.br_netfilter = false;
      m.kubeadm_minor = 34, FINDING_WARNING, "br_netfilter", "modprobe")
TAKES(our_bridge_does_not, m.br_netfilter = false; m.kubeadm_minor = 34;
      node.pod_network = NODE_POD_NETWORK_BRIDGE, FINDING_FATAL, "br_netfilter", "modprobe")

static struct facts in_container(bool unprivileged)
{
	struct facts m = fit();

	m.container = "lxc";
	m.clock_known = false;
	m.user_namespace = unprivileged;
	m.mounts = m.overlays = true;
	return m;
}

/* One thing that a container's host can keep from it; the sentence ends with what to do there. */
#define A_CONTAINER_WITHOUT(test, change, kind, unprivileged_kind, name, piece)                                        \
	TEST(a_container_without_##test)                                                                               \
	{                                                                                                              \
		struct node_config node = { .role = NODE_INIT };                                                       \
		for (int i = 0; i < 2; i++) {                                                                          \
			struct facts m = in_container(i);                                                              \
			change;                                                                                        \
			CLEANUP(findings_done) struct findings found = look(&node, &m, false);                         \
			CHECK(is_only(&found, i ? unprivileged_kind : kind, name, piece));                             \
			CHECK(found.n &&strstr(found.at[0].sentence, "on the PVE host"));                              \
		}                                                                                                      \
	}

static char *two[] = { "vm.overcommit_memory=1", "kernel.panic=10" };

A_CONTAINER_WITHOUT(overlay, m.overlay = m.overlays = false, FINDING_FATAL, FINDING_FATAL, "overlay",
		    "modprobe overlay")
A_CONTAINER_WITHOUT(br_netfilter, m.br_netfilter = false, FINDING_FATAL, FINDING_FATAL, "br_netfilter",
		    "cannot load it")
A_CONTAINER_WITHOUT(nesting, m.mounts = m.overlays = false, FINDING_FATAL, FINDING_FATAL, "nesting",
		    "--features nesting=1")
A_CONTAINER_WITHOUT(a_file_system_for_overlays, m.overlays = false, FINDING_WARNING, FINDING_WARNING, "overlayfs",
		    "ZFS")
A_CONTAINER_WITHOUT(kmsg, m.kmsg = false, FINDING_FATAL, FINDING_WARNING, "kmsg", "/etc/pve/lxc/VMID.conf")
A_CONTAINER_WITHOUT(controllers, m.lacks_controllers = ((struct strings){ (char *[]){ "memory", "pids" }, 2, 0 }),
		    FINDING_FATAL, FINDING_FATAL, "controllers", "memory, pids")
A_CONTAINER_WITHOUT(its_own_swap, m.swap = true, FINDING_WARNING, FINDING_WARNING, "swap", "--swap 0")

A_CONTAINER_WITHOUT(an_lxc_that_knows_runc, m.sysctls_refused = true;
		    m.runc_version = "1.5.1", FINDING_FATAL, FINDING_FATAL, "apparmor", "lxc-pve 6.0.5-2 or later")

TEST(preflight_knows_which_runc_has_its_own_proc)
{
	static const struct {
		const char *version;
		bool refused;
	} cases[] = {
		{ "1.1.15+ds1", false },    { "1.2.7", false }, { "1.2.8", true }, { "1.3.2", false },
		{ "1.3.3-0ubuntu1", true }, { "1.4.0", true },  { "1.5.1", true }, { "2.0.0", true },
		{ "unknown", false },       { NULL, false },
	};
	struct node_config node = { .role = NODE_INIT };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct facts m = in_container(true);
		m.sysctls_refused = true;
		m.runc_version = (char *)cases[i].version;
		CLEANUP(findings_done) struct findings found = look(&node, &m, false);
		if ((found.n == 1) != cases[i].refused)
			printf("# runc %s\n", cases[i].version);
		CHECK((found.n == 1) == cases[i].refused);
	}
}

TEST(preflight_of_a_privileged_container_with_read_only_proc_sys)
{
	struct node_config node = { .role = NODE_INIT };
	struct facts m = in_container(false);
	m.sysctls = (struct strings){ two, 2, 0 };
	CLEANUP(findings_done) struct findings found = look(&node, &m, false);

	CHECK(is_only(&found, FINDING_FATAL, "sysctls",
		      "needs vm.overcommit_memory=1, kernel.panic=10; on the PVE host"));
}

TEST(preflight_of_an_unprivileged_container_needs_a_newer_kubelet)
{
	struct node_config node = { .role = NODE_INIT };
	struct facts m = in_container(true);
	m.sysctls = (struct strings){ two, 2, 0 }; /* which such a kubelet does without */
	m.kubeadm_minor = 21;
	CLEANUP(findings_done) struct findings found = look(&node, &m, false);
	m.kubeadm_minor = 22;
	CLEANUP(findings_done) struct findings newer = look(&node, &m, false);

	CHECK(is_only(&found, FINDING_FATAL, "user_namespace", "Kubernetes 1.22 or later"));
	CHECK(newer.n == 0);
}

TEST(preflight_of_a_complete_container)
{
	struct node_config node = { .role = NODE_INIT };

	for (int i = 0; i < 2; i++) {
		struct facts m = in_container(i);
		CLEANUP(findings_done) struct findings found = look(&node, &m, false);
		CHECK(found.n == 0);
	}
}

TEST(preflight_names_a_missing_resolv_conf)
{
	struct node_config node = { .role = NODE_INIT };
	struct facts vm = fit(), container = fit();

	vm.resolv_conf = container.resolv_conf = false;
	container.container = "lxc";
	container.mounts = container.overlays = true;
	CLEANUP(findings_done) struct findings first = look(&node, &vm, false);
	CLEANUP(findings_done) struct findings second = look(&node, &container, false);
	CHECK(is_only(&first, FINDING_WAIT, "resolv_conf", "systemd-resolved"));
	CHECK(is_only(&second, FINDING_FATAL, "resolv_conf", "pct set VMID --nameserver"));
}

TEST(preflight_ignores_a_missing_kmsg_in_a_vm)
{
	struct node_config node = { .role = NODE_WORKER };
	struct facts m = fit();
	m.kmsg = false;
	CLEANUP(findings_done) struct findings found = look(&node, &m, false);

	CHECK(found.n == 0);
}

TEST(preflight_allows_a_small_worker)
{
	struct node_config node = { .role = NODE_WORKER, .kubernetes_version = "v1.20.2" };
	struct facts m = fit();
	m.cpus = 1;
	m.memory = 512ull << 20;
	CLEANUP(findings_done) struct findings found = look(&node, &m, false);

	CHECK(found.n == 0);
}

TEST(preflight_accepts_a_given_socket)
{
	struct node_config node = { .role = NODE_WORKER, .cri_socket = "unix:///run/cri-dockerd.sock" };
	struct facts m = fit();
	m.runtime = FACTS_RUNTIME_SEVERAL;
	CLEANUP(findings_done) struct findings found = look(&node, &m, false);

	CHECK(found.n == 0);
}

TEST(preflight_ignores_leftovers_of_an_interrupted_run)
{
	struct node_config node = { .role = NODE_INIT };
	struct facts m = fit();
	uint16_t used[] = { 22, 6443, 10250 };
	char *files[] = { "/etc/kubernetes/kubelet.conf" };
	m.ports = (struct facts_ports){ used, ARRAY_SIZE(used), 0 };
	m.leftovers = (struct strings){ files, 1, 0 };
	CLEANUP(findings_done) struct findings first = look(&node, &m, false);
	CLEANUP(findings_done) struct findings again = look(&node, &m, true);
	node.role = NODE_WORKER;
	CLEANUP(findings_done) struct findings worker = look(&node, &m, false);

	CHECK(first.n == 3 && worker.n == 2 && again.n == 0);
	CHECK(first.at[0].kind == FINDING_FATAL && strstr(first.at[0].sentence, "kube-apiserver"));
	CHECK_STR(worker.at[0].name, "ports");
	CHECK_STR(worker.at[1].name, "leftovers");
}

TEST(preflight_ignored_by_either_name_is_a_warning)
{
	static const char *const names[] = { "swap", "Swap", "all" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *ignored[] = { (char *)names[i] };
		struct node_config node = { .role = NODE_WORKER, .ignore_preflight = { ignored, 1, 0 } };
		struct facts m = fit();
		m.swap = true;
		CLEANUP(findings_done) struct findings found = look(&node, &m, false);
		CHECK(is_only(&found, FINDING_WARNING, "swap", "swapoff"));
	}
}

TEST(preflight_reports_an_image_without_coredns)
{
	char *images[] = { "k8s.gcr.io/kube-apiserver:v1.20.2" };
	struct node_config node = { .role = NODE_INIT };
	struct facts m = fit();
	m.images = (struct strings){ images, 1, 0 };
	CLEANUP(findings_done) struct findings found = look(&node, &m, false);

	CHECK(is_only(&found, FINDING_WARNING, "coredns", "manifests"));
}

static int serve(const char *file)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", file);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 1) < 0)
		abort();
	return fd;
}

static bool asks_at(const char *root, const char *cri_socket)
{
	struct error err = { 0 };

	return preflight_runtime(root, cri_socket, &err) == 0;
}

TEST(preflight_runtime_answers_at_its_socket)
{
	char root[] = "/tmp/test_preflight.XXXXXX";
	struct error err = { 0 };

	CHECK(mkdtemp(root));
	CLEANUP(free_p) char *run = xasprintf("%s/run/containerd", root);
	CHECK(dir_make(AT_FDCWD, run, 0755, &err) == 0);
	CLEANUP(free_p) char *containerd = xasprintf("%s/run/containerd/containerd.sock", root);
	CLEANUP(free_p) char *docker = xasprintf("%s/run/docker.sock", root);
	CHECK(!asks_at(root, "unix:///run/containerd/containerd.sock"));
	CLEANUP(close_p) int first = serve(containerd);
	CLEANUP(close_p) int second = serve(docker);
	CHECK(asks_at(root, "unix:///run/containerd/containerd.sock"));
	CHECK(asks_at(root, "/run/containerd/containerd.sock"));
	CHECK(asks_at(root, FACTS_DOCKERSHIM_SOCKET)); /* kubelet's own; Docker is asked */
	close(TAKE_FD(first));
	CHECK(preflight_runtime(root, "unix:///run/containerd/containerd.sock", &err) < 0);
	CHECK(strstr(err.text, "/run/containerd/containerd.sock") && strstr(err.text, "refused"));
	CHECK(preflight_runtime(root, NULL, &err) < 0);
	CHECK(tree_remove(AT_FDCWD, root, &err) == 0);
}
