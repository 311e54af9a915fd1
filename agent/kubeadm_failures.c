/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_error_table.h"

#define CLOCK "this node's clock and the cluster's differ; time synchronisation has to be right on both"
#define CLOCK_TOO ", or this node's clock is wrong"
#define PULL "an image cannot be pulled now: "
#define PRELOAD ", or preload what it needs"
#define SERVER "the API server does not answer yet at the cluster's endpoint"
#define NO_PROXY "; the endpoint's host and the nodes' network belong into no_proxy"
#define RUNTIME "the container runtime does not answer; its journal says why"
#define NO_CRICTL "crictl is not installed, which this kubeadm needs; add it to the image"
#define WEBHOOK                                                                                                        \
	"an admission webhook of the cluster does not answer, so the API server refuses what kubeadm writes; repair "  \
	"what the webhook calls, or delete its configuration"
#define KUBELET "kubelet does not start; `journalctl -u kubelet` says why"
#define PLANE "the control plane does not start; its containers' logs are in /var/log/pods"
#define ETCD "etcd is not healthy on all control planes"
#define ETCD_CA                                                                                                        \
	"etcd's certificates and this node's are not of one authority; /etc/kubernetes/pki/etcd is another cluster's " \
	"or of an earlier node: run `kubeadm reset`, or start from a new image"
#define NO_TLS(what) what " does not speak TLS; correct its address or its port"

#define R KUBEADM_ERROR_RETRY
#define F KUBEADM_ERROR_FATAL
#define C KUBEADM_ERROR_CREDENTIALS

const struct kubeadm_failure kubeadm_failures[] = {
	{ KUBEADM_ANY, KUBEADM_DISK_FULL, F,
	  "the disk is full; give the guest a larger one (root grows by itself at boot)" },
	{ KUBEADM_ANY, KUBEADM_READ_ONLY, F, "the root file system is read-only; `dmesg` says why" },
	{ KUBEADM_ANY, KUBEADM_DISK_ERROR, F, "the disk or its file system has errors; `dmesg` says which" },
	{ KUBEADM_ANY, KUBEADM_NO_MEMORY, R, "this machine has no memory left; give the guest more" },
	{ KUBEADM_ANY, KUBEADM_OTHER_CPU, F, "a program is for another architecture than this machine's" },

	/* A registry. */
	{ KUBEADM_REGISTRY, KUBEADM_UNTRUSTED, F,
	  "the registry is not one that this image trusts; give the image its authority (CA), or preload what it "
	  "needs" },
	{ KUBEADM_REGISTRY, KUBEADM_OTHER_HOST, F,
	  "the registry is not one that this image trusts: its certificate names another host; correct the registry's "
	  "name" PRELOAD },
	{ KUBEADM_REGISTRY, KUBEADM_NOT_ACCEPTED, F,
	  "the registry does not accept this guest's certificate, or wants one; give the container runtime a valid "
	  "one" PRELOAD },
	{ KUBEADM_REGISTRY, KUBEADM_PLAIN, F,
	  "the registry is not one that this image trusts: it does not speak TLS; allow it in the container runtime's "
	  "configuration" PRELOAD },
	{ KUBEADM_REGISTRY, KUBEADM_NO_PROGRAM, F, NO_CRICTL },
	{ KUBEADM_REGISTRY, KUBEADM_REFERENCE, F,
	  "an image's name is not one; correct kubernetes_version or the registry's name" },
	{ KUBEADM_REGISTRY, KUBEADM_PULL_POLICY, F,
	  "kubeadm rejects its configuration: imagePullPolicy is Always, IfNotPresent or Never" },
	{ KUBEADM_REGISTRY, KUBEADM_SIGNATURE, F,
	  "the container runtime's policy refuses an image, which has no signature that it wants; correct the policy "
	  "or "
	  "the image" },
	{ KUBEADM_REGISTRY, KUBEADM_PLATFORM, F,
	  "the registry has an image for other architectures only, or in a form that the container runtime does not "
	  "know; "
	  "use another image" },
	{ KUBEADM_REGISTRY, KUBEADM_DENIED, F,
	  "the registry refuses to give an image; give the container runtime credentials for it, use another "
	  "registry" PRELOAD },
	{ KUBEADM_REGISTRY, KUBEADM_NOT_FOUND, F,
	  "an image does not exist in its registry, or the registry refuses it; correct its name or preload it" },
	{ KUBEADM_REGISTRY, KUBEADM_PROXY_REFUSES, F,
	  "the HTTP proxy refuses the connection to the registry; give the container runtime a proxy that allows it, "
	  "or "
	  "put the registry into no_proxy" },
	{ KUBEADM_REGISTRY, KUBEADM_PROXY, R, PULL "the HTTP proxy does not answer, or does not reach the registry" },
	{ KUBEADM_REGISTRY, KUBEADM_NAME, R, PULL "the registry's name has no address; correct it, or the DNS" },
	{ KUBEADM_REGISTRY, KUBEADM_DNS, R, PULL "the name server does not answer properly" },
	{ KUBEADM_REGISTRY, KUBEADM_EARLY, R,
	  PULL "the registry's certificate is not valid yet, so this node's clock is behind; correct the clock" },
	{ KUBEADM_REGISTRY, KUBEADM_EXPIRED, R,
	  PULL "the registry's certificate has expired, or this node's clock is ahead; correct the clock" },
	{ KUBEADM_REGISTRY, KUBEADM_CLOCK, R,
	  PULL "the registry's certificate is not valid at this time" CLOCK_TOO "; correct the clock" },
	{ KUBEADM_REGISTRY, KUBEADM_TLS, R, PULL "the registry and the container runtime do not agree on TLS" },
	{ KUBEADM_REGISTRY, KUBEADM_CONTENT, R, PULL "a part of it is missing or damaged in the registry or here" },
	{ KUBEADM_REGISTRY, KUBEADM_UNPACK, R, PULL "the container runtime cannot unpack it; its journal says why" },
	{ KUBEADM_REGISTRY, KUBEADM_LIMIT, R,
	  PULL "the registry allows no more requests for some time; use a mirror" PRELOAD },
	{ KUBEADM_REGISTRY, KUBEADM_BUSY, R, PULL "the registry answers with an error of its own" },
	{ KUBEADM_REGISTRY, KUBEADM_SILENT, R, PULL "the registry does not answer" },
	{ KUBEADM_REGISTRY, KUBEADM_LATE, R, PULL "the registry does not answer in time" },
	{ KUBEADM_REGISTRY, KUBEADM_NO_CAUSE, R, "an image cannot be pulled now" },

	/* The container runtime. */
	{ KUBEADM_RUNTIME, KUBEADM_OLD_CRI, F,
	  "the container runtime does not speak this kubeadm's CRI; its CRI plugin is disabled, or its version too "
	  "old" },
	{ KUBEADM_RUNTIME, KUBEADM_NO_PROGRAM, F, NO_CRICTL },
	{ KUBEADM_RUNTIME, KUBEADM_NOT_READY, R,
	  "the container runtime says that it is not ready; `crictl info` says why" },
	{ KUBEADM_RUNTIME, KUBEADM_NO_CAUSE, R, RUNTIME },

	/* What the API server needs. */
	{ KUBEADM_WEBHOOK, KUBEADM_DENIED, F,
	  "an admission policy of the cluster refuses what kubeadm writes; correct the policy, or this node" },
	{ KUBEADM_WEBHOOK, KUBEADM_NO_CAUSE, R, WEBHOOK },
	{ KUBEADM_ETCD, KUBEADM_UNTRUSTED, F, ETCD_CA },
	{ KUBEADM_ETCD, KUBEADM_NOT_ACCEPTED, F, ETCD_CA },
	{ KUBEADM_ETCD, KUBEADM_OTHER_HOST, F,
	  "etcd's certificate does not name the member's host; make it again with `kubeadm init phase certs "
	  "etcd-server` on that control plane" },
	{ KUBEADM_ETCD, KUBEADM_EXPIRED, F,
	  "etcd's certificates have expired" CLOCK_TOO
	  "; renew them on the control planes (`kubeadm certs renew all`)" },
	{ KUBEADM_ETCD, KUBEADM_EARLY, R, CLOCK },
	{ KUBEADM_ETCD, KUBEADM_CLOCK, R, CLOCK },
	{ KUBEADM_ETCD, KUBEADM_PLAIN, F, NO_TLS("etcd") },
	{ KUBEADM_ETCD, KUBEADM_NAME, R, "the name of a member of etcd has no address; add it to the DNS" },
	{ KUBEADM_ETCD, KUBEADM_DNS, R, "the DNS does not answer properly" },
	{ KUBEADM_ETCD, KUBEADM_NO_CAUSE, R, ETCD },

	/* The API server: what answers at the endpoint is not the cluster, or not by this address. Another endpoint may help. */
	{ KUBEADM_API, KUBEADM_OTHER_HOST, C,
	  "the API server's certificate does not name the endpoint's host; use a name or address that it names" },
	{ KUBEADM_API, KUBEADM_UNTRUSTED, C,
	  "what answers at the endpoint is not the cluster that this node is configured for" },
	{ KUBEADM_API, KUBEADM_NOT_ACCEPTED, C,
	  "the API server does not accept this node's certificate; make the node's seed again, or start from a new "
	  "image" },
	{ KUBEADM_API, KUBEADM_PLAIN, C, NO_TLS("what answers at the endpoint") },
	{ KUBEADM_API, KUBEADM_EXPIRED, C,
	  "the cluster's certificates have expired" CLOCK_TOO
	  "; renew them on the control planes (`kubeadm certs renew all`)" },
	{ KUBEADM_API, KUBEADM_PROXY_REFUSES, C, "the HTTP proxy refuses the connection to the API server" NO_PROXY },
	{ KUBEADM_API, KUBEADM_PROXY, R, "the HTTP proxy does not answer, or does not reach the API server" NO_PROXY },
	{ KUBEADM_API, KUBEADM_NAME, R, "the endpoint's name has no address yet; add it to the DNS" },
	{ KUBEADM_API, KUBEADM_DNS, R,
	  "the DNS does not answer properly: the name server of this node is wrong or down" },
	{ KUBEADM_API, KUBEADM_EARLY, R, CLOCK },
	{ KUBEADM_API, KUBEADM_CLOCK, R, CLOCK },
	{ KUBEADM_API, KUBEADM_TLS, R, "what answers at the endpoint does not agree with kubeadm on TLS" },
	{ KUBEADM_API, KUBEADM_SILENT, R, SERVER },
	{ KUBEADM_API, KUBEADM_BUSY, R, SERVER },
	{ KUBEADM_API, KUBEADM_LIMIT, R, SERVER },

	/* What starts on this machine. */
	{ KUBEADM_KUBELET, KUBEADM_NO_CAUSE, R, KUBELET },
	{ KUBEADM_PLANE, KUBEADM_UNTRUSTED, C,
	  "what answers at the endpoint is not this control plane; correct control_plane_endpoint, or run `kubeadm "
	  "reset`" },
	{ KUBEADM_PLANE, KUBEADM_OTHER_HOST, C,
	  "the API server's certificate does not name the endpoint's host; use a name or address that it names" },
	{ KUBEADM_PLANE, KUBEADM_NO_CAUSE, R, PLANE },
	{ KUBEADM_API, KUBEADM_LATE, R, SERVER },
	{ KUBEADM_MACHINE, KUBEADM_NO_CAUSE, F, "one of kubeadm's checks failed" },
	{ 0 },
};
