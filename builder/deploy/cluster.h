/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A cluster to deploy, described by CLUSTER.yaml. File names are relative to that file.
 *
 *	cluster: lab                              # a DNS label; part of the names of tags, volumes and tokens
 *	target: target.yaml                       # or its keys as a map (target.h); it must have a pool
 *	template: debian-12-k8s                   # an image (the newest published of it), a template's name, or its VMID
 *	template_sha256: 0c9697bfab6d..           # the digest that the template's image must have
 *	container: out/debian-12-k8s.tar.zst      # for nodes of kind lxc
 *	api: https://10.0.0.1:8006                # the API's URL for the guests; default: the target's url
 *	ssh_keys: [admin.pub]
 *	pki: deployer                             # or kubeadm: the weaker way, for Kubernetes before 1.31
 *	cores: 2
 *	memory: 4G
 *	disk: 20G                                 # size of the root disk: a VM's is grown, a container's is created with it
 *	config: {networking: {pod_subnet: 10.244.0.0/16}}	# of every node, as in /etc/nodekiln/node.yaml
 *	nodes:
 *	  - {name: cp1, role: init, node: pve1, address: 10.0.0.11/24, gateway: 10.0.0.1}
 *	  - {name: w1, role: worker, kind: lxc, vmid: 211, cores: 4, config: {node: {labels: {disk: fast}}}}
 *
 * deploy itself writes the keys that identify a node (cluster, role, node.name, proxmox, secrets).
 */
#include "builder/pve/target.h"
#include "lib/node_config.h"
#include "lib/pve_guest.h"

#define CLUSTER_NODES_MAX 200

struct cluster_size {
	long cores;
	unsigned long long memory, disk; /* bytes; 0 = as the template has it */
};

struct cluster_node {
	char *name; /* owned, as all; name of the Kubernetes node and of the guest */
	enum node_role role;
	enum pve_kind kind;
	char *pve_node; /* of PVE */
	char *template, *template_sha256;
	long vmid; /* 0 = the next free one */
	struct cluster_size size;
	char *address, *gateway; /* NULL = DHCP */
	struct strings nameservers;
	struct yaml *config;
	const char *file; /* borrowed; the file and line of this node */
	int line;
	long patience; /* seconds until it must be ready, from its timeouts */
};

/* All pointers are owned; NULL = not given. */
struct cluster {
	char *file, *name;
	struct target target;
	char *template, *template_sha256, *container, *api;
	struct strings ssh_keys; /* files */
	bool kubeadm_pki;        /* pki: kubeadm */
	struct cluster_size size;
	struct yaml *config;
	VEC(struct cluster_node) nodes; /* in file order */
};

/* The values of a node's configuration that the cluster's file does not give; all borrowed. vmid 0 = not known. */
struct cluster_identity {
	const struct node_pki *pki;          /* of this node; NULL = kubeadm makes the PKI */
	const char *token, *certificate_key; /* NULL with pki */
	const char *pve_token_id, *pve_token_secret;
	long vmid;
};

/* Strict; also checks every node's configuration (lib/node_config.h): ERROR_INPUT with file and line. */
int cluster_load(const char *file, struct cluster *ret, struct error *err) MUST_CHECK;
int cluster_parse(const char *file, const char *text, size_t len, struct cluster *ret, struct error *err) MUST_CHECK;
/* The same from a tree, which is consumed. */
int cluster_read(struct yaml *tree, struct cluster *ret, struct error *err) MUST_CHECK;
/* Checks the network of a node that is to be made: with what it would not come up, and what hides it from pods. ERROR_INPUT. */
int cluster_check_network(const struct cluster *cluster, size_t at, struct error *err) MUST_CHECK;
/* The path of name, which is relative to file; owned by the caller. */
char *cluster_path_of(const char *file, const char *name) MUST_CHECK;
const struct cluster_node *cluster_find(const struct cluster *cluster, const char *name);
/* cluster_config.c: the configuration that goes into the node's seed. */
int cluster_config(const struct cluster *cluster, const struct cluster_node *n, const struct cluster_identity *identity,
		   struct node_config *ret, struct error *err) MUST_CHECK;
void cluster_done(struct cluster *cluster);
