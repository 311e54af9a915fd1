/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state of the guest, read once from /proc, /sys, /etc and the installed programs. root is the directory
 * used as "/" (tests pass a fake one; only the address and kubeadm's version come from the running system).
 * A field that cannot be read stays empty; preflight decides what that means.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"

enum facts_runtime {
	FACTS_RUNTIME_NONE,
	FACTS_RUNTIME_CONTAINERD,
	FACTS_RUNTIME_DOCKERSHIM,
	FACTS_RUNTIME_CRI_DOCKERD,
	FACTS_RUNTIME_SEVERAL
};

#define FACTS_DOCKERSHIM_SOCKET "unix:///var/run/dockershim.sock" /* kubelet itself serves it, so it appears last */
#define FACTS_CRI_DOCKERD_SOCKET "unix:///run/cri-dockerd.sock"

/* TCP ports in state LISTEN. */
struct facts_ports {
	uint16_t *at; /* owned */
	size_t n, max;
};

/* All pointers are owned; NULL = could not be read. */
struct facts {
	char *hostname;
	char *uuid;          /* SMBIOS product_uuid in lower case; NULL in containers */
	struct strings macs; /* of the physical network cards, in lower case */
	char *address;       /* the source address of the default route, IPv4 first */
	char *container;     /* "lxc", ... from the environment of PID 1; NULL = not a container */
	bool user_namespace; /* of a container: its root is not the host's root */
	/* Of a container. mounts: the mounts that runc makes work; overlays: overlayfs works where the runtime keeps its
	 * layers. */
	bool mounts, overlays;
	/* Of a container: sysctls that kubelet requires and cannot set here, as "vm.overcommit_memory=1". */
	struct strings sysctls;
	/* Of a container: the host's AppArmor refuses what runc does to set a pod's sysctls. Then also runc's version,
	 * "1.5.1". */
	bool sysctls_refused;
	char *runc_version;
	struct strings lacks_controllers; /* of a container: missing cgroup controllers that kubelet needs */
	char *kubeadm_version;            /* "v1.20.2" */
	int kubeadm_minor;                /* 20 */
	enum facts_runtime runtime;       /* chosen by what is installed and what kubeadm can use */
	char *cri_socket;                 /* of that runtime, unix:///... */
	char *pause_image;                /* the pause image that the build configured */
	struct strings images;            /* the images that the build preloaded */
	/* Tags of images that the build preloaded in place of those that kubeadm names; NULL = kubeadm's. */
	char *etcd_tag, *dns_tag;
	bool nft;         /* the program is installed */
	bool resolv_conf; /* there is /etc/resolv.conf, and it is no dangling link */
	bool kubelet, crictl, kubectl;
	bool swap, cgroup2, ip_forward, bridge_nf, overlay, br_netfilter;
	bool kmsg; /* /dev/kmsg can be opened */
	unsigned cpus;
	uint64_t memory;                /* bytes */
	bool clock_known, clock_synced; /* by timesyncd or chrony; unknown in containers */
	bool clock_behind;              /* the clock is earlier than the build of this image */
	struct facts_ports ports;
	struct strings leftovers; /* files that exist only on a node, e.g. /etc/kubernetes/kubelet.conf */
};

int facts_read(const char *root, struct facts *ret, struct error *err) MUST_CHECK;
/* Whether a control plane is preloaded without CoreDNS: this image has none (Debian packages none). */
bool facts_lacks_coredns(const struct facts *m);
void facts_done(struct facts *m);
