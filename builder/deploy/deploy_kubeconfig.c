/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_kubeconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "builder/progress/progress.h"
#include "builder/seed/pki.h"
#include "builder/seed/seed_exposed.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/validate.h"
#include "lib/yaml.h"

/* The endpoint in the cluster's file, else the one that its first node published: whatever the notes say, the server there has to prove
 * itself by the CA. NULL = not known. */
static char *endpoint_of(const struct cluster *cluster, const struct deploy_state *state)
{
	const struct yaml *given = yaml_find(cluster->config, "control_plane_endpoint");

	if (given && given->kind == YAML_SCALAR && endpoint_is_valid(given->value)) {
		char *endpoint = xstrdup(given->value);
		endpoint_normalize(&endpoint);
		return endpoint;
	}
	for (size_t i = 0; i < state->guests.n; i++)
		if (state->guests.at[i].claim == DEPLOY_OURS && state->guests.at[i].record.endpoint)
			return xstrdup(state->guests.at[i].record.endpoint);
	return NULL;
}

static char *path_of(const struct deploy_session *job)
{
	CLEANUP(free_p) char *name = xasprintf("%s.kubeconfig", job->cluster.name);

	return cluster_path_of(job->options->cluster, name);
}

/* 1 and what the file is to the cluster, 0 when there is none. One that is not YAML is foreign. */
static int look(const char *path, const struct node_pki *pki, const char *cluster, enum pki_kubeconfig *ret,
		struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	struct error ignored = { 0 };

	if (access(path, F_OK) < 0)
		return 0;
	if (file_read(AT_FDCWD, path, YAML_SIZE_MAX, &text, err) < 0)
		return -1;
	*ret = PKI_KUBECONFIG_FOREIGN;
	if (yaml_parse(path, text.len ? text.data : "", text.len, &tree, &ignored) == 0)
		*ret = pki_kubeconfig_kind(pki, cluster, tree);
	text_wipe(&text);
	return 1;
}

static int write_file(struct deploy_session *job, const char *path, const char *endpoint, struct error *err)
{
	CLEANUP(text_done) struct text config = { 0 };

	seed_warn_exposed(path);
	int rc = pki_kubeconfig(&deploy_session_secret(job)->pki, job->cluster.name, endpoint, &config, err);
	if (rc == 0)
		rc = file_write_durable(path, config.data, config.len, 0600, err);
	text_wipe(&config);
	return rc;
}

int deploy_kubeconfig(struct deploy_session *job, const struct deploy_state *state, struct text *said,
		      struct error *err)
{
	const struct node_pki *pki = &deploy_session_secret(job)->pki;
	CLEANUP(free_p) char *path = path_of(job);
	enum pki_kubeconfig kind;

	if (!pki->ca)
		return 0;
	int found = look(path, pki, job->cluster.name, &kind, err);
	if (found < 0)
		return -1;
	if (found && kind == PKI_KUBECONFIG_FOREIGN) {
		progress_notice(
			"%s exists and is not a kubeconfig of cluster %s, so it stays; rename it and run deploy "
			"again for an administrator's kubeconfig",
			path, job->cluster.name);
		return 0;
	}
	if (!found || kind != PKI_KUBECONFIG_GOOD) {
		CLEANUP(free_p) char *endpoint = endpoint_of(&job->cluster, state);
		if (!endpoint) {
			progress_notice("no node has published the cluster's endpoint, so there is no %s; run deploy "
					"again, or set control_plane_endpoint in config",
					path);
			return 0;
		}
		if (write_file(job, path, endpoint, err) < 0)
			return -1;
	}
	text_addf(said, "kubectl --kubeconfig %s get nodes\n", path);
	return 0;
}

int deploy_kubeconfig_remove(struct deploy_session *job, struct error *err)
{
	const struct node_pki *pki = &deploy_session_secret(job)->pki;
	CLEANUP(free_p) char *path = path_of(job);
	enum pki_kubeconfig kind;
	int found = pki->ca ? look(path, pki, job->cluster.name, &kind, err) : 0;

	if (found <= 0)
		return found;
	if (kind != PKI_KUBECONFIG_GOOD && kind != PKI_KUBECONFIG_ENDING) {
		progress_notice("%s stays: it is not a kubeconfig of this cluster", path);
		return 0;
	}
	return unlink(path) < 0 ? error_errno(err, errno, "remove %s", path) : 0;
}
