/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A node's configuration, which `nodekiln seed` writes and nodekiln-agent reads. It is a YAML document,
 * /etc/nodekiln/node.yaml; the map `nodekiln:` of cloud-init's meta-data may hold the same keys but no secrets, because every
 * process in the guest can read instance-data.json. agent/README.md shows every key.
 *
 * Reading takes two steps: documents are merged as trees (a later document's keys win; maps merge, lists and scalars replace),
 * then the tree is read and checked as a whole. Every value keeps its origin, "FILE:LINE", for messages.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/node_pki.h"
#include "lib/text.h"
#include "lib/yaml.h"

#define NODE_CONFIG_FILE "/etc/nodekiln/node.yaml"
/* The same document in a seed's volume, next to user-data. The agent reads it there; cloud-init, which copies what it knows onto the
 * root disk several times, does not know it. */
#define NODE_CONFIG_SEED "nodekiln.yaml"
#define NODE_CLUSTER_MAX 63

enum node_role { NODE_INIT, NODE_CONTROL_PLANE, NODE_WORKER };
enum node_provider { NODE_PROVIDER_NONE, NODE_PROVIDER_VMID, NODE_PROVIDER_UUID };
enum node_pod_network { NODE_POD_NETWORK_NONE, NODE_POD_NETWORK_BRIDGE };

/* Lists of pairs keep their order. */
struct node_config_pair {
	char *key, *value; /* owned */
};
struct node_config_pairs {
	struct node_config_pair *at; /* owned */
	size_t n, max;
};

/* All pointers are owned; NULL = not given. Durations are seconds. */
struct node_config {
	char *cluster; /* cluster: a DNS label */
	enum node_role role;
	char *endpoint;                /* control_plane_endpoint: HOST:PORT (":6443" added when there is no port) */
	char *token;                   /* token: [a-z0-9]{6}.[a-z0-9]{16}; SECRET */
	long token_ttl;                /* token_ttl: "24h"; 0 never expires */
	struct strings ca_cert_hashes; /* ca_cert_hashes: "sha256:<64 hex>" */
	char *certificate_key;         /* certificate_key: 64 hex; SECRET */
	char *pod_subnet, *service_subnet, *dns_domain; /* networking: */
	enum node_pod_network pod_network;              /* networking.pod_network: none | bridge */
	char *kubernetes_version;              /* kubernetes_version: "v1.34.1"; NULL = that of the installed kubeadm */
	char *name, *ip;                       /* node.name (NULL = host name), node.ip */
	struct node_config_pairs labels;       /* node.labels */
	struct strings taints;                 /* node.taints: "key[=value]:Effect" */
	bool taints_given;                     /* taints: [] means none, absent means kubeadm's default */
	enum node_provider provider;           /* node.provider_id: none | vmid | uuid */
	char *region;                          /* node.region, for proxmox://REGION/VMID; NULL = the cluster's name */
	struct node_config_pairs kubelet_args; /* kubelet.extra_args */
	/* api_server.extra_args, controller_manager.extra_args, scheduler.extra_args, etcd.extra_args */
	struct node_config_pairs api_server_args, controller_manager_args, scheduler_args, etcd_args;
	char *patches;                                /* kubeadm.patches: a directory in the guest */
	struct strings skip_phases, ignore_preflight; /* kubeadm.skip_phases, kubeadm.ignore_preflight_errors */
	char *cri_socket;                             /* cri_socket: unix:///... ; NULL = what is installed */
	struct strings manifests; /* manifests: files or directories in the guest, applied after init in order */
	/* timeouts: rendezvous 30m, kubeadm 20m (all tries), ready 10m */
	long timeout_rendezvous, timeout_kubeadm, timeout_ready;
	struct {
		bool given;                  /* url is given: there is an API */
		char *url;                   /* proxmox.url: https://HOST[:8006] */
		char *node;                  /* proxmox.node; NULL = found */
		long vmid;                   /* proxmox.vmid; 0 = found. May be the only key, for provider_id */
		char *token_id;              /* proxmox.token_id: USER@REALM!ID */
		char *token_secret;          /* proxmox.token_secret: a UUID; SECRET */
		char *ca;                    /* proxmox.ca: PEM text, or the path of a file in the guest */
		struct strings fingerprints; /* proxmox.fingerprints: SHA-256 of the leaf, AA:BB:... */
	} proxmox;
	struct node_pki pki; /* pki: when the cluster's PKI is the deployer's */
	struct yaml *tree;   /* owned; what it was read from */
};

/* The keys that hold secrets: "token", "proxmox.token_secret", "pki.ca_key", ...; NULL-terminated. */
extern const char *const node_config_secret_keys[];

/* Parses one document; file is its name in messages. A document that is not a map is ERROR_INPUT. */
int node_config_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err) MUST_CHECK;
/* Merges over into base; over's keys win; over is consumed. */
void node_config_merge(struct yaml *base, struct yaml *over);
/* ERROR_INPUT when the tree has a secret key: the message says where, and where it belongs instead. */
int node_config_refuse_secrets(const struct yaml *tree, struct error *err) MUST_CHECK;
bool node_config_holds_secrets(const struct yaml *tree);
/* Reads and checks the whole tree, which is consumed also on failure. Unknown keys, invalid values, and combinations that cannot
 * work are ERROR_INPUT with their origin. */
int node_config_read(struct yaml *tree, struct node_config *ret, struct error *err) MUST_CHECK;
/* "FILE:LINE" of the key "a.b"; "the default" when it was not given. Borrowed until the next call. */
const char *node_config_origin(const struct node_config *node, const char *key);
/* The inverse of node_config_read(): a document that reads back as the same node; secrets in clear, or as "(hidden)". */
void node_config_print(const struct node_config *node, bool with_secrets, struct text *ret);
/* The first pair's value, of node_config; NULL: no pair has that key. */
const char *node_config_pair_value(const struct node_config_pairs *pairs, const char *key);
const char *node_role_name(enum node_role role); /* "init", "control-plane", "worker" */
/* Overwrites the secrets in memory, then frees. */
void node_config_done(struct node_config *node);
