/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of kernel and hardware. In a container both belong to the Proxmox VE host, so the sentence then
 * says what to do on the host. preflight_container.c has the checks that apply to containers only. */
#include <string.h>

#include "agent/preflight_internal.h"

#define CONTROL_PLANE_CPUS 2
#define CONTROL_PLANE_MEMORY (1700ull << 20)
#define BRIDGE_CHECK_LAST_MINOR 29 /* later kubeadm does not check bridges */
#define CGROUP1_LAST_MINOR 34      /* later kubelet has failCgroupV1: true by default */

static bool kubelet_accepts_swap(const struct node_config *node)
{
	const char *fail = node_config_pair_value(&node->kubelet_args, "fail-swap-on");

	return fail && !strcmp(fail, "false");
}

static void check_swap(const struct subject *s, struct findings *ret)
{
	if (s->machine->swap && !s->machine->container)
		preflight_add(s, ret, kubelet_accepts_swap(s->node) ? FINDING_WARNING : FINDING_FATAL, "swap", "Swap",
			      "swap is on, and kubelet does not start with it; run `swapoff -a` and remove it from "
			      "/etc/fstab, or set kubelet.extra_args fail-swap-on: \"false\"");
}

#define BRIDGE_CHECK "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables"

static void add_module(const struct subject *s, struct findings *ret, enum finding_kind kind, const char *module,
		       const char *kubeadm)
{
	preflight_add(s, ret, kind, module, kubeadm,
		      "the kernel module %s is not loaded%s run `modprobe %s` and put it in /etc/modules-load.d/",
		      module, s->machine->container ? ", and a container cannot load it; on the PVE host" : ";",
		      module);
}

static void check_modules(const struct subject *s, struct findings *ret)
{
	bool bridged =
		s->machine->kubeadm_minor <= BRIDGE_CHECK_LAST_MINOR || s->node->pod_network == NODE_POD_NETWORK_BRIDGE;

	if (!s->machine->overlay)
		add_module(s, ret, FINDING_FATAL, "overlay", NULL);
	if (!s->machine->br_netfilter)
		add_module(s, ret, bridged ? FINDING_FATAL : FINDING_WARNING, "br_netfilter", BRIDGE_CHECK);
	else if (!s->machine->bridge_nf)
		preflight_add(s, ret, bridged ? FINDING_FATAL : FINDING_WARNING, "bridge_nf", BRIDGE_CHECK,
			      "net.bridge.bridge-nf-call-iptables is not 1, so services do not reach pods on a bridge; "
			      "set it in /etc/sysctl.d/%s",
			      s->machine->container ? " of the PVE host" : "");
}

static void check_forwarding(const struct subject *s, struct findings *ret)
{
	if (!s->machine->ip_forward)
		preflight_add(s, ret, FINDING_FATAL, "ip_forward", "FileContent--proc-sys-net-ipv4-ip_forward",
			      "net.ipv4.ip_forward is not 1, so pods reach no other node; set it in /etc/sysctl.d/");
}

static void check_cgroups(const struct subject *s, struct findings *ret)
{
	if (!s->machine->cgroup2 && s->machine->kubeadm_minor > CGROUP1_LAST_MINOR)
		preflight_add(
			s, ret, FINDING_FATAL, "cgroup2", "SystemVerification",
			"there is no cgroup v2, and kubelet 1.%d starts on v1 only with failCgroupV1: false, by a "
			"patch in kubeadm.patches; %s without systemd.unified_cgroup_hierarchy=0 on the kernel's "
			"command line",
			s->machine->kubeadm_minor, s->machine->container ? "boot the PVE host" : "boot");
}

static void check_clock(const struct subject *s, struct findings *ret)
{
	if (s->machine->clock_behind)
		preflight_add(s, ret, FINDING_WAIT, "clock", NULL,
			      "the clock is wrong: it is before this image was built, so no certificate would be valid "
			      "yet; it needs an NTP server, or the right time on the PVE host");
	else if (s->machine->clock_known && !s->machine->clock_synced)
		preflight_add(
			s, ret, FINDING_WARNING, "clock", NULL,
			"the clock is not synchronised yet; certificates need clocks that agree, so let the guest "
			"reach an NTP server");
}

/* kubelet copies it into every pod, the control plane's included. systemd-resolved writes it in a virtual machine. */
static void check_resolv_conf(const struct subject *s, struct findings *ret)
{
	if (!s->machine->resolv_conf && !node_config_pair_value(&s->node->kubelet_args, "resolv-conf"))
		preflight_add(s, ret, s->machine->container ? FINDING_FATAL : FINDING_WAIT, "resolv_conf", NULL,
			      "there is no /etc/resolv.conf, so kubelet starts no pod; %s",
			      s->machine->container ? "set a DNS server with `pct set VMID --nameserver ADDRESS` on "
						      "the PVE host"
						    : "start systemd-resolved, or write the file");
}

static void check_size(const struct subject *s, struct findings *ret)
{
	const struct facts *m = s->machine;

	if (s->plane && m->cpus && m->cpus < CONTROL_PLANE_CPUS)
		preflight_add(s, ret, FINDING_FATAL, "cpus", "NumCPU",
			      "a control plane needs %d CPUs and this guest has %u; give it more cores",
			      CONTROL_PLANE_CPUS, m->cpus);
	if (s->plane && m->memory && m->memory < CONTROL_PLANE_MEMORY)
		preflight_add(
			s, ret, FINDING_FATAL, "memory", "Mem",
			"a control plane needs %s of memory and this guest has %s; give it more (2048 MB or more)",
			text_bytes(CONTROL_PLANE_MEMORY), text_bytes(m->memory));
}

preflight_check *const preflight_host_checks[] = {
	check_swap,        check_modules, check_forwarding,    check_cgroups, check_clock,
	check_resolv_conf, check_size,    preflight_container, NULL,
};
