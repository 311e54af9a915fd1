/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kube_internal.h"
#include "lib/alloc.h"

/* A watch sends one line of JSON for each change. The first byte is enough: the caller asks for the whole again. */
static bool stop(void *context, const char *bytes, size_t n)
{
	(void)context, (void)bytes;
	return n == 0;
}

int kube_wait_for_change(const char *root, const char *kubeconfig, const char *name, const char *version, long seconds,
			 struct error *err)
{
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CLEANUP(http_response_done) struct http_response response = { 0 };

	if (kube_load(root, kubeconfig, &k, err) < 0)
		return -1;
	CLEANUP(free_p)
	char *url = xasprintf("%s/api/v1/nodes?watch=1&timeoutSeconds=%ld%s%s%s%s", k.server, seconds,
			      name ? "&fieldSelector=metadata.name%3D" : "", name ? name : "",
			      version ? "&resourceVersion=" : "", version ? version : "");
	struct http_request request = { .method = "GET", .url = url, .arrives = stop };
	if (kube_send(&k, &request, seconds + KUBE_TIMEOUT, &response, err) < 0)
		return -1;
	/* 410: the version is too old to be watched. */
	return response.status == 200 || response.status == 410 ? 0 : kube_refuse(&response, url, err);
}
