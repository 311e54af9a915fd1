/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says that has not proven to be the cluster's is never fatal: another endpoint may help.
 *
 * Texts are as short as possible without being in other messages: kubeadm's wording changed often between 1.20 and
 * 1.37. What only wraps a cause is not here but in kubeadm_cause.c. */
#include "agent/kubeadm_error_table.h"

#define CLOCK "this node's clock and the cluster's differ; time synchronisation has to be right on both"
#define TOKEN                                                                                                          \
	"the cluster does not know this node's certificate or bootstrap token, or it has expired; make the node's "    \
	"seed again, or a token with `kubeadm token create` on a control plane, and give it to this node"
#define KEY                                                                                                            \
	"the control plane's certificates cannot be downloaded; upload them again with `kubeadm init phase "           \
	"upload-certs --upload-certs` on a control plane (they live 2 hours) and give this node the new "              \
	"certificate_key"
#define HASH                                                                                                           \
	"the cluster's CA is not the one that ca_cert_hashes names; the connection is intercepted, or the hash is of " \
	"another cluster"
#define TRUST                                                                                                          \
	"the cluster's answer does not fit this token; the token is another cluster's, or the connection is "          \
	"intercepted"
#define OLD_STATE "this machine holds files of an earlier node; run `kubeadm reset` on it, or start from a new image"
#define PKI "a file in /etc/kubernetes/pki is missing, broken or another cluster's; correct it, or run `kubeadm reset`"
#define PATCHES "a file in the directory of kubeadm.patches does not fit; correct it"
#define MACHINE "this machine does not meet a node's requirements"
#define REFUSED "kubeadm rejects its configuration; that is an error of the configuration or of this agent"
#define LEARNER "etcd accepts one new member at a time and is busy with one"
#define QUORUM "etcd has no leader, so too few of its members answer; start the other control planes"
#define SKEW "; use an image of the cluster's Kubernetes version"
#define OTHER_VERSIONS "the cluster's Kubernetes and this image's kubeadm are of versions too far apart" SKEW
#define NOT_KUBEADMS                                                                                                   \
	"the cluster has no kubeadm-config; it was not made by kubeadm, or that ConfigMap was deleted: correct "       \
	"control_plane_endpoint, or upload it with `kubeadm init phase upload-config kubeadm`"
#define CLUSTER_INFO "the cluster's cluster-info ConfigMap is broken; correct it in the namespace kube-public"
#define NO_SERVER                                                                                                      \
	"what answers at the endpoint is no API server, or one of a version far from this kubeadm's; correct "         \
	"control_plane_endpoint"
#define NO_KUBELET "kubelet is not installed, or does not run, in this image; build one with it"
#define PROXY_VALUES "a value of the proxy or of the networks is not one; correct it"
#define STALE_MEMBER                                                                                                   \
	"etcd still has a member of this node's address or name; remove it with `etcdctl member remove` on another "   \
	"control plane"

const struct kubeadm_statement kubeadm_statements[] = {
	/* Discovery. Before the cluster's first control plane is ready the API server answers "forbidden", and then
	 * without a signature, which is also the only sign of an expired token. */
	{ KUBEADM_ERROR_RETRY,
	  { "could not find a JWS signature in the cluster-info ConfigMap for token ID" },
	  "the cluster has no signature for this token yet; if this stays so, the token is unknown there or has "
	  "expired" },
	{ KUBEADM_ERROR_RETRY,
	  { "configmaps \"cluster-info\" is forbidden" },
	  "the cluster does not show its cluster-info yet; if this stays so, it was not made by kubeadm, or lets no "
	  "anonymous client read it" },
	{ KUBEADM_ERROR_RETRY,
	  { "configmaps \"cluster-info\" not found" },
	  "the cluster has no cluster-info yet; if this stays so, it was not made by kubeadm" },
	{ KUBEADM_ERROR_CREDENTIALS,
	  { "couldn't validate the identity of the API Server: ", "Unauthorized" },
	  "the API server answers no anonymous client, so no node can join by a token; start it with "
	  "--anonymous-auth=true" },
	{ KUBEADM_ERROR_CREDENTIALS, { "failed to verify JWS signature of received cluster info object" }, TRUST },
	{ KUBEADM_ERROR_CREDENTIALS,
	  { "the second kubeconfig from the cluster-info", "different from the first" },
	  TRUST },
	{ KUBEADM_ERROR_CREDENTIALS,
	  { "This API Server isn't set up for token bootstrapping" },
	  "the endpoint's cluster was not made by kubeadm; correct control_plane_endpoint" },
	{ KUBEADM_ERROR_RETRY, { "the server could not find the requested resource" }, NO_SERVER },
	{ KUBEADM_ERROR_RETRY, { "the server does not allow this method" }, NO_SERVER },
	{ KUBEADM_ERROR_RETRY, { "the server rejected our request for an unknown reason" }, NO_SERVER },
	{ KUBEADM_ERROR_CREDENTIALS, { "kubeconfig ", "in the cluster-info ConfigMap", "malformed" }, CLUSTER_INFO },
	{ KUBEADM_ERROR_CREDENTIALS, { "couldn't parse the kubeconfig file in the cluster-info" }, CLUSTER_INFO },
	{ KUBEADM_ERROR_CREDENTIALS, { "in the cluster-info ConfigMap to have a single cluster" }, CLUSTER_INFO },
	{ KUBEADM_ERROR_CREDENTIALS, { "failed to parse cluster CA from the cluster-info" }, CLUSTER_INFO },

	/* Credentials. */
	{ KUBEADM_ERROR_CREDENTIALS, { "token id ", "is invalid for this cluster or it has expired" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS, { "cluster CA found in cluster-info ConfigMap is invalid" }, HASH },
	{ KUBEADM_ERROR_CREDENTIALS, { "none of the public keys", "are pinned" }, HASH },
	{ KUBEADM_ERROR_CREDENTIALS, { "Secret \"kubeadm-certs\" was not found" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "secrets \"kubeadm-certs\" not found" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "secrets \"kubeadm-certs\" is forbidden" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "error decoding secret data with provided key" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "error decoding certificate key" }, KEY },
	{ KUBEADM_ERROR_CREDENTIALS, { "the Secret does not include the required certificate or key" }, KEY },
	{ KUBEADM_ERROR_FATAL, { "ploading crisocket: ", "Unauthorized" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL,
	  { "is not allowed to modify node" },
	  "the API server takes this machine for another node; start from a new image, and give it a name of its own "
	  "(node.name)" },

	/* Versions. A token reads "kubelet-config-1.23" in clusters up to 1.23, "kubelet-config" since 1.24. */
	{ KUBEADM_ERROR_FATAL, { "configmaps \"kubelet-config", "\" is forbidden" }, OTHER_VERSIONS },
	{ KUBEADM_ERROR_FATAL, { "configmaps \"kubelet-config", "\" not found" }, OTHER_VERSIONS },
	{ KUBEADM_ERROR_FATAL,
	  { "cluster configuration data", "no kind ", "\"kubeadm.k8s.io/v1beta1\"" },
	  "the cluster's kubeadm is older than this image's supports" SKEW },
	{ KUBEADM_ERROR_FATAL,
	  { "cluster configuration data", "no kind ", "\"kubeadm.k8s.io/v1beta4\"" },
	  "the cluster's kubeadm is newer than this image's" SKEW },
	{ KUBEADM_ERROR_FATAL,
	  { "cluster configuration data", "no kind " },
	  "the cluster's kubeadm is newer than this image's, or much older" SKEW },
	{ KUBEADM_ERROR_FATAL,
	  { "unable to fetch the kubeadm-config", "old API spec" },
	  "the cluster's kubeadm is older than this image's supports" SKEW },
	{ KUBEADM_ERROR_FATAL, { "unable to fetch the kubeadm-config", "experimental API spec" }, OTHER_VERSIONS },
	{ KUBEADM_ERROR_FATAL, { "unable to fetch the kubeadm-config", "no kind " }, OTHER_VERSIONS },
	{ KUBEADM_ERROR_FATAL, { "unable to fetch the kubeadm-config", "unknown field" }, OTHER_VERSIONS },
	{ KUBEADM_ERROR_FATAL,
	  { "unable to fetch the kubeadm-config", "only supports deploying clusters with the control plane version" },
	  OTHER_VERSIONS },
	{ KUBEADM_ERROR_FATAL, { "reading kubeadm-config ConfigMap", "key value pair missing" }, NOT_KUBEADMS },
	{ KUBEADM_ERROR_FATAL, { "configmaps \"kubeadm-config\" not found" }, NOT_KUBEADMS },
	{ KUBEADM_ERROR_FATAL,
	  { "only supports deploying clusters with the control plane version" },
	  "kubernetes_version is too old for the installed kubeadm, which makes its own minor version and the one "
	  "before" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR KubeletVersion]: couldn't get kubelet version" }, NO_KUBELET },
	{ KUBEADM_ERROR_FATAL, { "cannot execute 'kubelet --version'" }, NO_KUBELET },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR KubeletVersion]" },
	  "kubelet and the control plane are of versions too far apart" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR KubernetesVersion]" },
	  "kubernetes_version does not fit the installed kubeadm" },
	{ KUBEADM_ERROR_RETRY,
	  { "unable to get URL " },
	  "kubeadm asks a server for a version of Kubernetes and gets no answer; set kubernetes_version" },

	/* Rights, after what is forbidden for another reason. */
	{ KUBEADM_ERROR_CREDENTIALS, { "is forbidden: User \"system:anonymous\"" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS,
	  { "User \"system:bootstrap:", "forbidden" },
	  "the cluster does not let this token read what a join needs; it needs the group "
	  "system:bootstrappers:kubeadm:default-node-token, and the cluster to be kubeadm's" },
	{ KUBEADM_ERROR_CREDENTIALS, { "the server has asked for the client to provide credentials" }, TOKEN },
	{ KUBEADM_ERROR_CREDENTIALS, { ": Unauthorized" }, TOKEN },

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
	  { "database space exceeded" },
	  "etcd's database is full; compact and defragment it on a control plane" },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: Peer URLs already exists" }, STALE_MEMBER },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: member ID already exist" }, STALE_MEMBER },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: no leader" }, "etcd is choosing its leader" },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: leader changed" }, "etcd is choosing its leader" },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: request timed out, possibly due to " }, QUORUM },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: request timed out" }, "etcd is too slow or without a leader" },
	{ KUBEADM_ERROR_RETRY, { "etcdserver: too many requests" }, "etcd is too slow or without a leader" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR ExternalEtcdVersion]", "only supports external etcd version" },
	  "the external etcd is too old for this kubeadm; upgrade it" },

	/* kubelet. */
	{ KUBEADM_ERROR_RETRY,
	  { "failed while waiting for TLS bootstrap" },
	  "kubelet gets no certificate from the cluster; `journalctl -u kubelet` says why" },
	{ KUBEADM_ERROR_JOINED,
	  { "a Node with name ", " already exists in the cluster" },
	  "this node's name is in the cluster already, and Ready" },

	/* Files on the disk. */
	{ KUBEADM_ERROR_FATAL, { "exists already but has got the wrong CA cert" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL,
	  { "a kubeconfig file ", "exists but does not contain a trusted CA in its current context's" },
	  OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "exists already but has got the wrong API Server URL" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "the kubeconfig file ", "contains an invalid CA cert" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "failed to load kubeconfig file ", "that already exists on disk" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "[certs] certificate ", " not signed by CA certificate " }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "certificate ", " is not signed by corresponding CA" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "[ERROR FileAvailable-", "already exists" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "[ERROR DirAvailable-", "is not empty" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR Port-", "is in use" },
	  "another program, or an earlier node, uses one of Kubernetes' ports" },
	{ KUBEADM_ERROR_FATAL, { "could not load expected certificate " }, PKI },
	{ KUBEADM_ERROR_FATAL, { "the CA files couldn't be loaded" }, PKI },
	{ KUBEADM_ERROR_FATAL, { "existed but it could not be loaded properly" }, PKI },
	{ KUBEADM_ERROR_FATAL, { "[ERROR ExternalEtcdClientCertificates]" }, PKI },
	{ KUBEADM_ERROR_RETRY, { "the certificate is not valid yet" }, CLOCK },
	{ KUBEADM_ERROR_FATAL,
	  { "the certificate has expired" },
	  "a certificate in /etc/kubernetes/pki has expired, or this node's clock is ahead; renew it with `kubeadm "
	  "certs "
	  "renew all`, or correct the clock" },
	{ KUBEADM_ERROR_FATAL,
	  { "failure loading ", "couldn't load the ", "no such file or directory" },
	  "a control plane needs the cluster's certificates and keys; give this node certificate_key" },
	{ KUBEADM_ERROR_FATAL, { "open /etc/kubernetes/pki/", "no such file or directory" }, PKI },
	{ KUBEADM_ERROR_FATAL, { "failure loading ", "certificate" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "failed to load certificate" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL, { "failed to load key" }, OLD_STATE },
	{ KUBEADM_ERROR_FATAL,
	  { "the ClusterRoleBinding for the ", "is missing but there is no super-admin.conf" },
	  "admin.conf has no rights yet, and super-admin.conf, which gives them, is not here; run `kubeadm reset`, or "
	  "start from a new image" },

	/* Preflight. */
	{ KUBEADM_ERROR_FATAL, { "[ERROR NumCPU]" }, "a control plane needs 2 CPUs; give the guest more cores" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR Mem]" }, "a control plane needs 1700 MiB of memory; give the guest more" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR IsPrivilegedUser]" }, "kubeadm has to run as root" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR Swap]" },
	  "swap is on; turn it off, in a container with `swap: 0` in its configuration" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR SystemVerification]: cgroups v1 support is deprecated" },
	  "there is no cgroup v2, and this kubelet starts on v1 only with failCgroupV1: false (kubeadm.patches, and "
	  "SystemVerification in kubeadm.ignore_preflight_errors); boot with cgroup v2" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileContent--proc-sys-net-bridge-" },
	  "the kernel module br_netfilter is not loaded, in a container by its host" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileContent--proc-sys-net-ipv6" },
	  "IPv6 forwarding is off; set net.ipv6.conf.default.forwarding=1" },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileContent--proc-sys-net-ip" },
	  "IP forwarding is off; set net.ipv4.ip_forward=1" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR SystemVerification]" }, MACHINE },
	{ KUBEADM_ERROR_FATAL,
	  { "[ERROR FileExisting-" },
	  "a program that kubeadm needs is not installed; add it to the image" },
	{ KUBEADM_ERROR_FATAL, { "[ERROR HTTPProxy" }, PROXY_VALUES },
	{ KUBEADM_ERROR_FATAL,
	  { "ound multiple CRI " },
	  "two container runtimes are installed; say which with cri_socket" },
	{ KUBEADM_ERROR_FATAL,
	  { " is required ", " container runtime" },
	  "a program that kubeadm needs is not installed; add it to the image" },

	/* The configuration, and features of this kubeadm. */
	{ KUBEADM_ERROR_FATAL,
	  { "unable to add a new control plane instance ",
	    "a cluster that doesn't have a stable controlPlaneEndpoint" },
	  "the cluster was made without a control plane endpoint, so no second control plane can join" },
	{ KUBEADM_ERROR_FATAL,
	  { "unable to select an IP from default routes" },
	  "the guest has no default route; give it one, or node.ip" },
	{ KUBEADM_ERROR_FATAL,
	  { "invalid phase name: " },
	  "kubeadm.skip_phases names a phase that this kubeadm does not have" },
	{ KUBEADM_ERROR_FATAL, { "could not apply patches to the " }, PATCHES },
	{ KUBEADM_ERROR_FATAL, { "failed to patch static Pod manifest file" }, PATCHES },
	{ KUBEADM_ERROR_FATAL, { "could not apply the following patch" }, PATCHES },
	{ KUBEADM_ERROR_FATAL, { "old API spec" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "experimental API spec", "is not allowed" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "no kind ", "is registered for version \"kubeadm.k8s.io" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "kind was found in the configuration file" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "unknown configuration APIs: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "strict decoding error: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "can not mix '--config' with arguments" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "don't specify individual checks if 'all' is used" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "unknown flag: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "invalid configuration: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { ": Invalid value: " }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "invalid discovery token CA certificate hash" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "unknown hash format" }, REFUSED },
	{ KUBEADM_ERROR_FATAL, { "expected a 32 byte SHA-256 hash" }, REFUSED },
	{ 0 },
};
