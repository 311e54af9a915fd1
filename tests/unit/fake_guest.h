/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The files and programs of a guest that can become a node, in a fake root: kubeadm, kubectl and systemctl are scripts that write
 * their arguments into /calls. /answers has a line for each run of kubeadm that is to fail: its words.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/fake_agent.h"

#define GIVEN "control_plane_endpoint: api.lab:6443\nca_cert_hashes: [\"" HASH "\"]\n"

static const struct {
	const char *path, *text;
} fake_guest_files[] = {
	{ "/etc/hostname", "n1\n" },
	{ "/proc/sys/kernel/hostname", "n1\n" },
	{ "/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" },
	{ "/proc/1/environ", "" },
	{ "/proc/self/uid_map", "         0          0 4294967295\n" },
	{ "/proc/meminfo", "MemTotal:        4000000 kB\n" },
	{ "/proc/sys/net/ipv4/ip_forward", "1\n" },
	{ "/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n" },
	{ "/proc/modules", "overlay 1 0 - Live 0x0\nbr_netfilter 1 0 - Live 0x0\n" },
	{ "/proc/filesystems", "nodev\toverlay\n" },
	{ "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n" },
	{ "/sys/devices/system/cpu/online", "0-1\n" },
	{ "/sys/devices/system/cpu/possible", "0-1\n" },
	{ "/run/systemd/timesync/synchronized", "" },
	{ "/dev/kmsg", "" },
	{ "/etc/resolv.conf", "" },
	{ "/proc/net/tcp", "  sl\n" },
	{ "/proc/net/tcp6", "  sl\n" },
	{ "/usr/bin/containerd", "" },
	{ "/usr/bin/kubelet", "" },
	{ "/etc/containerd/config.toml", "version = 2\n" },
	{ "/etc/nodekiln/image.json", "{\"runtime\": \"containerd\"}" },
	{ "/calls", "" },
	{ "/answers", "" },
};

#define FAKE_CALL "echo \"${0##*/} $*\" >>$root/calls\n"
#define FAKE_KUBEADM                                                                                                   \
	"[ \"$1\" = version ] && { echo v1.34.1; exit 0; }\n" FAKE_CALL "[ \"$1\" = reset ] && exit 0\n"               \
	"words=$(head -n 1 $root/answers); sed -i 1d $root/answers\n"                                                  \
	"[ -n \"$words\" ] && { echo \"$words\" >&2; exit 1; }\n"                                                      \
	"mkdir -p $root/etc/kubernetes/pki\n"                                                                          \
	"cp tests/golden/kubeconfig/kubelet.conf tests/golden/kubeconfig/admin.conf $root/etc/kubernetes\n"            \
	"mkdir -p $root/var/lib/kubelet/pki\n"                                                                         \
	"cat tests/golden/pki/node.crt tests/golden/pki/node.key "                                                     \
	">$root/var/lib/kubelet/pki/kubelet-client-current.pem\n"                                                      \
	"cp tests/golden/pki/ca.crt $root/etc/kubernetes/pki\n"

/* A process that accepts connections at containerd's socket; the caller closes it. */
UNUSED static int fake_runtime(const char *root)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fake_put(root, "/run/containerd/config", "");
	snprintf(at.sun_path, sizeof at.sun_path, "%s/run/containerd/containerd.sock", root);
	unlink(at.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 8) < 0)
		exit(1);
	return fd;
}

UNUSED static void fake_guest_make(const char *root, const char *config)
{
	CLEANUP(free_p) char *node = xasprintf("%s/etc/nodekiln/node.yaml", root);

	for (size_t i = 0; i < ARRAY_SIZE(fake_guest_files); i++)
		fake_put(root, fake_guest_files[i].path, fake_guest_files[i].text);
	fake_program(root, "kubeadm", FAKE_KUBEADM);
	fake_program(root, "kubectl", FAKE_CALL);
	fake_program(root, "systemctl", FAKE_CALL);
	fake_program(root, "crictl", FAKE_CALL);
	fake_program(root, "ip", "exit 0");
	fake_program(root, "iptables", "exit 0");
	fake_program(root, "iptables-restore", "exit 0");
	if (config) {
		CLEANUP(free_p) char *text = xasprintf("cluster: lab\n%s", config);
		fake_put(root, "/etc/nodekiln/node.yaml", text);
		if (chmod(node, 0600) < 0)
			exit(1);
	}
	fake_api.node = FAKE_NODE("True", "KubeletReady");
}

/* What kubeadm leaves on a node that has joined. */
UNUSED static void fake_guest_join(const char *root)
{
	fake_copy(root, "/etc/kubernetes/kubelet.conf", "tests/golden/kubeconfig/kubelet.conf");
	fake_copy(root, "/var/lib/kubelet/pki/kubelet-client-current.pem", "tests/golden/pki/node.crt");
}

/* How often a line of /calls begins so. */
UNUSED static unsigned fake_calls(const char *root, const char *start)
{
	CLEANUP(free_p) char *calls = fake_get(root, "/calls");
	unsigned n = 0;

	for (const char *line = calls; line && *line; line = strchr(line, '\n') + 1)
		n += text_starts(line, start);
	return n;
}
