/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/kube_internal.h"
#include "lib/alloc.h"

#define API "rbac.authorization.k8s.io"
#define META "\"metadata\":{\"name\":\"" KUBE_PEERS_ROLE "\"}"

static const struct {
	const char *resource, *body;
} objects[] = {
	{ "clusterroles",
	  "{\"apiVersion\":\"" API "/v1\",\"kind\":\"ClusterRole\"," META
	  ",\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"nodes\"],\"verbs\":[\"list\",\"watch\"]}]}" },
	{ "clusterrolebindings",
	  "{\"apiVersion\":\"" API "/v1\",\"kind\":\"ClusterRoleBinding\"," META ",\"roleRef\":{\"apiGroup\":\"" API
	  "\",\"kind\":\"ClusterRole\",\"name\":\"" KUBE_PEERS_ROLE "\"},\"subjects\":[{\"apiGroup\":\"" API
	  "\",\"kind\":\"Group\",\"name\":\"system:nodes\"}]}" },
};

static int create(const struct kubeconfig *k, const char *resource, const char *body, struct error *err)
{
	CLEANUP(free_p) char *url = xasprintf("%s/apis/" API "/v1/%s", k->server, resource);
	CLEANUP(http_response_done) struct http_response response = { 0 };
	struct http_request request = { .method = "POST", .url = url, .body = body, .body_len = strlen(body) };

	if (kube_send(k, &request, KUBE_TIMEOUT, &response, err) < 0)
		return -1;
	/* 409: it exists. */
	return response.status == 201 || response.status == 409 ? 0 : kube_refuse(&response, url, err);
}

int kube_grant_peers(const char *root, struct error *err)
{
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };

	if (kube_load(root, KUBE_ADMIN_CONF, &k, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (create(&k, objects[i].resource, objects[i].body, err) < 0)
			return error_wrap(err, "the right of nodes to list nodes");
	return 0;
}
