/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * kubeadm's configuration for the installed version: v1beta2 (1.20, 1.21), v1beta3 (1.22 to 1.30), v1beta4
 * (from 1.31). https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
 *
 * Documents are JSON (which YAML parsers read), separated by "---".
 */
#include "agent/facts.h"
#include "lib/node_config.h"
#include "lib/text.h"

/* The arguments of one run of kubeadm; everything is borrowed. */
struct kubeadm_run {
	const struct node_config *node;
	const struct facts *machine;
	bool init;                            /* else join */
	bool control_plane;                   /* of a join */
	const char *name, *address;           /* node name and the address it is reached by */
	const char *endpoint;                 /* HOST:PORT; NULL for init = this node's address */
	const struct strings *ca_cert_hashes; /* of a join */
	const char *provider_id;              /* NULL = none */
	const char *spent_token;              /* of an init with the seed's PKI: see kubeadm_init.c; NULL = none */
	bool again;                           /* an earlier run was interrupted: what it left behind is no error */
};

enum kubeadm_api { KUBEADM_V1BETA2, KUBEADM_V1BETA3, KUBEADM_V1BETA4 };
/* ERROR_HOST when no API version is known for this minor version. */
int kubeadm_api(int minor, enum kubeadm_api *ret, struct error *err) MUST_CHECK;
/* masked: secrets are shown as "(hidden)". ERROR_INPUT for values that kubelet or kubeadm would refuse. */
int kubeadm_config(const struct kubeadm_run *run, bool masked, struct text *ret, struct error *err) MUST_CHECK;
/* The command line: kubeadm init|join --config FILE and the flags that the file has no field for. Contains no
 * secret. */
void kubeadm_argv(const struct kubeadm_run *run, const char *config_file, struct strings *ret);
/* The preflight checks to ignore, and the phases to skip on this machine. */
void kubeadm_ignored(const struct kubeadm_run *run, struct strings *ret);
void kubeadm_skipped(const struct kubeadm_run *run, struct strings *ret);
