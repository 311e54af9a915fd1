/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the files that run kubeadm; not for other files.
 */
#include "agent/kubeadm_config.h"
#include "lib/json.h"

#define KUBEADM_CRICTL_LAST_MINOR 30 /* later kubeadm speaks CRI itself */

/* Seconds, at most; kubeadm's own timeouts are 4 and 5 minutes, and a slow disk takes longer to unpack a
 * control plane. */
#define KUBEADM_HEALTH_TIMEOUT 600
#define KUBEADM_DISCOVERY_TIMEOUT 300

/* The context of one configuration; borrowed. */
struct kubeadm_document {
	const struct kubeadm_run *run;
	enum kubeadm_api api;
	bool masked;
};

/* kubeadm_node.c: the parts that init and join share. */
struct json *kubeadm_new(const struct kubeadm_document *d, const char *kind) MUST_CHECK;
const char *kubeadm_secret(const struct kubeadm_document *d, const char *secret); /* the secret, or "(hidden)" */
/* nodeRegistration, skipPhases, patches, timeouts, where this API version has fields for them. */
void kubeadm_put_node(const struct kubeadm_document *d, struct json *document);
struct json *kubeadm_local_endpoint(const struct kubeadm_document *d) MUST_CHECK;
void kubeadm_put_duration(struct json *object, const char *key, long seconds);
/* Extra arguments of a program: a map up to v1beta3, a list of pairs later. */
struct json *kubeadm_args(const struct kubeadm_document *d) MUST_CHECK;
void kubeadm_add_arg(const struct kubeadm_document *d, struct json *args, const char *name, const char *value);
/* Seconds for one wait inside kubeadm: half of the time for all tries, at most `most`. */
long kubeadm_step_timeout(const struct kubeadm_document *d, long most);

/* kubeadm_init.c */
int kubeadm_init_documents(const struct kubeadm_document *d, struct text *ret, struct error *err) MUST_CHECK;
/* kubeadm_join.c */
int kubeadm_join_document(const struct kubeadm_document *d, struct text *ret, struct error *err) MUST_CHECK;
