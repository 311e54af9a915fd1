/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/cluster_schema.h"

#include "lib/macro.h"

/* clang-format off */
static const struct schema_key keys[] = {
	{ "cluster", "a DNS label", SCHEMA_REQUIRED,
	  "The name of the cluster; tags, notes, seeds and tokens carry it" },
	{ "target", "a file, or a map", SCHEMA_REQUIRED,
	  "The target file, or its keys as a map (see nodekiln-target(5)); it must have a `pool`" },
	{ "template", "an image, a template's name or its VMID", NULL,
	  "What VMs are cloned from; the name of an image means its newest published version" },
	{ "template_sha256", "64 hex digits", "none",
	  "The SHA-256 of the template's image (.qcow2), as its manifest says: no other template is used. A template that is not "
	  "signed with the target's key is used only when `template` is its VMID and this key its digest" },
	{ "container", "an image's .tar.zst", NULL, "What nodes of `kind: lxc` are made from; required for these" },
	{ "api", "https://HOST or https://HOST:PORT", "the target's `url`",
	  "The Proxmox VE API as the guests reach it" },
	{ "ssh_keys", "a list of files", "none", "Public keys that may log in to the guests" },
	{ "pki", "deployer, kubeadm", "`deployer`",
	  "How the cluster's CAs are made. deployer: they are in the cluster's file of secrets, nodes join by certificates of their own, and "
	  "deploy writes a kubeconfig. kubeadm: the first node makes them, and nodes join by a token that all share, which is weaker; "
	  "needed before Kubernetes 1.31" },
	{ "cores", "1 to 512", "as the template", "Processor cores of each guest" },
	{ "memory", "a size of at least 512M", "as the template", "Memory of each guest" },
	{ "disk", "a size", "as the template",
	  "Disk of each guest: the disk of a VM grows to it, a container is made with it" },
	{ "config", "a map", "none",
	  "The configuration of every node: the keys of nodekiln-node(5), without `cluster`, `role`, `node.name`, `proxmox` and "
	  "secrets, which deploy writes itself" },
	{ "nodes", "a list of 1 to 200 maps", SCHEMA_REQUIRED, "The nodes of the cluster" },
	{ "nodes[].name", "a DNS label of at most 40 characters", SCHEMA_REQUIRED,
	  "The name of the guest and of the Kubernetes node" },
	{ "nodes[].role", "init, control-plane, worker", SCHEMA_REQUIRED,
	  "What the node becomes; at least one node has the role init" },
	{ "nodes[].kind", "vm, lxc", "`vm`", "A virtual machine, or an unprivileged container with nesting" },
	{ "nodes[].node", "a node of the target", "the first node", "The Proxmox VE node that the guest is made on" },
	{ "nodes[].template", "as `template`", "`template`", "What this VM is cloned from" },
	{ "nodes[].template_sha256", "as `template_sha256`", "none", "The same for `nodes[].template`" },
	{ "nodes[].vmid", "100 to 999999999", "the next free one", "The VMID of the guest" },
	{ "nodes[].cores", "1 to 512", "`cores`", "Processor cores of this guest" },
	{ "nodes[].memory", "a size of at least 512M", "`memory`", "Memory of this guest" },
	{ "nodes[].disk", "a size", "`disk`", "Disk of this guest; required for containers, here or above" },
	{ "nodes[].address", "ADDRESS/LENGTH", "DHCP", "The static address of the guest" },
	{ "nodes[].gateway", "an address", "none", "The default gateway, with `address`" },
	{ "nodes[].nameservers", "a list of addresses", "none", "The name servers, with `address`" },
	{ "nodes[].config", "a map", "none",
	  "The configuration of this node, merged over `config`: maps merge, lists and single values replace" },
};
/* clang-format on */

static const char *const description[] = {
	"A cluster file describes the guests that nodekiln deploy makes and nodekiln destroy removes. It is a YAML "
	"map. File names in "
	"it are relative to the cluster file. Unknown keys and wrong values are errors with file, line and what is "
	"allowed. Sizes are "
	"`20G`, `512M` or bytes.",
	NULL,
};

static const char example[] = "cluster: lab\n"
			      "target: pve.yaml\n"
			      "template: debian-13\n"
			      "ssh_keys: [admin.pub]\n"
			      "memory: 4G\n"
			      "disk: 20G\n"
			      "config:\n"
			      "  networking: {pod_subnet: 10.244.0.0/16, pod_network: bridge}\n"
			      "nodes:\n"
			      "  - {name: cp1, role: init, cores: 2, address: 10.0.0.11/24, gateway: 10.0.0.1}\n"
			      "  - {name: w1, role: worker, cores: 4}\n";

const struct schema cluster_schema = {
	.name = "cluster",
	.file = "CLUSTER.yaml",
	.summary = "a Kubernetes cluster to deploy in Proxmox VE",
	.description = description,
	.example = example,
	.keys = keys,
	.n = ARRAY_SIZE(keys),
};
