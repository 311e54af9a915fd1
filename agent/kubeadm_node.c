/* SPDX-License-Identifier: Apache-2.0 */
/* The node's part of kubeadm's configuration, the same for init and join. */
#include <string.h>

#include "agent/cri.h"
#include "agent/kubeadm_internal.h"
#include "agent/profile.h"
#include "lib/alloc.h"
#include "lib/duration.h"

#define API_PORT 6443

static const char *const versions[] = {
	[KUBEADM_V1BETA2] = "kubeadm.k8s.io/v1beta2",
	[KUBEADM_V1BETA3] = "kubeadm.k8s.io/v1beta3",
	[KUBEADM_V1BETA4] = "kubeadm.k8s.io/v1beta4",
};

struct json *kubeadm_new(const struct kubeadm_document *d, const char *kind)
{
	struct json *document = json_object();

	json_put_string(document, "apiVersion", versions[d->api]);
	json_put_string(document, "kind", kind);
	return document;
}

const char *kubeadm_secret(const struct kubeadm_document *d, const char *secret)
{
	return d->masked ? "(hidden)" : secret;
}

void kubeadm_put_duration(struct json *object, const char *key, long seconds)
{
	char buffer[DURATION_TEXT];

	json_put_string(object, key, duration_text(seconds, buffer));
}

/* Half of the time for all tries, so that a second try is possible. */
long kubeadm_step_timeout(const struct kubeadm_document *d, long most)
{
	long half = d->run->node->timeout_kubeadm / 2;

	return half > 0 && half < most ? half : most;
}

/* kubelet's flags; each name once. */
struct args {
	struct strings names, values;
};

static void args_done(struct args *a)
{
	strings_done(&a->names);
	strings_done(&a->values);
}

/* A second value replaces the first, except that lists are joined. */
static void args_set(struct args *a, const char *name, const char *value)
{
	bool list = !strcmp(name, "node-labels") || !strcmp(name, "feature-gates");

	for (size_t i = 0; i < a->names.n; i++)
		if (!strcmp(a->names.at[i], name)) {
			char *old = a->values.at[i];
			a->values.at[i] = list ? xasprintf("%s,%s", old, value) : xstrdup(value);
			free(old);
			return;
		}
	strings_add(&a->names, name);
	strings_add(&a->values, value);
}

/* These are flags because kubelet's configuration is shared by the whole cluster. */
static void args_of_profile(const struct facts *m, struct args *a)
{
	const struct profile *profile = profile_of(m);

	for (size_t i = 0; i < ARRAY_SIZE(profile->kubelet_args) && profile->kubelet_args[i].name; i++) {
		const struct profile_arg *arg = &profile->kubelet_args[i];
		if (!arg->last_minor || m->kubeadm_minor <= arg->last_minor)
			args_set(a, arg->name, arg->value);
	}
}

static void args_of(const struct kubeadm_run *run, struct args *a)
{
	const struct node_config *node = run->node;
	const char *gate = cri_kubelet_gate(node, run->machine);

	if (node->ip)
		args_set(a, "node-ip", node->ip);
	for (size_t i = 0; i < node->labels.n; i++) {
		CLEANUP(free_p) char *label = xasprintf("%s=%s", node->labels.at[i].key, node->labels.at[i].value);
		args_set(a, "node-labels", label);
	}
	if (run->provider_id)
		args_set(a, "provider-id", run->provider_id);
	args_of_profile(run->machine, a);
	if (gate)
		args_set(a, "feature-gates", gate);
	for (size_t i = 0; i < node->kubelet_args.n; i++)
		args_set(a, node->kubelet_args.at[i].key, node->kubelet_args.at[i].value);
}

void kubeadm_add_arg(const struct kubeadm_document *d, struct json *args, const char *name, const char *value)
{
	if (d->api < KUBEADM_V1BETA4) {
		json_put_string(args, name, value);
		return;
	}
	struct json *pair = json_object();
	json_put_string(pair, "name", name);
	json_put_string(pair, "value", value);
	json_push(args, pair);
}

struct json *kubeadm_args(const struct kubeadm_document *d)
{
	return d->api < KUBEADM_V1BETA4 ? json_object() : json_array();
}

static struct json *args_json(const struct kubeadm_document *d, const struct args *a)
{
	struct json *all = kubeadm_args(d);

	for (size_t i = 0; i < a->names.n; i++)
		kubeadm_add_arg(d, all, a->names.at[i], a->values.at[i]);
	return all;
}

/* "key[=value]:Effect" */
static struct json *taint_json(const char *taint)
{
	size_t key = strcspn(taint, "=:");
	const char *colon = strrchr(taint, ':');
	struct json *json = json_object();

	json_put_stringf(json, "key", "%.*s", (int)key, taint);
	if (taint[key] == '=' && colon > taint + key)
		json_put_stringf(json, "value", "%.*s", (int)(colon - taint - (ptrdiff_t)key - 1), taint + key + 1);
	json_put_string(json, "effect", colon ? colon + 1 : "");
	return json;
}

static struct json *pve_registration_json(const struct kubeadm_document *d)
{
	CLEANUP(args_done) struct args args = { 0 };
	CLEANUP(strings_done) struct strings checks = { 0 };
	const struct node_config *node = d->run->node;
	const char *socket = cri_socket_of_kubeadm(node, d->run->machine);
	struct json *registration = json_object();

	json_put_string(registration, "name", d->run->name);
	if (socket)
		json_put_string(registration, "criSocket", socket);
	if (node->taints_given) {
		struct json *taints = json_array();
		for (size_t i = 0; i < node->taints.n; i++)
			json_push(taints, taint_json(node->taints.at[i]));
		json_put(registration, "taints", taints);
	}
	args_of(d->run, &args);
	if (args.names.n)
		json_put(registration, "kubeletExtraArgs", args_json(d, &args));
	kubeadm_ignored(d->run, &checks);
	if (checks.n)
		json_put_strings(registration, "ignorePreflightErrors", &checks);
	return registration;
}

static void put_timeouts(const struct kubeadm_document *d, struct json *document)
{
	struct json *timeouts = json_object();

	kubeadm_put_duration(timeouts, "controlPlaneComponentHealthCheck",
			     kubeadm_step_timeout(d, KUBEADM_HEALTH_TIMEOUT));
	kubeadm_put_duration(timeouts, "kubeletHealthCheck", kubeadm_step_timeout(d, KUBEADM_HEALTH_TIMEOUT));
	/* init's first request is made before any health check, when the API server has yet to start. A join tries a refused
	 * request again for as long, so it keeps kubeadm's minute. */
	if (d->run->init)
		kubeadm_put_duration(timeouts, "kubernetesAPICall", kubeadm_step_timeout(d, KUBEADM_HEALTH_TIMEOUT));
	if (!d->run->init) {
		kubeadm_put_duration(timeouts, "discovery", kubeadm_step_timeout(d, KUBEADM_DISCOVERY_TIMEOUT));
		kubeadm_put_duration(timeouts, "tlsBootstrap", kubeadm_step_timeout(d, KUBEADM_DISCOVERY_TIMEOUT));
	}
	json_put(document, "timeouts", timeouts);
}

void kubeadm_put_node(const struct kubeadm_document *d, struct json *document)
{
	CLEANUP(strings_done) struct strings skipped = { 0 };

	json_put(document, "nodeRegistration", pve_registration_json(d));
	if (d->api == KUBEADM_V1BETA2) /* v1beta2 has no fields for the rest: see kubeadm_argv() */
		return;
	kubeadm_skipped(d->run, &skipped);
	if (skipped.n)
		json_put_strings(document, "skipPhases", &skipped);
	if (d->run->node->patches) {
		struct json *patches = json_object();
		json_put_string(patches, "directory", d->run->node->patches);
		json_put(document, "patches", patches);
	}
	if (d->api == KUBEADM_V1BETA4)
		put_timeouts(d, document);
}

struct json *kubeadm_local_endpoint(const struct kubeadm_document *d)
{
	struct json *endpoint = json_object();

	json_put_string(endpoint, "advertiseAddress", d->run->address);
	json_put_int(endpoint, "bindPort", API_PORT);
	return endpoint;
}
