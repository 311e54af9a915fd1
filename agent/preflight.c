/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/preflight.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/kubeadm_pki.h"
#include "agent/preflight_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/validate.h"

#define DOCKER_SOCKET "/run/docker.sock"

static bool is_ignored(const struct node_config *node, const char *name, const char *kubeadm)
{
	const struct strings *ignored = &node->ignore_preflight;

	for (size_t i = 0; i < ignored->n; i++)
		if (!strcasecmp(ignored->at[i], "all") || !strcasecmp(ignored->at[i], name) ||
		    (kubeadm && !strcasecmp(ignored->at[i], kubeadm)))
			return true;
	return false;
}

void preflight_add(const struct subject *s, struct findings *ret, enum finding_kind kind, const char *name,
		   const char *kubeadm, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vec_push(ret, (struct finding){
			      .kind = is_ignored(s->node, name, kubeadm) ? FINDING_WARNING : kind,
			      .name = name,
			      .sentence = xvasprintf(fmt, ap),
		      });
	va_end(ap);
}

static void check_programs(const struct subject *s, struct findings *ret)
{
	if (!s->machine->kubeadm_version)
		preflight_add(s, ret, FINDING_FATAL, "kubeadm", NULL,
			      "kubeadm does not run here; build the image with Kubernetes (recipe key "
			      "components.kubernetes)");
	if (!s->machine->kubelet)
		preflight_add(
			s, ret, FINDING_FATAL, "kubelet", NULL,
			"kubelet is not installed; build the image with Kubernetes (recipe key components.kubernetes)");
}

/* kubeadm supports control planes of its own minor version and of the previous one. */
static void check_version(const struct subject *s, struct findings *ret)
{
	const char *wanted = s->node->kubernetes_version;
	int minor, own = s->machine->kubeadm_minor;

	if (!s->plane || !wanted || !own || sscanf(wanted, "v1.%d", &minor) != 1 || minor == own || minor == own - 1)
		return;
	preflight_add(s, ret, FINDING_FATAL, "version", "KubernetesVersion",
		      "kubernetes_version is %s, but the installed kubeadm %s makes only 1.%d and 1.%d; change it, or "
		      "use an image with that version",
		      wanted, s->machine->kubeadm_version, own - 1, own);
}

/* Older ones make a cluster's PKI themselves, and nodes join by a token. */
static void check_pki(const struct subject *s, struct findings *ret)
{
	int minor = s->machine->kubeadm_minor;

	if (!kubeadm_pki_given(s->node) || !minor || minor >= KUBEADM_PKI_FIRST_MINOR)
		return;
	preflight_add(s, ret, FINDING_FATAL, "pki", NULL,
		      "kubeadm %s cannot use the PKI in this node's seed, which takes 1.%d or later; make the cluster "
		      "with `pki: kubeadm` (deploy) or --kubeadm-pki (seed): that is weaker, since a token that all "
		      "nodes share lets its holder join as any node",
		      s->machine->kubeadm_version, KUBEADM_PKI_FIRST_MINOR);
}

static void check_runtime(const struct subject *s, struct findings *ret)
{
	if (s->node->cri_socket)
		return;
	if (s->machine->runtime == FACTS_RUNTIME_SEVERAL)
		preflight_add(s, ret, FINDING_FATAL, "runtime", "CRI",
			      "both containerd and cri-dockerd are installed; say which one Kubernetes is to use with "
			      "cri_socket: unix:///run/containerd/containerd.sock or unix:///run/cri-dockerd.sock");
	if (s->machine->runtime == FACTS_RUNTIME_NONE)
		preflight_add(s, ret, FINDING_FATAL, "runtime", "CRI",
			      "no container runtime that kubeadm %s can use is installed; it needs containerd with its "
			      "CRI plugin, or Docker (with cri-dockerd from 1.24 on)",
			      s->machine->kubeadm_version ? s->machine->kubeadm_version : "");
}

static void check_name(const struct subject *s, struct findings *ret)
{
	const char *name = s->node->name ? s->node->name : s->machine->hostname ? s->machine->hostname : "";

	if (dns_name_is_valid(name) && strcmp(name, "localhost") != 0 && !text_starts(name, "localhost."))
		return;
	preflight_add(s, ret, FINDING_FATAL, "hostname", "Hostname",
		      "the node would be called '%s', which Kubernetes does not accept or which every machine has; set "
		      "node.name or the guest's host name to a lower-case name of its own",
		      name);
}

static void check_address(const struct subject *s, struct findings *ret)
{
	if (!s->node->ip && !s->machine->address)
		preflight_add(s, ret, FINDING_WAIT, "address", NULL,
			      "the guest has no address with a default route yet; correct its network, or set node.ip");
}

/* The ports that kubeadm's preflight checks as well. */
static void check_ports(const struct subject *s, struct findings *ret)
{
	static const struct {
		uint16_t port;
		bool plane;
		const char *whose;
	} ports[] = {
		{ 6443, true, "kube-apiserver" }, { 10259, true, "kube-scheduler" },
		{ 2379, true, "etcd" },           { 10257, true, "kube-controller-manager" },
		{ 2380, true, "etcd" },           { 10250, false, "kubelet" },
	};
	const struct facts_ports *used = &s->machine->ports;

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		CLEANUP(free_p) char *kubeadm = xasprintf("Port-%u", (unsigned)ports[i].port);
		bool taken = false;
		for (size_t j = 0; j < used->n; j++)
			taken |= used->at[j] == ports[i].port;
		if (taken && (s->plane || !ports[i].plane) && !s->again)
			preflight_add(
				s, ret, FINDING_FATAL, "ports", kubeadm,
				"port %u, which %s needs, is in use; `ss -ltnp` shows the process: stop it, or start "
				"from a new image",
				(unsigned)ports[i].port, ports[i].whose);
	}
}

static void check_leftovers(const struct subject *s, struct findings *ret)
{
	if (s->machine->leftovers.n && !s->again)
		preflight_add(s, ret, FINDING_FATAL, "leftovers", NULL,
			      "%s is here, so this machine has been a node before, and not by this agent; run "
			      "`kubeadm reset`, or start from a new image",
			      s->machine->leftovers.at[0]);
}

static void check_coredns(const struct subject *s, struct findings *ret)
{
	if (s->node->role == NODE_INIT && facts_lacks_coredns(s->machine))
		preflight_add(s, ret, FINDING_WARNING, "coredns", NULL,
			      "this image has no CoreDNS, so the cluster gets none and pods cannot look up service "
			      "names; apply one of your own with `manifests`");
}

static preflight_check *const checks[] = { check_programs, check_version, check_pki,       check_runtime, check_name,
					   check_address,  check_ports,   check_leftovers, check_coredns };

void preflight(const struct node_config *node, const struct facts *machine, bool again, struct findings *ret)
{
	struct subject s = { .node = node, .machine = machine, .again = again, .plane = node->role != NODE_WORKER };

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](&s, ret);
	for (size_t i = 0; preflight_host_checks[i]; i++)
		preflight_host_checks[i](&s, ret);
}

/* dockershim's socket is created by kubelet; before that, Docker itself has to answer. */
static const char *socket_path(const char *cri_socket)
{
	static const char scheme[] = "unix://";

	if (!strcmp(cri_socket, FACTS_DOCKERSHIM_SOCKET))
		return DOCKER_SOCKET;
	return text_starts(cri_socket, scheme) ? cri_socket + strlen(scheme) : cri_socket;
}

/* Through the directory's descriptor, because sun_path is short and the socket must not be outside the root. */
static int connect_below(int rootfd, const char *path)
{
	const char *base;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	CLEANUP(close_p) int dirfd = file_open_parent_in(rootfd, path, false, &base);
	CLEANUP(close_p) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (dirfd < 0 || fd < 0)
		return -1;
	int n = snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/%s", dirfd, base);
	if (n < 0 || (size_t)n >= sizeof to.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return connect(fd, (const struct sockaddr *)&to, sizeof to);
}

int preflight_runtime(const char *root, const char *cri_socket, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);

	if (rootfd < 0)
		return -1;
	if (!cri_socket)
		return error_set(err, ERROR_HOST, "no container runtime: there is no socket to ask");
	if (connect_below(rootfd, socket_path(cri_socket)) == 0)
		return 0;
	return error_errno(err, errno,
			   "the container runtime does not answer at %s (see `systemctl status containerd docker`)",
			   socket_path(cri_socket));
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->at[i].sentence);
	vec_done(f);
}
