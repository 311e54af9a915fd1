/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/node_config_schema.h"

#include <stddef.h>

#include "lib/alloc.h"
#include "lib/duration.h"
#include "lib/ec_key.h"
#include "lib/macro.h"
#include "lib/validate.h"
#include "lib/yaml.h"

#define WEEK (7 * 24 * 3600L)
#define VMID_MIN 100 /* Proxmox VE's limits */
#define VMID_MAX 999999999

static const char *const roles[] = {
	[NODE_INIT] = "init", [NODE_CONTROL_PLANE] = "control-plane", [NODE_WORKER] = "worker", NULL
};
static const char *const providers[] = {
	[NODE_PROVIDER_NONE] = "none", [NODE_PROVIDER_VMID] = "vmid", [NODE_PROVIDER_UUID] = "uuid", NULL
};
static const char *const pod_networks[] = {
	[NODE_POD_NETWORK_NONE] = "none", [NODE_POD_NETWORK_BRIDGE] = "bridge", NULL
};

#define CERTIFICATE "a PEM certificate, as `nodekiln seed` writes it"
#define KEY "64 hex digits, as `nodekiln seed` writes them"
#define AT(member) offsetof(struct node_config, member)

/* clang-format off */
const struct node_config_field node_config_fields[] = {
	{ NULL, "cluster", FIELD_STRING, AT(cluster), .is_valid = dns_label_is_valid,
	  .allowed = "up to 63 of a-z 0-9 - with a letter or digit at both ends" },
	{ NULL, "role", FIELD_CHOICE, AT(role), .names = roles },
	{ NULL, "control_plane_endpoint", FIELD_STRING, AT(endpoint), .is_valid = endpoint_is_valid,
	  .normalize = endpoint_normalize,
	  .allowed = "HOST or HOST:PORT; an IPv6 address in brackets" },
	{ NULL, "token", FIELD_STRING, AT(token), .is_valid = bootstrap_token_is_valid, .secret = true,
	  .allowed = "six of a-z 0-9, a dot, sixteen of a-z 0-9, as `kubeadm token generate` makes them" },
	{ NULL, "token_ttl", FIELD_DURATION, AT(token_ttl), .max = DURATION_MAX },
	{ NULL, "ca_cert_hashes", FIELD_STRINGS, AT(ca_cert_hashes), .is_valid = ca_cert_hash_is_valid, .normalize = case_normalize,
	  .allowed = "sha256: and 64 hex digits" },
	{ NULL, "certificate_key", FIELD_STRING, AT(certificate_key), .is_valid = certificate_key_is_valid,
	  .normalize = case_normalize, .secret = true,
	  .allowed = "64 hex digits, as `kubeadm certs certificate-key` makes them" },
	{ NULL, "kubernetes_version", FIELD_STRING, AT(kubernetes_version), .is_valid = kubernetes_version_is_valid,
	  .normalize = kubernetes_version_normalize,
	  .allowed = "all three numbers, e.g. v1.34.1" },
	{ NULL, "cri_socket", FIELD_STRING, AT(cri_socket), .is_valid = unix_socket_is_valid,
	  .allowed = "e.g. unix:///run/containerd/containerd.sock" },
	{ NULL, "manifests", FIELD_STRINGS, AT(manifests), .is_valid = path_is_valid,
	  .allowed = "absolute paths of files or directories in the guest" },

	{ "networking", "pod_subnet", FIELD_STRING, AT(pod_subnet), .is_valid = pod_subnet_is_valid,
	  .allowed = "a network without host bits, e.g. 10.244.0.0/16; IPv4 /8 "
		     "to /24, IPv6 /48 to /64, or one of each with a comma between" },
	{ "networking", "service_subnet", FIELD_STRING, AT(service_subnet), .is_valid = service_subnet_is_valid,
	  .allowed = "a network without host bits, e.g. 10.96.0.0/12; "
		     "IPv4 /12 to /28, IPv6 /108 to /124, "
		     "or one of each with a comma between" },
	{ "networking", "dns_domain", FIELD_STRING, AT(dns_domain), .is_valid = dns_name_is_valid,
	  .allowed = "a DNS domain, e.g. cluster.local" },
	{ "networking", "pod_network", FIELD_CHOICE, AT(pod_network), .names = pod_networks },

	{ "node", "name", FIELD_STRING, AT(name), .is_valid = dns_name_is_valid,
	  .allowed = "a DNS name in lower case, labels of up to 63 of a-z 0-9 -" },
	{ "node", "ip", FIELD_STRING, AT(ip), .is_valid = ip_address_is_valid, .allowed = "one IP address" },
	{ "node", "labels", FIELD_PAIRS, AT(labels), .is_valid = label_key_is_valid, .is_valid_value = label_value_is_valid,
	  .allowed = "[PREFIX/]NAME: VALUE, name and value up to 63 of a-z A-Z 0-9 - _ ."
		     " with a letter or digit at both ends" },
	{ "node", "taints", FIELD_STRINGS, AT(taints), .is_valid = taint_is_valid,
	  .allowed = "KEY[=VALUE]:EFFECT with the effect NoSchedule, PreferNoSchedule or NoExecute" },
	{ "node", "provider_id", FIELD_CHOICE, AT(provider), .names = providers },
	{ "node", "region", FIELD_STRING, AT(region), .is_valid = pve_region_is_valid, .allowed = "a word of a-z A-Z 0-9 - _ ." },

	{ "kubelet", "extra_args", FIELD_PAIRS, AT(kubelet_args), .is_valid = option_name_is_valid,
	  .allowed = "kubelet's options without their dashes, e.g. max-pods: 50" },

	{ "api_server", "extra_args", FIELD_PAIRS, AT(api_server_args), .is_valid = option_name_is_valid,
	  .allowed = "kube-apiserver's options without their dashes, e.g. event-ttl: 2h" },
	{ "controller_manager", "extra_args", FIELD_PAIRS, AT(controller_manager_args), .is_valid = option_name_is_valid,
	  .allowed = "kube-controller-manager's options without their dashes, e.g. terminated-pod-gc-threshold: 100" },
	{ "scheduler", "extra_args", FIELD_PAIRS, AT(scheduler_args), .is_valid = option_name_is_valid,
	  .allowed = "kube-scheduler's options without their dashes, e.g. v: 2" },
	{ "etcd", "extra_args", FIELD_PAIRS, AT(etcd_args), .is_valid = option_name_is_valid,
	  .allowed = "etcd's options without their dashes, e.g. quota-backend-bytes: 4294967296" },

	{ "kubeadm", "patches", FIELD_STRING, AT(patches), .is_valid = path_is_valid,
	  .allowed = "a directory's absolute path in the guest" },
	{ "kubeadm", "skip_phases", FIELD_STRINGS, AT(skip_phases), .is_valid = kubeadm_phase_is_valid,
	  .allowed = "kubeadm's phases, e.g. addon/kube-proxy" },
	{ "kubeadm", "ignore_preflight_errors", FIELD_STRINGS, AT(ignore_preflight), .is_valid = kubeadm_check_is_valid,
	  .allowed = "names of checks, e.g. swap or NumCPU" },

	{ "timeouts", "rendezvous", FIELD_DURATION, AT(timeout_rendezvous), .min = 1, .max = WEEK },
	{ "timeouts", "kubeadm", FIELD_DURATION, AT(timeout_kubeadm), .min = 1, .max = WEEK },
	{ "timeouts", "ready", FIELD_DURATION, AT(timeout_ready), .min = 1, .max = WEEK },

	{ "proxmox", "url", FIELD_STRING, AT(proxmox.url), .is_valid = pve_url_is_valid,
	  .allowed = "https://HOST or https://HOST:PORT, without a path" },
	{ "proxmox", "node", FIELD_STRING, AT(proxmox.node), .is_valid = pve_node_is_valid,
	  .allowed = "the name of a Proxmox VE node" },
	{ "proxmox", "vmid", FIELD_NUMBER, AT(proxmox.vmid), .min = VMID_MIN, .max = VMID_MAX },
	{ "proxmox", "token_id", FIELD_STRING, AT(proxmox.token_id), .is_valid = pve_token_id_is_valid,
	  .allowed = "USER@REALM!NAME, e.g. kiln@pve!node7" },
	{ "proxmox", "token_secret", FIELD_STRING, AT(proxmox.token_secret), .is_valid = uuid_is_valid, .secret = true,
	  .allowed = "the UUID that Proxmox VE shows when it creates the token" },
	{ "proxmox", "ca", FIELD_STRING, AT(proxmox.ca), .is_valid = certificate_or_path_is_valid, .unshown = true,
	  .allowed = "a PEM certificate (never a private key), or the absolute path of a file with one in the guest" },
	{ "proxmox", "fingerprints", FIELD_STRINGS, AT(proxmox.fingerprints), .is_valid = fingerprint_is_valid,
	  .normalize = fingerprint_normalize,
	  .allowed = "SHA-256 fingerprints: 32 pairs of hex digits with colons between, as Proxmox VE shows them" },

	{ "pki", "ca", FIELD_STRING, AT(pki.ca), .is_valid = certificate_text_is_valid, .unshown = true,
	  .allowed = CERTIFICATE },
	{ "pki", "certificate", FIELD_STRING, AT(pki.certificate), .is_valid = certificate_text_is_valid, .unshown = true,
	  .allowed = CERTIFICATE },
	{ "pki", "key", FIELD_STRING, AT(pki.key), .is_valid = ec_key_is_valid, .normalize = case_normalize, .secret = true,
	  .allowed = KEY },
	{ "pki", "ca_key", FIELD_STRING, AT(pki.ca_key), .is_valid = ec_key_is_valid, .normalize = case_normalize, .secret = true,
	  .allowed = KEY },
	{ "pki", "etcd_ca", FIELD_STRING, AT(pki.etcd_ca), .is_valid = certificate_text_is_valid, .unshown = true,
	  .allowed = CERTIFICATE },
	{ "pki", "etcd_ca_key", FIELD_STRING, AT(pki.etcd_ca_key), .is_valid = ec_key_is_valid, .normalize = case_normalize, .secret = true,
	  .allowed = KEY },
	{ "pki", "front_proxy_ca", FIELD_STRING, AT(pki.front_proxy_ca), .is_valid = certificate_text_is_valid, .unshown = true,
	  .allowed = CERTIFICATE },
	{ "pki", "front_proxy_ca_key", FIELD_STRING, AT(pki.front_proxy_ca_key), .is_valid = ec_key_is_valid, .normalize = case_normalize, .secret = true,
	  .allowed = KEY },
	{ "pki", "service_account_public_key", FIELD_STRING, AT(pki.service_account_public_key), .is_valid = public_key_text_is_valid, .unshown = true,
	  .allowed = "a PEM public key, as `nodekiln seed` writes it" },
	{ "pki", "service_account_key", FIELD_STRING, AT(pki.service_account_key), .is_valid = ec_key_is_valid, .normalize = case_normalize, .secret = true,
	  .allowed = KEY },
};
/* clang-format on */
const size_t node_config_fields_n = ARRAY_SIZE(node_config_fields);

char *node_config_field_path(const struct node_config_field *f)
{
	return xasprintf("%s%s%s", f->section ? f->section : "", f->section ? "." : "", f->key);
}

void *node_config_field_at(const struct node_config_field *f, const struct node_config *node)
{
	return (char *)node + f->offset;
}

struct yaml *node_config_field_find(const struct node_config_field *f, const struct yaml *tree)
{
	return yaml_find(f->section ? yaml_find(tree, f->section) : tree, f->key);
}

const char *node_role_name(enum node_role role)
{
	return roles[role];
}
