/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/config_source.h"
#include "agent/kubeadm_config.h"
#include "agent/preflight.h"
#include "agent/profile.h"

#define FROM_ELECTION "from-the-election"

static void print_plan(const struct agent *a)
{
	const struct node_config *n = &a->node;
	bool asks = n->proxmox.given;

	printf("node %s (%s) of cluster %s, role %s\n\n", agent_name(a),
	       agent_address(a) ? agent_address(a) : "no address yet", n->cluster, node_role_name(n->role));
	printf("register    %s\n", asks ? n->proxmox.url : "not at Proxmox VE: there is no proxmox section");
	if (n->role == NODE_INIT)
		printf("election    %s\n", asks ? "initialise when no other guest of the cluster has, or is about to"
						: "none: initialises the cluster");
	else if (n->endpoint && (n->ca_cert_hashes.n || n->pki.ca))
		printf("election    none: joins %s\n", n->endpoint);
	else
		printf("election    find the control plane by its tag at Proxmox VE\n");
	printf("profile     %s\n", profile_of(&a->machine)->name);
	for (size_t i = 0; i < n->manifests.n; i++)
		printf("manifest    %s\n", n->manifests.at[i]);
}

static void print_findings(const struct agent *a)
{
	static const char *const kinds[] = { "warning", "wait", "fatal" };
	CLEANUP(findings_done) struct findings found = { 0 };

	preflight(&a->node, &a->machine, a->state.started, &found);
	for (size_t i = 0; i < found.n; i++)
		printf("preflight   %s: %s\n", kinds[found.at[i].kind], found.at[i].sentence);
}

/* Fills the state as if the election had gone as expected. */
static void assume(struct agent *a)
{
	a->state.leader = a->node.role == NODE_INIT;
	state_set_text(&a->state.endpoint, a->node.endpoint ? a->node.endpoint : FROM_ELECTION ":6443");
	if (a->node.ca_cert_hashes.n || a->node.pki.ca)
		strings_append(&a->state.ca, &a->node.ca_cert_hashes);
	else
		strings_add(&a->state.ca, FROM_ELECTION);
}

static int print_kubeadm(const struct agent *a, struct error *err)
{
	CLEANUP(free_p) char *provider = NULL;
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text config = { 0 };
	struct kubeadm_run run;

	if (agent_kubeadm_run(a, &run, &provider, err) < 0 || kubeadm_config(&run, true, &config, err) < 0)
		return -1;
	kubeadm_argv(&run, "FILE", &argv);
	fputs("kubeadm    ", stdout);
	for (size_t i = 0; i < argv.n; i++)
		printf(" %s", argv.at[i]);
	printf("\n\n%s", config.data);
	return 0;
}

int agent_dry_run(const char *root, struct error *err)
{
	CLEANUP(agent_done) struct agent a = { .root = root };
	int answer = config_source_read(root, &a.node, err);

	if (answer < 0)
		return -1;
	if (answer != CONFIG_SOURCE_FOUND) {
		puts(answer == CONFIG_SOURCE_LATER ? "no node configuration yet: cloud-init is still at work"
						   : "no node configuration: nothing to do");
		return 0;
	}
	if (facts_read(root, &a.machine, err) < 0)
		return -1;
	assume(&a);
	print_plan(&a);
	print_findings(&a);
	return print_kubeadm(&a, err);
}
