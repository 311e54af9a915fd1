/* SPDX-License-Identifier: Apache-2.0 */
/* Each function checks one section; the first fault is returned. */
#include "lib/node_config_check.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/macro.h"
#include "lib/subnet.h"
#include "lib/validate.h"
#include "lib/yaml.h"

#define SERVICES_DEFAULT "10.96.0.0/12" /* kubeadm's default */

/* The node of "section.key", else of the section, else of the document. */
static const struct yaml *place(const struct node_config *node, const char *path)
{
	const char *dot = strchr(path, '.');
	CLEANUP(free_p) char *section = xstrndup(path, dot ? (size_t)(dot - path) : strlen(path));
	const struct yaml *found = yaml_find(node->tree, section), *inner = dot ? yaml_find(found, dot + 1) : NULL;

	return inner ? inner : found ? found : node->tree;
}

static int check_name(const struct node_config *node, struct error *err)
{
	if (!node->cluster)
		return yaml_error(node->tree, err,
				  "'cluster' is missing; give the cluster a name, the same on all of its nodes");
	return 0;
}

static int check_init(const struct node_config *node, struct error *err)
{
	if (node->role != NODE_INIT)
		return 0;
	if (node->ca_cert_hashes.n)
		return yaml_error(place(node, "ca_cert_hashes"), err,
				  "'ca_cert_hashes' is for nodes that join; role init creates the CA; remove it");
	if (node->pod_network == NODE_POD_NETWORK_BRIDGE && !node->pod_subnet)
		return yaml_error(place(node, "networking.pod_network"), err,
				  "'networking.pod_network: bridge' needs networking.pod_subnet, which nodes get their "
				  "part of, e.g. 10.244.0.0/16");
	return 0;
}

/* What contradicts `pki`: a cluster has either the deployer's PKI or kubeadm's. */
static int check_no_token(const struct node_config *node, struct error *err)
{
	const struct {
		const char *key;
		bool given;
	} others[] = {
		{ "token", node->token },
		{ "certificate_key", node->certificate_key },
		{ "ca_cert_hashes", node->ca_cert_hashes.n > 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].given)
			return yaml_error(
				place(node, others[i].key), err,
				"'%s' is for clusters whose PKI kubeadm makes, and this node has 'pki'; remove "
				"one of them",
				others[i].key);
	return 0;
}

static int check_pki(const struct node_config *node, struct error *err)
{
	if (!node_pki_given(&node->pki))
		return 0;
	for (size_t i = 0; i < node_pki_keys(); i++) {
		bool given = *node_pki_at(i, &node->pki), plane = node->role != NODE_WORKER;
		bool common = !node_pki_is_of_cluster(i) || node_pki_at(i, &node->pki) == &node->pki.ca;
		if (!given && (common || plane))
			return yaml_error(place(node, "pki"), err,
					  "role %s with 'pki' needs 'pki.%s'; `nodekiln seed` and `deploy` write it",
					  node_role_name(node->role), node_pki_key(i));
		if (given && !common && !plane)
			return yaml_error(yaml_find(place(node, "pki"), node_pki_key(i)), err,
					  "'pki.%s' is for control planes; a worker must not have it; remove it",
					  node_pki_key(i));
	}
	if (!node->name)
		return yaml_error(place(node, "pki"), err,
				  "'pki' needs 'node.name', which the node's certificate names");
	return check_no_token(node, err);
}

static int check_keys(const struct node_config *node, struct error *err)
{
	if (node->pki.ca)
		return 0;
	if (node->role == NODE_CONTROL_PLANE && !node->certificate_key)
		return yaml_error(
			node->tree, err,
			"role control-plane needs 'certificate_key', the same as on the init node: it decrypts "
			"the cluster's certificates");
	if (node->role == NODE_WORKER && node->certificate_key)
		return yaml_error(
			place(node, "certificate_key"), err,
			"'certificate_key' decrypts the cluster's CA, which a worker must not have; remove it");
	return 0;
}

static int check_joiner(const struct node_config *node, struct error *err)
{
	const char *role = node_role_name(node->role);

	if (node->role == NODE_INIT)
		return 0;
	if (!node->pki.ca && !node->token)
		return yaml_error(node->tree, err,
				  "role %s needs 'token', the one of the init node or of `kubeadm token create`", role);
	if (node->proxmox.given)
		return 0;
	if (!node->endpoint)
		return yaml_error(node->tree, err,
				  "role %s needs 'control_plane_endpoint', or a proxmox section to find it with", role);
	if (!node->pki.ca && !node->ca_cert_hashes.n)
		return yaml_error(
			node->tree, err,
			"role %s needs 'ca_cert_hashes' to verify the control plane, or a proxmox section to find "
			"them with",
			role);
	return 0;
}

/* The networks of "A[,B]", which are valid. Returns how many. */
static size_t split_networks(const char *text, struct subnet ret[2])
{
	const char *comma = strchr(text, ',');
	CLEANUP(free_p) char *first = xstrndup(text, comma ? (size_t)(comma - text) : strlen(text));

	if (!subnet_parse(first, &ret[0]))
		return 0;
	return comma && subnet_parse(comma + 1, &ret[1]) ? 2 : 1;
}

static bool overlap(const char *networks, const struct subnet *other)
{
	struct subnet n[2];
	bool found = false;

	for (size_t i = networks ? split_networks(networks, n) : 0; i > 0; i--)
		found |= subnet_overlap(&n[i - 1], other);
	return found;
}

/* The default only for init: the cluster of a joining node may have other networks. */
static const char *services(const struct node_config *node)
{
	return node->service_subnet || node->role != NODE_INIT ? node->service_subnet : SERVICES_DEFAULT;
}

/* A node's address must be outside the cluster's internal networks. */
static int check_outside(const struct node_config *node, const char *path, const char *text, struct error *err)
{
	struct subnet address;

	if (!text || !subnet_parse_address(text, &address))
		return 0;
	if (overlap(node->pod_subnet, &address))
		return yaml_error(place(node, path), err,
				  "'%s' %s is inside networking.pod_subnet %s; choose another "
				  "pod_subnet",
				  path, text, node->pod_subnet);
	if (overlap(services(node), &address))
		return yaml_error(place(node, path), err,
				  "'%s' %s is inside networking.service_subnet %s%s; choose "
				  "another service_subnet",
				  path, text, services(node), node->service_subnet ? "" : " (the default)");
	return 0;
}

static int check_addresses(const struct node_config *node, struct error *err)
{
	CLEANUP(free_p) char *host = xstrdup_or_null(node->endpoint);

	if (host)
		*strrchr(host, ':') = '\0';
	if (host && host[0] == '[') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	if (check_outside(node, "control_plane_endpoint", host, err) < 0)
		return -1;
	return check_outside(node, "node.ip", node->ip, err);
}

static int check_networks(const struct node_config *node, struct error *err)
{
	struct subnet n[2];

	for (size_t i = services(node) ? split_networks(services(node), n) : 0; i > 0; i--)
		if (overlap(node->pod_subnet, &n[i - 1]))
			return yaml_error(place(node, "networking.pod_subnet"), err,
					  "'networking.pod_subnet' %s overlaps networking.service_subnet %s%s; choose "
					  "another",
					  node->pod_subnet, services(node),
					  node->service_subnet ? "" : " (the default)");
	return 0;
}

static int check_labels(const struct node_config *node, struct error *err)
{
	for (size_t i = 0; i < node->labels.n; i++)
		if (!kubelet_label_is_valid(node->labels.at[i].key))
			return yaml_error(
				yaml_find(place(node, "node.labels"), node->labels.at[i].key), err,
				"kubelet may not set the label '%s' on its own node; remove it, and when the node "
				"is Ready: kubectl label node NAME %s=%s",
				node->labels.at[i].key, node->labels.at[i].key, node->labels.at[i].value);
	return 0;
}

/* The arguments of kubelet that other keys or kubeadm set. */
static const struct {
	const char *argument, *instead;
} kubelet_owned[] = {
	{ "node-ip", "set node.ip instead" },
	{ "hostname-override", "set node.name instead" },
	{ "node-labels", "set node.labels instead" },
	{ "register-with-taints", "set node.taints instead" },
	{ "provider-id", "set node.provider_id instead" },
	{ "container-runtime-endpoint", "set cri_socket instead" },
	{ "config", "kubeadm writes that file; use kubeadm.patches to change it" },
	{ "kubeconfig", "kubeadm writes that file" },
	{ "bootstrap-kubeconfig", "kubeadm writes that file" },
	{ "cgroup-driver", "it is systemd on every node" },
};

static int check_kubelet(const struct node_config *node, struct error *err)
{
	for (size_t i = 0; i < node->kubelet_args.n; i++) {
		const char *argument = node->kubelet_args.at[i].key;

		for (size_t k = 0; k < ARRAY_SIZE(kubelet_owned); k++)
			if (!strcmp(kubelet_owned[k].argument, argument))
				return yaml_error(yaml_find(place(node, "kubelet.extra_args"), argument), err,
						  "'kubelet.extra_args' has '%s'; %s", argument,
						  kubelet_owned[k].instead);
	}
	return 0;
}

static int check_provider(const struct node_config *node, struct error *err)
{
	if (node->provider == NODE_PROVIDER_VMID && !node->proxmox.given && !node->proxmox.vmid)
		return yaml_error(
			place(node, "node.provider_id"), err,
			"'node.provider_id: vmid' needs proxmox.vmid, or proxmox.url and a token to find it with");
	if (node->region && node->provider != NODE_PROVIDER_VMID)
		return yaml_error(
			place(node, "node.region"), err,
			"'node.region' is part of proxmox://REGION/VMID; add node.provider_id: vmid or remove it");
	return 0;
}

/* proxmox.vmid alone is fine: it becomes the provider ID, and no API is called. */
static int check_proxmox(const struct node_config *node, struct error *err)
{
	const struct {
		const char *key;
		bool given;
	} needs_url[] = {
		{ "node", node->proxmox.node },
		{ "token_id", node->proxmox.token_id },
		{ "token_secret", node->proxmox.token_secret },
		{ "ca", node->proxmox.ca },
		{ "fingerprints", node->proxmox.fingerprints.n > 0 },
	};

	for (size_t i = 0; !node->proxmox.given && i < ARRAY_SIZE(needs_url); i++)
		if (needs_url[i].given)
			return yaml_error(place(node, "proxmox"), err,
					  "'proxmox.%s' is set, but 'proxmox.url' is missing", needs_url[i].key);
	if (node->proxmox.given && (!node->proxmox.token_id || !node->proxmox.token_secret))
		return yaml_error(place(node, "proxmox.url"), err,
				  "'proxmox.url' needs proxmox.token_id and proxmox.token_secret");
	return 0;
}

int node_config_check(const struct node_config *node, struct error *err)
{
	static int (*const checks[])(const struct node_config *, struct error *) = {
		check_name,     check_proxmox,   check_pki,    check_init,    check_keys,     check_joiner,
		check_networks, check_addresses, check_labels, check_kubelet, check_provider,
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i](node, err) < 0)
			return -1;
	return 0;
}
