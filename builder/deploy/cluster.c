/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/input.h"

int cluster_load(const char *file, struct cluster *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (input_read(file, YAML_SIZE_MAX, &text, err) < 0)
		return error_wrap(err, "cluster");
	return cluster_parse(file, text.data ? text.data : "", text.len, ret, err);
}

char *cluster_path_of(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	return *name == '/' || !slash ? xstrdup(name) : xasprintf("%.*s/%s", (int)(slash - file), file, name);
}

const struct cluster_node *cluster_find(const struct cluster *c, const char *name)
{
	for (size_t i = 0; i < c->nodes.n; i++)
		if (!strcmp(c->nodes.at[i].name, name))
			return &c->nodes.at[i];
	return NULL;
}

static void node_of_cluster_done(struct cluster_node *n)
{
	free(n->name);
	free(n->pve_node);
	free(n->template);
	free(n->template_sha256);
	free(n->address);
	free(n->gateway);
	strings_done(&n->nameservers);
	yaml_node_free(n->config);
}

void cluster_done(struct cluster *c)
{
	char *words[] = { c->file, c->name, c->template, c->template_sha256, c->container, c->api };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		free(words[i]);
	for (size_t i = 0; i < c->nodes.n; i++)
		node_of_cluster_done(&c->nodes.at[i]);
	vec_done(&c->nodes);
	strings_done(&c->ssh_keys);
	yaml_node_free(c->config);
	target_done(&c->target);
	*c = (struct cluster){ 0 };
}
