/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/node_schema.h"

#include "lib/macro.h"

/* The values are NULL: node_config_field_values() has them. */
/* clang-format off */
static const struct schema_key keys[] = {
	{ "cluster", NULL, SCHEMA_REQUIRED, "The name of the cluster, the same on all its nodes" },
	{ "role", NULL, SCHEMA_REQUIRED,
	  "What the node becomes; of several nodes with the role init exactly one initialises the cluster, the others join it" },
	{ "control_plane_endpoint", NULL, "init: the node's address; else found through `proxmox`",
	  "The API server's address, port 6443 when it is absent; for more than one control plane it should be a name or address that "
	  "can move" },
	{ "token", NULL, "none",
	  "SECRET. The bootstrap token; a joining node requires it, an init node without it makes a cluster that no node can join until "
	  "`kubeadm token create` is run there" },
	{ "token_ttl", NULL, "`24h`", "How long the bootstrap token is valid; 0: without end" },
	{ "ca_cert_hashes", NULL, "found through `proxmox`", "The hashes of the cluster's CA that a joining node accepts" },
	{ "certificate_key", NULL, "none",
	  "SECRET. The key of the uploaded control plane certificates; the role control-plane requires it, workers must not have it" },
	{ "kubernetes_version", NULL, "that of kubeadm", "The version to initialise the cluster with" },
	{ "cri_socket", NULL, "that of the installed runtime", "The container runtime's socket" },
	{ "manifests", NULL, "none", "Files or directories in the guest that the init node applies in this order" },
	{ "networking.pod_subnet", NULL, "none", "The pods' network" },
	{ "networking.service_subnet", NULL, "`10.96.0.0/12`", "The services' network" },
	{ "networking.dns_domain", NULL, "`cluster.local`", "The cluster's DNS domain" },
	{ "networking.pod_network", NULL, "`none`",
	  "bridge: a CNI bridge with this node's part of `pod_subnet`, for clusters without a network add-on" },
	{ "node.name", NULL, "the host name", "The name of the Kubernetes node" },
	{ "node.ip", NULL, "the source address of the default route", "The address of the node" },
	{ "node.labels", NULL, "none", "Labels of the node" },
	{ "node.taints", NULL, "kubeadm's for the role", "Taints of the node; an empty list means none" },
	{ "node.provider_id", NULL, "`none`",
	  "The node's provider id: proxmox://REGION/VMID or proxmox://UUID; Kubernetes never changes it afterwards" },
	{ "node.region", NULL, "the cluster's name", "The region in the provider id, with `vmid`" },
	{ "kubelet.extra_args", NULL, "none", "Options of kubelet" },
	{ "api_server.extra_args", NULL, "none", "Options of kube-apiserver, for the node that initialises the cluster; others take them from there" },
	{ "controller_manager.extra_args", NULL, "none", "The same of kube-controller-manager" },
	{ "scheduler.extra_args", NULL, "none", "The same of kube-scheduler" },
	{ "etcd.extra_args", NULL, "none", "The same of etcd" },
	{ "kubeadm.patches", NULL, "none", "A directory of kubeadm patches" },
	{ "kubeadm.skip_phases", NULL, "none", "Phases to skip in addition to those that the image requires to be skipped" },
	{ "kubeadm.ignore_preflight_errors", NULL, "none", "Checks of kubeadm or of the agent whose failures are ignored" },
	{ "timeouts.rendezvous", NULL, "`30m`", "How long the node waits for a control plane that it can join" },
	{ "timeouts.kubeadm", NULL, "`20m`", "How long all tries of kubeadm together may take" },
	{ "timeouts.ready", NULL, "`10m`", "How long the node may take to be Ready" },
	{ "proxmox.url", NULL, "none",
	  "The Proxmox VE API; without it the node writes no tags and notes, and finds no other node" },
	{ "proxmox.node", NULL, "found", "The Proxmox VE node of the guest" },
	{ "proxmox.vmid", NULL, "found", "The VMID of the guest; without `url` it is used only for `provider_id`" },
	{ "proxmox.token_id", NULL, NULL, "The API token, required with `url`" },
	{ "proxmox.token_secret", NULL, NULL, "SECRET. The token's secret, required with `url`" },
	{ "proxmox.ca", NULL, "the system's CAs, unless there are fingerprints", "The certificate authority of the API" },
	{ "proxmox.fingerprints", NULL, "none", "The API certificates to accept" },
	{ "pki.ca", NULL, "none",
	  "The certificate of the cluster's CA, as PEM text. `nodekiln seed` and `deploy` write this section, which replaces `token`, "
	  "`certificate_key` and `ca_cert_hashes`" },
	{ "pki.certificate", NULL, "none",
	  "The certificate that this node joins with: O=system:nodes, CN=system:node:NAME; good for two hours" },
	{ "pki.key", NULL, "none",
	  "SECRET. The private key of `pki.certificate`" },
	{ "pki.ca_key", NULL, "none",
	  "SECRET. The private key of the cluster's CA; control planes need this and the following keys, workers must not have them" },
	{ "pki.etcd_ca", NULL, "none",
	  "The certificate of etcd's CA" },
	{ "pki.etcd_ca_key", NULL, "none",
	  "SECRET. Its private key" },
	{ "pki.front_proxy_ca", NULL, "none",
	  "The certificate of the front proxy's CA" },
	{ "pki.front_proxy_ca_key", NULL, "none",
	  "SECRET. Its private key" },
	{ "pki.service_account_public_key", NULL, "none",
	  "The public key that verifies the tokens of service accounts" },
	{ "pki.service_account_key", NULL, "none",
	  "SECRET. The private key that signs them" },
};
/* clang-format on */

static const char *const description[] = {
	"A node configuration says which cluster a guest joins and as what. nodekiln-agent(8) reads it from "
	"`/etc/nodekiln/node.yaml` and from the map `nodekiln` in cloud-init's meta-data; the file is merged over the "
	"map. nodekiln "
	"seed puts a NODE.yaml into a seed, and nodekiln deploy writes the configuration of every guest itself.",
	"Unknown keys, wrong values and contradictions are errors with file, line and what is allowed; no message "
	"shows a secret. "
	"YAML anchors, aliases and tags are refused. Times are `90s`, `30m`, `1h30m`, `7d` or `0`.",
	"Keys that are marked SECRET are not allowed in cloud-init's meta-data, which every user of the guest can "
	"read. The agent removes "
	"them from the guest when the node is Ready.",
	NULL,
};

static const char example[] = "cluster: lab\n"
			      "role: worker\n"
			      "token: abcdef.0123456789abcdef\n"
			      "proxmox:\n"
			      "  url: https://pve.lab.example:8006\n"
			      "  token_id: kiln@pve!w1\n"
			      "  token_secret: 01234567-89ab-cdef-0123-456789abcdef\n"
			      "  ca: /etc/nodekiln/pve-ca.pem\n";

const struct schema node_schema = {
	.name = "node",
	.file = "NODE.yaml",
	.summary = "the configuration of one Kubernetes node",
	.description = description,
	.example = example,
	.keys = keys,
	.n = ARRAY_SIZE(keys),
};
