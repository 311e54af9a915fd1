/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "agent/kube.h"
#include "lib/json.h"
#include "lib/subnet.h"

static bool is_v6(const char *address)
{
	return strchr(address, ':') != NULL;
}

/* Arguments of `ip` and `iptables` must be addresses and nothing else: any API client could have written them into the Node. */
static const char *internal_ip(const struct json *status, bool v6)
{
	const struct json *all = json_get(status, "addresses");
	struct subnet parsed;

	for (size_t i = 0; i < json_count(all); i++) {
		const char *address = json_get_string(json_at(all, i), "address");
		if (address && text_same(json_get_string(json_at(all, i), "type"), "InternalIP") &&
		    subnet_parse_address(address, &parsed) && is_v6(address) == v6)
			return address;
	}
	return NULL;
}

static void add_peer(const struct json *node, struct kube_peers *ret)
{
	const char *name = json_get_string(json_get(node, "metadata"), "name");
	const char *cidr = json_get_string(json_get(node, "spec"), "podCIDR");
	const char *address;
	struct subnet parsed;

	if (!name || !cidr || !subnet_parse(cidr, &parsed))
		return;
	address = internal_ip(json_get(node, "status"), is_v6(cidr));
	vec_push(ret, (struct kube_peer){
			      .name = xstrdup(name),
			      .address = xstrdup_or_null(address),
			      .pod_cidr = xstrdup(cidr),
		      });
}

int kube_peers_parse(const char *text, size_t len, struct kube_peers *ret, char **ret_next, struct error *err)
{
	CLEANUP(json_free_p) struct json *list = NULL;

	*ret_next = NULL;
	if (json_parse("the API server's answer", text ? text : "", len, &list, err) < 0)
		return -1;
	const struct json *items = json_get(list, "items");
	const char *next = json_get_string(json_get(list, "metadata"), "continue");
	const char *version = json_get_string(json_get(list, "metadata"), "resourceVersion");
	if (!json_is_array(items))
		return error_set(err, ERROR_FAILED, "the API server's answer is not a list of nodes: it has no items");
	free(ret->version);
	ret->version = xstrdup_or_null(version);
	for (size_t i = 0; i < json_count(items); i++)
		add_peer(json_at(items, i), ret);
	/* A continue token is base64url; any other character could change the request. */
	if (next && *next &&
	    next[strspn(next, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] == '\0')
		*ret_next = xstrdup(next);
	return 0;
}

void kube_peers_done(struct kube_peers *peers)
{
	for (size_t i = 0; i < peers->n; i++) {
		free(peers->at[i].name);
		free(peers->at[i].address);
		free(peers->at[i].pod_cidr);
	}
	free(peers->version);
	peers->version = NULL;
	vec_done(peers);
}
