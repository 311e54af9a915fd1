/* SPDX-License-Identifier: Apache-2.0 */
/* What an API server answers, and what `ip -j route` prints: a Node, a page of Nodes, and the routes and rules that become of
 * them. ip -batch and iptables-restore read these line by line, so no name or address may bring a line of its own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kube.h"
#include "agent/pod_routes.h"
#include "lib/alloc.h"
#include "lib/subnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const own[] = { "10.244.1.0/24", "fd00::/64" };

static void check_lines(const struct text *t)
{
	for (size_t i = 0; i < t->len; i++)
		if ((unsigned char)t->data[i] < ' ' && t->data[i] != '\n')
			abort();
}

static void use_peers(const struct kube_peers *peers)
{
	struct subnet parsed;

	for (size_t i = 0; i < peers->n; i++)
		if (!subnet_parse(peers->at[i].pod_cidr, &parsed))
			abort();
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		CLEANUP(text_done) struct text rules = { 0 }, batch = { 0 };
		struct error err = { 0 };

		pod_routes_rules(peers, own[i], &rules);
		check_lines(&rules);
		if (pod_routes_batch(peers, own[i], "[ ]", 3, &batch, &err) == 0)
			check_lines(&batch);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	CLEANUP(kube_node_done) struct kube_node node = { 0 };
	CLEANUP(kube_peers_done) struct kube_peers peers = { 0 }, none = { 0 };
	CLEANUP(text_done) struct text batch = { 0 };
	CLEANUP(free_p) char *next = NULL;
	struct error err = { 0 };

	if (kube_node_parse(text, size, &node, &err) < 0 && !*err.text)
		abort();
	if (kube_peers_parse(text, size, &peers, &next, &err) == 0)
		use_peers(&peers);
	if (pod_routes_batch(&none, own[0], text, size, &batch, &err) == 0)
		check_lines(&batch);
	return 0;
}
