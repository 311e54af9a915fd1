/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Between the files that make kubeadm's configuration; nobody else includes it.
 */
#include "agent/kubeadm_config.h"
#include "lib/json.h"

/* Seconds, at most; kubeadm's own are 4 and 5 minutes, and a slow disk takes longer to unpack a control plane. */
#define KUBEADM_HEALTH_TIMEOUT 600
#define KUBEADM_DISCOVERY_TIMEOUT 300

/* One configuration in the making; borrowed. */
struct kubeadm_document {
	const struct kubeadm_run *run;
	enum kubeadm_api api;
	bool masked;
};

/* kubeadm_node.c: what both kinds of runs say about the node. */
struct json *kubeadm_new(const struct kubeadm_document *d, const char *kind) MUST_CHECK;
const char *kubeadm_secret(const struct kubeadm_document *d, const char *secret); /* or "(hidden)" */
/* nodeRegistration, skipPhases, patches, timeouts: where this API version has a place for them. */
void kubeadm_put_node(const struct kubeadm_document *d, struct json *document);
struct json *kubeadm_local_endpoint(const struct kubeadm_document *d) MUST_CHECK;
void kubeadm_put_duration(struct json *object, const char *key, long seconds);
/* Seconds that one step inside kubeadm may take, of the time that all tries have. */
long kubeadm_step_timeout(const struct kubeadm_document *d, long most);

/* kubeadm_init.c */
int kubeadm_init_documents(const struct kubeadm_document *d, struct text *ret, struct error *err) MUST_CHECK;
/* kubeadm_join.c */
int kubeadm_join_document(const struct kubeadm_document *d, struct text *ret, struct error *err) MUST_CHECK;
