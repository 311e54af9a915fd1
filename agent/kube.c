/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kube.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/kube_internal.h"
#include "agent/private_log.h"
#include "agent/program.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/json.h"

#define KUBE_CACHE "/run/nodekiln/kubectl" /* in /run, so that a reboot removes it */
#define PEERS_PAGE 50                      /* nodes in one page; each takes some ten KiB */
#define PEERS_MAX 1000                     /* a route for each: a larger cluster needs a real pod network */
#define MANIFESTS_MAX 256                  /* files in one directory */

static const struct json *condition(const struct json *status, const char *type)
{
	const struct json *all = json_get(status, "conditions");

	for (size_t i = 0; i < json_count(all); i++)
		if (text_same(json_get_string(json_at(all, i), "type"), type))
			return json_at(all, i);
	return NULL;
}

int kube_node_parse(const char *text, size_t len, struct kube_node *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *node = NULL;

	if (json_parse("the API server's answer", text ? text : "", len, &node, err) < 0)
		return -1;
	const struct json *ready = condition(json_get(node, "status"), "Ready");
	const char *uid = json_get_string(json_get(node, "metadata"), "uid");
	const char *reason = json_get_string(ready, "reason"), *message = json_get_string(ready, "message");
	if (!uid)
		return error_set(err, ERROR_FAILED, "the API server's answer is not a Node: it has no metadata.uid");
	*ret = (struct kube_node){
		.ready = text_same(json_get_string(ready, "status"), "True"),
		.reason = reason ? xasprintf("%s%s%s", reason, message ? ": " : "", message ? message : "") : NULL,
		.uid = xstrdup(uid),
		.pod_cidr = xstrdup_or_null(json_get_string(json_get(node, "spec"), "podCIDR")),
		.version = xstrdup_or_null(json_get_string(json_get(node, "metadata"), "resourceVersion")),
	};
	return 0;
}

static int answer(const struct http_response *r, const char *url, struct kube_node *ret, struct error *err)
{
	if (r->status == 404) {
		*ret = (struct kube_node){ .reason = xstrdup("it has not registered yet") };
		return 0;
	}
	if (r->status != 200)
		return kube_refuse(r, url, err);
	return kube_node_parse(r->body.data, r->body.len, ret, err);
}

int kube_get_node(const char *root, const char *kubeconfig, const char *name, struct kube_node *ret, struct error *err)
{
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CLEANUP(http_response_done) struct http_response response = { 0 };

	if (kube_load(root, kubeconfig, &k, err) < 0)
		return -1;
	CLEANUP(free_p) char *url = xasprintf("%s/api/v1/nodes/%s", k.server, name);
	if (kube_send(&k, &(struct http_request){ .method = "GET", .url = url }, KUBE_TIMEOUT, &response, err) < 0)
		return -1;
	return answer(&response, url, ret, err);
}

static int list_page(const struct kubeconfig *k, const char *after, struct kube_peers *ret, char **ret_next,
		     struct error *err)
{
	CLEANUP(http_response_done) struct http_response response = { 0 };
	CLEANUP(free_p)
	char *url = xasprintf("%s/api/v1/nodes?limit=%d%s%s", k->server, PEERS_PAGE, after ? "&continue=" : "",
			      after ? after : "");

	if (kube_send(k, &(struct http_request){ .method = "GET", .url = url }, KUBE_TIMEOUT, &response, err) < 0)
		return -1;
	if (response.status == 403)
		return error_set(
			err, ERROR_FAILED,
			"the API server does not let this node list the nodes; on a control plane run `kubectl create "
			"clusterrole " KUBE_PEERS_ROLE " --verb=list,watch --resource=nodes` and `kubectl create "
			"clusterrolebinding " KUBE_PEERS_ROLE " --clusterrole=" KUBE_PEERS_ROLE
			" --group=system:nodes`");
	if (response.status != 200)
		return kube_refuse(&response, url, err);
	return kube_peers_parse(response.body.data, response.body.len, ret, ret_next, err);
}

int kube_list_peers(const char *root, const char *kubeconfig, struct kube_peers *ret, struct error *err)
{
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CLEANUP(free_p) char *next = NULL;

	if (kube_load(root, kubeconfig, &k, err) < 0)
		return -1;
	do {
		CLEANUP(free_p) char *after = TAKE(next);
		if (list_page(&k, after, ret, &next, err) < 0)
			return -1;
		if (ret->n > PEERS_MAX)
			return error_set(err, ERROR_FAILED, "the cluster has more than %d nodes; use a network add-on",
					 PEERS_MAX);
	} while (next);
	return 0;
}

void kube_node_done(struct kube_node *n)
{
	free(n->reason);
	free(n->uid);
	free(n->pod_cidr);
	free(n->version);
	*n = (struct kube_node){ 0 };
}

static int apply_file(const char *root, const char *file, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "kubectl", "apply", "-f", file, NULL);
	strings_addf(&argv, "--kubeconfig=%s" KUBE_ADMIN_CONF, root);
	strings_addf(&argv, "--cache-dir=%s" KUBE_CACHE, root);
	if (program_run(&argv, NULL, NULL, err) == 0)
		return 0;
	error_wrap(err, "apply %s", file);
	private_log(root, err);
	return -1;
}

static bool is_manifest(const char *name)
{
	return *name != '.' && (text_ends(name, ".yaml") || text_ends(name, ".yml") || text_ends(name, ".json"));
}

static int list_manifests(const char *directory, struct strings *ret, struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = opendir(directory);

	if (!dir)
		return error_errno(err, errno, "read directory %s", directory);
	for (const struct dirent *e; (e = readdir(dir));)
		if (is_manifest(e->d_name))
			strings_addf(ret, "%s/%s", directory, e->d_name);
	if (ret->n > MANIFESTS_MAX)
		return error_set(err, ERROR_INPUT, "%s: more than %d manifests", directory, MANIFESTS_MAX);
	strings_sort(ret);
	return 0;
}

int kube_apply(const char *root, const char *file, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s%s", root, file);
	CLEANUP(strings_done) struct strings files = { 0 };
	struct stat st;

	if (stat(path, &st) < 0)
		return error_errno(err, errno, "manifest %s", file);
	if (!S_ISDIR(st.st_mode))
		return apply_file(root, path, err);
	if (list_manifests(path, &files, err) < 0)
		return -1;
	if (!files.n)
		return error_set(err, ERROR_INPUT, "manifests %s: no .yaml, .yml or .json file is in this directory",
				 file);
	for (size_t i = 0; i < files.n; i++)
		if (apply_file(root, files.at[i], err) < 0)
			return -1;
	return 0;
}
