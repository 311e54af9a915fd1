/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The guest as it is: read once from /proc, /sys, /etc and the installed programs. root is the directory that stands for "/"
 * (tests give a fake one; only the address and kubeadm's version come from the running system). What cannot be read is left
 * empty; judging it is preflight's.
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

#define FACTS_DOCKERSHIM_SOCKET "unix:///var/run/dockershim.sock" /* kubelet itself serves it, so it comes last */

/* TCP ports that somebody listens on. */
struct facts_ports {
	uint16_t *at; /* owned */
	size_t n, max;
};

/* All pointers are owned; NULL = could not be read. */
struct facts {
	char *hostname;
	char *uuid;          /* SMBIOS product_uuid in lower case; NULL in containers */
	struct strings macs; /* of the physical-looking cards, lower case */
	char *address;       /* the address that the default route leaves from, IPv4 first */
	char *container;     /* "lxc", ... from PID 1's environment; NULL = a machine */
	bool user_namespace; /* of a container: root here is not root of the host */
	bool mounts,
		overlays; /* of a container: what runc mounts works; so do overlays where the runtime has its layers */
	struct strings
		sysctls; /* of a container: "vm.overcommit_memory=1": kubelet wants it so, and may not set it here */
	struct strings lacks_controllers; /* of a container: cgroup controllers that kubelet needs */
	char *kubeadm_version;            /* "v1.20.2" */
	int kubeadm_minor;                /* 20 */
	enum facts_runtime runtime;       /* by what is installed and what kubeadm can use */
	char *cri_socket;                 /* of that runtime, unix:///... */
	char *node_config_pause_image;    /* what the build configured */
	struct strings images;            /* what the build preloaded */
	bool kubelet, crictl, kubectl;
	bool swap, cgroup2, ip_forward, bridge_nf, overlay, br_netfilter;
	bool kmsg; /* /dev/kmsg can be opened */
	unsigned cpus;
	uint64_t memory;                /* bytes */
	bool clock_known, clock_synced; /* timesyncd or chrony; not known in containers */
	bool clock_behind;              /* it is earlier than this image was built */
	struct facts_ports ports;
	struct strings leftovers; /* files that only a node has, e.g. /etc/kubernetes/kubelet.conf */
};

int facts_read(const char *root, struct facts *ret, struct error *err) MUST_CHECK;
/* A control plane is preloaded, but no CoreDNS with it: this image has none (Debian packages none). */
bool facts_lacks_coredns(const struct facts *m);
void facts_done(struct facts *m);
