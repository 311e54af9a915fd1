/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters: anything is read or refused; of what is read, every node has a configuration, a place and storages. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/deploy/cluster.h"

#define SECRET "c0ffeec0-ffee-c0ff-eec0-ffeec0ffee00"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_node(const struct cluster *c, const struct cluster_node *n)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	const struct cluster_identity identity = {
		.token = "aaaaaa.bbbbbbbbbbbbbbbb",
		.certificate_key = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.pve_token_id = "a@pve!bb",
		.pve_token_secret = SECRET,
		.vmid = 105
	};
	struct error err = { 0 };

	if (!target_storages_on(&c->target, n->pve_node)->seeds || cluster_find(c, n->name) != n || n->patience <= 0)
		abort();
	if (cluster_config(c, n, &identity, &node, &err) < 0 && strstr(err.text, SECRET))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(cluster_done) struct cluster cluster = { 0 };
	struct error err = { 0 };

	if (cluster_parse("fuzz", (const char *)data, size, &cluster, &err) < 0)
		return err.class == ERROR_INPUT ? 0 : (abort(), 0);
	for (size_t i = 0; i < cluster.nodes.n; i++)
		check_node(&cluster, &cluster.nodes.at[i]);
	return 0;
}
