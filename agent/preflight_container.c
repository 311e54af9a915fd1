/* SPDX-License-Identifier: Apache-2.0 */
/* A container can do what its host allows, so each row ends with what to do on the Proxmox VE host. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/preflight_internal.h"
#include "agent/profile.h"
#include "lib/alloc.h"

/* Each of the following functions returns a fault, or NULL. */

static char *joined(const struct strings *list, const char *fmt_before)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (!list->n)
		return NULL;
	text_add(&text, fmt_before);
	for (size_t i = 0; i < list->n; i++)
		text_addf(&text, "%s%s", i ? ", " : " ", list->at[i]);
	return text_take(&text);
}

static char *old_kubelet(const struct facts *m)
{
	const struct profile *profile = profile_of(m);

	if (m->kubeadm_minor >= profile->first_minor)
		return NULL;
	return xasprintf("kubelet 1.%d cannot run in an unprivileged container; use Kubernetes 1.%d or later",
			 m->kubeadm_minor, profile->first_minor);
}

static char *no_mounts(const struct facts *m)
{
	return m->mounts ? NULL : xstrdup("no file system can be mounted here, so no container can be started");
}

/* Other versions write to /proc itself, which no profile of lxc-pve refuses. */
static bool runc_has_own_proc(const char *version)
{
	int major, minor, patch;

	if (!version || sscanf(version, "%d.%d.%d", &major, &minor, &patch) != 3)
		return false;
	return major > 1 || minor > 3 || (minor == 3 && patch >= 3) || (minor == 2 && patch >= 8);
}

static char *old_lxc(const struct facts *m)
{
	if (!m->mounts || !m->sysctls_refused || !runc_has_own_proc(m->runc_version))
		return NULL;
	return xasprintf("the host's AppArmor profile does not let runc %s set a pod's sysctls, so no pod starts",
			 m->runc_version);
}

static char *no_overlays(const struct facts *m)
{
	return !m->mounts || !m->overlay || m->overlays
		       ? NULL
		       : xstrdup("no overlay can be mounted over this root's file system (ZFS before 2.2, say), so the "
				 "runtime copies every layer, and the images that came with the template are of no "
				 "use");
}

/* In a user namespace kubelet continues without them (KubeletInUserNamespace). */
static char *other_sysctls(const struct facts *m)
{
	return m->user_namespace
		       ? NULL
		       : joined(&m->sysctls, "/proc/sys is the host's and cannot be written here, and kubelet needs");
}

static char *no_controllers(const struct facts *m)
{
	return joined(&m->lacks_controllers, "these cgroup controllers are missing here, and kubelet needs them:");
}

/* kubelet reads out-of-memory events from it, and exits without it except in a user namespace. */
static char *no_kmsg(const struct facts *m)
{
	return m->kmsg ? NULL : xstrdup("/dev/kmsg cannot be opened, which kubelet needs");
}

static char *swap_in_sight(const struct facts *m)
{
	return m->swap ? xstrdup("the host's swap is visible, so kubelet runs with fail-swap-on=false") : NULL;
}

/* The kind of finding in a privileged container, and in an unprivileged one. */
static const struct {
	const char *name, *kubeadm;
	enum finding_kind kind, unprivileged;
	char *(*wrong)(const struct facts *m); /* returns the first half of the sentence; NULL = no finding */
	const char *remedy;                    /* the second half */
} checks[] = {
	{ "user_namespace", NULL, FINDING_FATAL, FINDING_FATAL, old_kubelet,
	  "or restore it on the PVE host as a privileged one (`pct restore VMID BACKUP --unprivileged 0`)" },
	{ "nesting", NULL, FINDING_FATAL, FINDING_FATAL, no_mounts,
	  "on the PVE host run `pct set VMID --features nesting=1` and start the container again" },
	{ "apparmor", NULL, FINDING_FATAL, FINDING_FATAL, old_lxc,
	  "on the PVE host run `apt update && apt install lxc-pve`, for lxc-pve 6.0.5-2 or later, and start the "
	  "container again" },
	{ "overlayfs", NULL, FINDING_WARNING, FINDING_WARNING, no_overlays,
	  "move its root to a storage with ext4 or XFS (`pct move-volume VMID rootfs STORAGE` on the PVE host)" },
	{ "sysctls", NULL, FINDING_FATAL, FINDING_FATAL, other_sysctls,
	  "on the PVE host put them into /etc/sysctl.d/90-kubelet.conf and run `sysctl --system`" },
	{ "controllers", "SystemVerification", FINDING_FATAL, FINDING_FATAL, no_controllers,
	  "take cgroup_disable= and systemd.unified_cgroup_hierarchy=0 off the kernel's command line on the PVE host" },
	{ "kmsg", NULL, FINDING_FATAL, FINDING_WARNING, no_kmsg,
	  "link it to /dev/null with a tmpfiles.d line (`L /dev/kmsg - - - - /dev/null`), or add "
	  "`lxc.mount.entry: /dev/kmsg dev/kmsg none defaults,bind,create=file` to /etc/pve/lxc/VMID.conf on the PVE "
	  "host" },
	{ "swap", "Swap", FINDING_WARNING, FINDING_WARNING, swap_in_sight,
	  "set its part to nothing with `pct set VMID --swap 0` on the PVE host" },
};

void preflight_container(const struct subject *s, struct findings *ret)
{
	const struct facts *m = s->machine;

	for (size_t i = 0; i < ARRAY_SIZE(checks) && m->container; i++) {
		CLEANUP(free_p) char *wrong = checks[i].wrong(m);
		if (wrong)
			preflight_add(s, ret, m->user_namespace ? checks[i].unprivileged : checks[i].kind,
				      checks[i].name, checks[i].kubeadm, "%s; %s", wrong, checks[i].remedy);
	}
}
