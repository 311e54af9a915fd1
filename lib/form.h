/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The forms that words of a node's configuration must have: whether a text can be what its key says it is. Pure. The form_tidy_*
 * functions bring a text that has its form into the one spelling that everybody compares and kubeadm or Proxmox VE read.
 */
#include <stdbool.h>

/* Kubernetes' words. */
bool form_is_dns_label(const char *s);
bool form_is_dns_name(const char *s);
bool form_is_endpoint(const char *s);  /* HOST[:PORT]; IPv6 in brackets */
bool form_is_address(const char *s);   /* an IP address */
bool form_is_pods(const char *s);      /* a network for pods; or one of each family with a comma between */
bool form_is_services(const char *s);  /* the same for services, which are fewer */
bool form_is_token(const char *s);     /* a bootstrap token */
bool form_is_key(const char *s);       /* a certificate key */
bool form_is_ca_hash(const char *s);   /* sha256:HEX */
bool form_is_version(const char *s);   /* [v]1.MINOR.PATCH */
bool form_is_label_key(const char *s); /* [PREFIX/]NAME */
bool form_is_label_value(const char *s);
bool form_is_own_label(const char *s); /* a label key that kubelet may put on its own node */
bool form_is_taint(const char *s);     /* KEY[=VALUE]:EFFECT */
bool form_is_argument(const char *s);  /* of a program, without its dashes */
bool form_is_phase(const char *s);     /* of kubeadm */
bool form_is_check(const char *s);     /* of a preflight */
bool form_is_socket(const char *s);    /* unix:///PATH */
bool form_is_path(const char *s);      /* absolute */
/* Proxmox VE's. */
bool form_is_pve_url(const char *s);
bool form_is_pve_node(const char *s);
bool form_is_pve_token(const char *s); /* USER@REALM!ID */
bool form_is_uuid(const char *s);
bool form_is_fingerprint(const char *s);
bool form_is_certificate(const char *s); /* PEM text without a private key, or the path of a file */
bool form_is_region(const char *s);

void form_tidy_endpoint(char **s); /* ":6443" added */
void form_tidy_version(char **s);  /* "v" added */
void form_tidy_lower(char **s);
void form_tidy_fingerprint(char **s); /* AA:BB:... */

/* Overwrites whatever in a message looks like a token, a certificate key or a UUID. */
void form_hide_secrets(char *message);
