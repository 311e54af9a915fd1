/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/cluster/: clusters as files, right and wrong ones (refused.h). */
#include "builder/deploy/cluster.h"
#include "tests/unit/refused.h"

#define FOLDER "tests/golden/cluster"

static int load(const char *file, struct error *err)
{
	CLEANUP(cluster_done) struct cluster c = { 0 };

	if (cluster_load(file, &c, err) < 0)
		return -1;
	for (size_t i = 0; i < c.nodes.n; i++)
		if (cluster_check_network(&c, i, err) < 0)
			return -1;
	return 0;
}

TEST(cluster_refused)
{
	CHECK(count_refused(FOLDER, load) >= 25);
}

TEST(cluster_every_key)
{
	CLEANUP(cluster_done) struct cluster c = { 0 };
	struct error err = { 0 };

	CHECK_STR(cluster_load(FOLDER "/full.yaml", &c, &err) < 0 ? err.text : "", "");
	CHECK(c.nodes.n == 3 && c.ssh_keys.n == 1);
	const struct cluster_node *cp1 = cluster_find(&c, "cp1"), *w1 = cluster_find(&c, "w1");
	CHECK(cp1 == &c.nodes.at[0] && w1 == &c.nodes.at[1] && !cluster_find(&c, "w3"));
	CHECK(cp1->size.memory == 4ull << 30 && cp1->size.cores == 2 && cp1->role == NODE_INIT);
	CHECK_STR(cp1->pve_node, "pve1");
	CHECK(cp1->nameservers.n == 1 && cp1->kind == PVE_QEMU);
	CHECK_STR(w1->pve_node, "pve2");
	CHECK(w1->kind == PVE_LXC && w1->vmid == 211 && w1->size.disk == 8ull << 30);
	CHECK_STR(c.nodes.at[2].template, "9000");
	CHECK_STR(c.target.pool, "k8s");
}

/* The target's file is found from where the cluster's is. */
TEST(cluster_target_file)
{
	CLEANUP(cluster_done) struct cluster c = { 0 };
	struct error err = { 0 };

	CHECK_STR(cluster_load(FOLDER "/good.yaml", &c, &err) < 0 ? err.text : "", "");
	CHECK_STR(c.target.agent_user, "agents@pve");
	CHECK_STR(c.nodes.at[0].pve_node, "pve1");
}

TEST(cluster_config_merged)
{
	CLEANUP(cluster_done) struct cluster c = { 0 };
	CLEANUP(node_config_done) struct node_config node = { 0 };
	const struct cluster_identity id = { .token = "aaaaaa.bbbbbbbbbbbbbbbb",
					     .certificate_key = "unused by a worker",
					     .pve_token_id = "a@pve!bb",
					     .pve_token_secret = "c0ffeec0-ffee-c0ff-eec0-ffeec0ffee00",
					     .vmid = 105 };
	struct error err = { 0 };

	CHECK(cluster_load(FOLDER "/full.yaml", &c, &err) == 0);
	CHECK(cluster_config(&c, &c.nodes.at[2], &id, &node, &err) == 0);
	CHECK_STR(node.pod_subnet, "10.1.0.0/16");
	CHECK_STR(node.dns_domain, "other");
	CHECK_STR(node.name, "w2");
	CHECK_STR(node.cluster, "lab");
	CHECK_STR(node.proxmox.url, "https://10.0.0.1");
	CHECK(node.proxmox.vmid == 105 && node.labels.n == 1 && !node.certificate_key && node.role == NODE_WORKER);
}
