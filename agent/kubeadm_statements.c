/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments are as short as possible without matching other messages: kubeadm's wording changed often between
 * 1.20 and 1.37. What only wraps a cause has short ones, so that the cause decides. */
#include "agent/kubeadm_error_table.h"

#define CLOCK "this node's clock and the cluster's differ; time synchronisation has to be right on both"
#define SERVER "the API server does not answer yet at the cluster's endpoint"
#define TOKEN                                                                                                          \
	"the cluster does not know this bootstrap token, or it has expired; make one with `kubeadm token create` on "  \
	"a control "                                                                                                   \
	"plane and give it to this node"
#define KEY                                                                                                            \
	"the control plane's certificates cannot be downloaded; upload them again with `kubeadm init phase "           \
	"upload-certs "                                                                                                \
	"--upload-certs` on a control plane (they live 2 hours) and give this node the new certificate_key"
#define HASH                                                                                                           \
	"the cluster's CA is not the one that ca_cert_hashes names; the connection is intercepted, or the hash is of " \
	"another cluster"
#define TRUST                                                                                                          \
	"the cluster's answer does not fit this token; the token is another cluster's, or the connection is "          \
	"intercepted"
#define OLD_STATE                                                                                                      \
	"this machine holds files of an earlier node; run `kubeadm reset` on it, or start from a new "                 \
	"image"
#define KUBELET "kubelet does not start; `journalctl -u kubelet` says why"
#define KUBELET_CERTIFICATE "kubelet gets no certificate from the cluster; `journalctl -u kubelet` says why"
#define PLANE "the control plane does not start; its containers' logs are in /var/log/pods"
#define ETCD "etcd is not healthy on all control planes"
#define NAMES "the API server's certificate does not name the endpoint's host; use a name or address that it names"
#define PKI "a file in /etc/kubernetes/pki is missing, broken or another cluster's; correct it, or run `kubeadm reset`"
#define PATCHES "a file in the directory of kubeadm.patches does not fit; correct it"
#define MACHINE "this machine does not meet a node's requirements"
#define REFUSED "kubeadm rejects its configuration; that is an error of the configuration or of this agent"
#define LEARNER "etcd accepts one new member at a time and is busy with one"
#define NO_CRI                                                                                                         \
	"the container runtime does not speak this kubeadm's CRI; its CRI plugin is disabled, or its version too old"
#define IMAGES "an image cannot be pulled now"
#define NO_IMAGE "an image does not exist in its registry, or the registry refuses it; correct its name or preload it"
#define REGISTRY                                                                                                       \
	"the registry is not one that this image trusts; give the image its authority, or preload what it needs"

const struct kubeadm_error_row kubeadm_error_rows[] = {
	/* The endpoint: no server there yet, or one that is too slow. */
	{ KUBEADM_ERROR_RETRY, { "connection refused" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "connection reset by peer" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "i/o timeout" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "no route to host" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "network is unreachable" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "no such host" }, "the endpoint's name has no address yet; add it to the DNS" },
	{ KUBEADM_ERROR_RETRY, { "server misbehaving" }, "the DNS does not answer properly" },
	{ KUBEADM_ERROR_RETRY, { "TLS handshake timeout" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "request canceled while waiting for connection" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "Client.Timeout exceeded" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "context deadline exceeded" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "timed out waiting for the condition" }, "something was not ready in time" },
	{ KUBEADM_ERROR_RETRY, { "client rate limiter Wait returned an error" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "unexpected EOF" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "failed to request the " }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "unable to fetch the " }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "the server is currently unable to handle the request" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "Service Unavailable" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "Too Many Requests" }, SERVER },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: request timed out" }, "etcd is too slow or without a leader" },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: leader changed" }, "etcd is choosing its leader" },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: no leader" }, "etcd is choosing its leader" },

	/* Credentials. A missing signature is normal for seconds after init, and also the only sign of an
	 * expired token. */
	{ KUBEADM_ERROR_RETRY,
	  { "could not find a JWS signature in the cluster-info ConfigMap for token ID" },
	  "the cluster has no signature for this token yet; if this stays so, the token is unknown there or has "
	  "expired" },
	{ KUBEADM_ERROR_CREDENTIALS, { "token id ", "is invalid for this cluster or it has expired" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS, { ": Unauthorized" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS, { "the server has asked for the client to provide credentials" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS, { "unable to fetch the kubeadm-config ConfigMap", "Unauthorized" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS, { "is forbidden: User \"system:anonymous\" cannot get resource" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS,
	  { "User \"system:bootstrap:", "cannot get resource", "forbidden" },
	  "the cluster does not let this token read what a join needs; it needs the group "
	  "system:bootstrappers:kubeadm:default-node-token, and the cluster to be kubeadm's" },
	{ KUBEADM_ERROR_CREDENTIALS, { "Secret \"kubeadm-certs\" was not found" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS,
	  { "secrets \"kubeadm-certs\" is forbidden: User \"system:bootstrap:", "cannot get resource" },
	  KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "error decoding secret data with provided key" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "error decoding certificate key" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "the Secret does not include the required certificate or key" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "cluster CA found in cluster-info ConfigMap is invalid" }, HASH },
	{ KUBEADM_ERROR_CREDENTIALS, { "none of the public keys", "are pinned" }, HASH },

	/* The server has another identity than the configuration says: no retry without an administrator. */
	{ KUBEADM_ERROR_FATAL, { "failed to verify JWS signature of received cluster info object" }, TRUST },
	{ KUBEADM_ERROR_FATAL,
	  { "the second kubeconfig from the cluster-info ConfigMap", "different from the first" },
	  TRUST },
	{ KUBEADM_ERROR_FATAL,
	  { "This API Server isn't set up for token bootstrapping" },
	  "the endpoint's cluster was not made by kubeadm; correct control_plane_endpoint" },
	{ KUBEADM_ERROR_FATAL, { "x509: certificate is valid for" }, NAMES },
	{ KUBEADM_ERROR_FATAL, { "x509: certificate is not valid for any names" }, NAMES },
	{ KUBEADM_ERROR_FATAL, { "x509: cannot validate certificate for ", "doesn't contain any IP SANs" }, NAMES },
	{ KUBEADM_ERROR_FATAL,
	  { "x509: certificate signed by unknown authority" },
	  "what answers at the endpoint is not the cluster that this node is configured for" },

	/* The clock. */
	{ KUBEADM_ERROR_RETRY, { "x509: certificate has expired or is not yet valid" }, CLOCK },
	{ KUBEADM_ERROR_RETRY, { "certificate is not valid yet" }, CLOCK },
	{ KUBEADM_ERROR_RETRY, { "x509: certificate has expired or is not yet valid", "is before" }, CLOCK },
	{ KUBEADM_ERROR_FATAL,
	  { "x509: certificate has expired or is not yet valid", "is after" },
	  "the cluster's certificates have expired; renew them on the control planes (`kubeadm certs renew all`)" },

	/* etcd. */
	{ KUBEADM_ERROR_RETRY, { "can only promote a learner member which is in sync with leader" }, LEARNER },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: too many learner members in cluster" }, LEARNER },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: re-configuration failed due to not enough started members" }, LEARNER },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: unhealthy cluster" }, LEARNER },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: rpc not supported for learner" }, LEARNER },
	{ KUBEADM_ERROR_RETRY,
	  { "the etcd member ", "is not started" },
	  "etcd does not start on this node; its container's log is in /var/log/pods" },
	{ KUBEADM_ERROR_RETRY,
	  { "etcdserver: mvcc: database space exceeded" },
	  "etcd's database is full; compact and defragment it on a control plane" },
	{ KUBEADM_ERROR_RETRY, { "etcd cluster is not healthy" }, ETCD },
	{ KUBEADM_ERROR_RETRY, { "error execution phase check-etcd" }, ETCD },
	{ KUBEADM_ERROR_RETRY, { "error syncing endpoints with etcd" }, ETCD },
	{ KUBEADM_ERROR_RETRY, { "timeout waiting for etcd cluster to be available" }, ETCD },
	{ KUBEADM_ERROR_RETRY, { "the status of member ", "is not available" }, ETCD },

	/* kubelet and the control plane while they start. */
	{ KUBEADM_ERROR_RETRY, { "localhost:10248/healthz" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "127.0.0.1:10248/healthz" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "failed while waiting for the kubelet to start" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "The kubelet is not healthy after" }, KUBELET },
	{ KUBEADM_ERROR_RETRY,
	  { "error execution phase kubelet-start: ", "timed out waiting for the condition" },
	  KUBELET },
	{ KUBEADM_ERROR_RETRY, { "error uploading crisocket" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "riting Crisocket information" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "riting Crisocket information", "timed out waiting for the condition" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "rror writing CRISocket for this node" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "error execution phase kubelet-start: context deadline exceeded" }, KUBELET },
	{ KUBEADM_ERROR_RETRY, { "failed while waiting for TLS bootstrap" }, KUBELET_CERTIFICATE },
	{ KUBEADM_ERROR_RETRY, { "couldn't initialize a Kubernetes cluster" }, PLANE },
	{ KUBEADM_ERROR_RETRY, { "could not initialize a Kubernetes cluster" }, PLANE },
	{ KUBEADM_ERROR_RETRY, { "failed while waiting for the control plane to start" }, PLANE },
	{ KUBEADM_ERROR_RETRY, { "could not bootstrap the admin user in file admin.conf" }, PLANE },
	{ KUBEADM_ERROR_JOINED,
	  { "a Node with name ", " already exists in the cluster" },
	  "this node's name is in the cluster already, and Ready" },

	/* Files on the disk. */
	{ KUBEADM_ERROR_FATAL, { "exists already but has got the wrong CA cert" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL,
	  { "a kubeconfig file ", "exists but does not contain a trusted CA in its current context's" },
	  OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "the kubeconfig file ", "contains an invalid CA cert" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "failed to load kubeconfig file ", "that already exists on disk" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "[certs] certificate ", " not signed by CA certificate " }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "could not load expected certificate " }, PKI },
	{ KUBEADM_ERROR_FATAL, { "the CA files couldn't be loaded" }, PKI },
	{ KUBEADM_ERROR_FATAL, { "existed but it could not be loaded properly" }, PKI },
	{ KUBEADM_ERROR_FATAL,
	  { "failure loading ", "couldn't load the ", "no such file or directory" },
	  "a control plane needs the cluster's certificates and keys; give this node certificate_key" },
	{ KUBEADM_ERROR_FATAL,
	  { "the ClusterRoleBinding for the ", "is missing but there is no super-admin.conf" },
	  "admin.conf has no rights yet, and super-admin.conf, which gives them, is not here; run `kubeadm reset`, or "
	  "start from a new image" },
	{ KUBEADM_ERROR_FATAL, { "failure loading ", "certificate" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "failed to load certificate" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "failed to load key" }, OLD_STATE },
	{ KUBEADM_ERROR_RETRY, { "failure loading ", "certificate", "not valid yet" }, CLOCK },
	{ KUBEADM_ERROR_FATAL, { "certificate ", " is not signed by corresponding CA" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "[ERROR FileAvailable-", "already exists" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "[ERROR DirAvailable-", "is not empty" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR Port-", "is in use" },
	  "another program, or an earlier node, uses one of Kubernetes' ports" },
	{ KUBEADM_ERROR_FATAL,
	  { "no space left on device" },
	  "the disk is full; give the guest a larger one (root grows by itself at boot)" },
	{ KUBEADM_ERROR_FATAL, { "read-only file system" }, "the root file system is read-only; `dmesg` says why" },

	/* Preflight. */
	{ KUBEADM_ERROR_FATAL, { "[ERROR NumCPU]" }, "a control plane needs 2 CPUs; give the guest more cores" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR Mem]" }, "a control plane needs 1700 MiB of memory; give the guest more" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR IsPrivilegedUser]" }, "kubeadm has to run as root" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR Swap]" },
	  "swap is on; turn it off, in a container with `swap: 0` in its configuration" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR SystemVerification]" }, MACHINE },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR SystemVerification]: cgroups v1 support is deprecated" },
	  "there is no cgroup v2, and this kubelet starts on v1 only with failCgroupV1: false (kubeadm.patches, and "
	  "SystemVerification in kubeadm.ignore_preflight_errors); boot with cgroup v2" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR KubeletVersion]" },
	  "kubelet and the control plane are of versions too far apart" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR KubernetesVersion]" },
	  "kubernetes_version does not fit the installed kubeadm" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileExisting-" },
	  "a program that kubeadm needs is not installed; add it to the image" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileContent--proc-sys-net-bridge-" },
	  "the kernel module br_netfilter is not loaded, in a container by its host" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileContent--proc-sys-net-ipv6" },
	  "IPv6 forwarding is off; set net.ipv6.conf.default.forwarding=1" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileContent--proc-sys-net-ip" },
	  "IP forwarding is off; set net.ipv4.ip_forward=1" },
	{ KUBEADM_ERROR_RETRY, { "[ERROR CRI]" }, "the container runtime does not answer" },
	{ KUBEADM_ERROR_RETRY,
	  { "[ERROR CRI]: container runtime is not running", "connect: " },
	  "the container runtime does not answer" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR CRI]: container runtime is not running", "unknown service runtime.v1" },
	  NO_CRI },
	{ KUBEADM_ERROR_RETRY,
	  { "[ERROR CRI]: container runtime condition", "is not true" },
	  "the container runtime says that it is not ready; `crictl info` says why" },
	{ KUBEADM_ERROR_RETRY,
	  { "[ERROR ContainerRuntimeVersion]: could not check" },
	  "the container runtime does not answer" },
	{ KUBEADM_ERROR_RETRY,
	  { "failed to create new CRI runtime service" },
	  "the container runtime does not answer" },
	{ KUBEADM_ERROR_FATAL, { "failed to create new CRI runtime service", "unknown service runtime.v1" }, NO_CRI },
	/* Since 1.35, in addition to [ERROR ContainerRuntimeVersion]. */
	{ KUBEADM_ERROR_RETRY,
	  { "could not connect to the container runtime" },
	  "the container runtime does not answer" },
	{ KUBEADM_ERROR_FATAL, { "could not connect to the container runtime", "unknown service runtime.v1" }, NO_CRI },
	{ KUBEADM_ERROR_RETRY, { "[ERROR ImagePull]" }, IMAGES },
	{ KUBEADM_ERROR_RETRY, { "[ERROR ImagePull]: failed to pull image ", "i/o timeout" }, IMAGES },
	{ KUBEADM_ERROR_FATAL, { "[ERROR ImagePull]: failed to pull image ", "not found" }, NO_IMAGE },
	{ KUBEADM_ERROR_FATAL, { "[ERROR ImagePull]: failed to pull image ", "manifest unknown" }, NO_IMAGE },
	{ KUBEADM_ERROR_FATAL, { "[ERROR ImagePull]: failed to pull image ", "denied" }, NO_IMAGE },
	{ KUBEADM_ERROR_FATAL, { "[ERROR ImagePull]: failed to pull image ", "authorization failed" }, NO_IMAGE },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR ImagePull]: failed to pull image ", "x509: certificate signed by unknown authority" },
	  REGISTRY },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR ImagePull]: failed to pull image ", "x509: certificate is valid for" },
	  REGISTRY },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR ImagePull]: failed to pull image ", "server gave HTTP response to HTTPS client" },
	  REGISTRY },
	{ KUBEADM_ERROR_RETRY, { "[ERROR ImagePull]: failed to pull image ", "no such host" }, IMAGES },
	{ KUBEADM_ERROR_RETRY, { "[ERROR ImagePull]: failed to pull image ", "connection refused" }, IMAGES },
	{ KUBEADM_ERROR_FATAL, { "[ERROR " }, "one of kubeadm's checks failed" },
	{ KUBEADM_ERROR_FATAL,
	  { "ound multiple CRI " },
	  "two container runtimes are installed; say which with cri_socket" },

	/* The configuration, and features of this kubeadm. */
	{ KUBEADM_ERROR_FATAL, { "your configuration file uses an old API spec" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "experimental API spec", "is not allowed" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "no kind ", "is registered for version \"kubeadm.k8s.io" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "can not mix '--config' with arguments" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "don't specify individual checks if 'all' is used" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "unknown flag: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL,
	  { "invalid phase name: " },
	  "kubeadm.skip_phases names a phase that this kubeadm does not have" },
	{ KUBEADM_ERROR_FATAL, { "could not apply patches to the " }, PATCHES },
	{ KUBEADM_ERROR_FATAL, { "failed to patch static Pod manifest file" }, PATCHES },
	{ KUBEADM_ERROR_FATAL, { "invalid configuration: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { ": Invalid value: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "invalid discovery token CA certificate hash" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "unknown hash format" }, REFUSED },
	{ KUBEADM_ERROR_FATAL,
	  { "this version of kubeadm only supports deploying clusters with the control plane version" },
	  "kubernetes_version is too old for the installed kubeadm, which makes its own minor version and the one "
	  "before" },
	{ KUBEADM_ERROR_FATAL,
	  { "unable to add a new control plane instance ",
	    "a cluster that doesn't have a stable controlPlaneEndpoint" },
	  "the cluster was made without a control plane endpoint, so no second control plane can join" },
	{ KUBEADM_ERROR_FATAL,
	  { "unable to select an IP from default routes" },
	  "the guest has no default route; give it one, or node.ip" },
	{ 0 },
};
