/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Validators: whether a text from a configuration, a lock file or an API answer has the form that its key requires. Pure. A text
 * that passes is safe in a path, an argument vector, an apt source and kubeadm's YAML.
 *
 * The X_normalize functions replace a valid, malloced text by the one spelling that comparisons, kubeadm and Proxmox VE
 * expect.
 */
#include <stdbool.h>
#include <stddef.h>

/* General. */
/* RFC 1123 in lower case: up to 63 of a-z 0-9 -, a letter or digit at both ends. */
bool dns_label_is_valid(const char *s);
/* "; in lower case it is valid", when only the capital letters of s are wrong; else "". */
const char *validate_case_hint(bool (*is)(const char *s), const char *s);
bool dns_name_is_valid(const char *s); /* labels with dots between, up to 253 characters */
bool ip_address_is_valid(const char *s);
bool endpoint_is_valid(const char *s);      /* HOST[:PORT]; IPv6 in brackets */
bool path_is_valid(const char *s);          /* absolute, no control characters, no empty or ".." component */
bool path_is_normalized(const char *s);     /* also no "." component and no slash at the end */
bool unix_socket_is_valid(const char *s);   /* unix:///PATH */
bool filename_is_valid(const char *s);      /* one component of a path or URL */
bool url_is_valid(const char *s);           /* http, https or file; no spaces or quotes */
bool hex_is_valid(const char *s, size_t n); /* exactly n hex digits of either case */
bool uuid_is_valid(const char *s);
bool fingerprint_is_valid(const char *s);         /* SHA-256: 64 hex digits, colons between all pairs or none */
bool certificate_or_path_is_valid(const char *s); /* PEM text without a private key, or the path of a file */
bool certificate_text_is_valid(const char *s);    /* PEM text of a certificate, without a private key */
bool public_key_text_is_valid(const char *s);     /* PEM text of a public key */
bool unit_name_is_valid(const char *s);           /* of systemd, with its suffix */
bool recipe_name_is_valid(const char *s); /* a DNS name of up to 63 characters, which PVE takes as a guest's name */

void case_normalize(char **s);        /* lower case */
void endpoint_normalize(char **s);    /* ":6443" appended when there is no port */
void fingerprint_normalize(char **s); /* AA:BB:... */

/* Debian (deb-control(5), deb-version(7)). */
bool debian_package_is_valid(const char *s);
bool debian_version_is_valid(const char *s);

/* Kubernetes. */
bool kubernetes_version_is_valid(const char *s); /* [v]1.MINOR.PATCH */
/* "1.34" or "1.34.1" into its numbers; *ret_patch is -1 when there is none. */
bool kubernetes_release_parse(const char *s, int *ret_major, int *ret_minor, int *ret_patch);
bool pod_subnet_is_valid(const char *s);      /* a network, or one of each family with a comma between */
bool service_subnet_is_valid(const char *s);  /* the same with the limits of services */
bool bootstrap_token_is_valid(const char *s); /* kubeadm's: ID.SECRET */
bool certificate_key_is_valid(const char *s); /* kubeadm's */
bool ca_cert_hash_is_valid(const char *s);    /* sha256:HEX */
bool label_key_is_valid(const char *s);       /* [PREFIX/]NAME */
bool label_value_is_valid(const char *s);     /* may be empty */
bool kubelet_label_is_valid(const char *s);   /* a label key that kubelet may set on its own node */
bool taint_is_valid(const char *s);           /* KEY[=VALUE]:EFFECT */
bool option_name_is_valid(const char *s);     /* of kubelet or a program of the control plane, without its dashes */
bool kubeadm_phase_is_valid(const char *s);   /* PHASE[/SUBPHASE] */
bool kubeadm_check_is_valid(const char *s);   /* of kubeadm's preflight */

void kubernetes_version_normalize(char **s); /* "v" put in front */

/* Proxmox VE. */
bool pve_url_is_valid(const char *s); /* https://HOST[:PORT] */
bool pve_node_is_valid(const char *s);
bool pve_token_id_is_valid(const char *s); /* USER@REALM!NAME */
bool pve_region_is_valid(const char *s);   /* of provider IDs: proxmox://REGION/VMID */
