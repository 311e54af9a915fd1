/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_kubeconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "builder/progress/progress.h"
#include "builder/seed/pki.h"
#include "builder/seed/seed_kubeconfig.h"
#include "lib/alloc.h"
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

/* A good file follows the cluster's endpoint. */
static int follow(struct deploy_session *job, const char *path, const char *endpoint, struct error *err)
{
	const char *cluster = job->cluster.name;
	enum pki_server server;

	if (seed_kubeconfig_move(path, &deploy_session_secret(job)->pki, cluster, endpoint, &server, err) < 0)
		return -1;
	if (server == PKI_SERVER_MOVED)
		progress_notice("%s now names the cluster's endpoint, %s", path, endpoint);
	if (server == PKI_SERVER_OWN)
		progress_notice(
			"%s has been edited and does not name the cluster's endpoint, %s, so it stays; if that is not "
			"meant, run `kubectl --kubeconfig %s config set-cluster %s --server https://%s`",
			path, endpoint, path, cluster, endpoint);
	return 0;
}

/* Makes the file good. *ret: whether there is one. */
static int provide(struct deploy_session *job, const char *path, bool good, const char *endpoint, bool *ret,
		   struct error *err)
{
	*ret = good || endpoint;
	if (good)
		return endpoint ? follow(job, path, endpoint, err) : 0;
	if (endpoint)
		return seed_kubeconfig_write(path, &deploy_session_secret(job)->pki, job->cluster.name, endpoint, err);
	progress_notice("no node has published the cluster's endpoint, so there is no %s; run deploy again, or set "
			"control_plane_endpoint in config",
			path);
	return 0;
}

int deploy_kubeconfig(struct deploy_session *job, const struct deploy_state *state, struct text *said,
		      struct error *err)
{
	const struct node_pki *pki = &deploy_session_secret(job)->pki;
	CLEANUP(free_p) char *path = path_of(job), *endpoint = endpoint_of(&job->cluster, state);
	enum pki_kubeconfig kind;
	bool there;

	if (!pki->ca)
		return 0;
	bool found = seed_kubeconfig_look(path, pki, job->cluster.name, &kind);
	if (found && kind == PKI_KUBECONFIG_FOREIGN) {
		progress_notice(
			"%s exists and is not a kubeconfig of cluster %s alone, so it stays; rename it and run deploy "
			"again for an administrator's kubeconfig",
			path, job->cluster.name);
		return 0;
	}
	if (provide(job, path, found && kind == PKI_KUBECONFIG_GOOD, endpoint, &there, err) < 0)
		return -1;
	if (there)
		text_addf(said, "kubectl --kubeconfig %s get nodes\n", path);
	return 0;
}

int deploy_kubeconfig_remove(struct deploy_session *job, struct error *err)
{
	const struct node_pki *pki = &deploy_session_secret(job)->pki;
	CLEANUP(free_p) char *path = path_of(job);
	enum pki_kubeconfig kind;

	if (!pki->ca || !seed_kubeconfig_look(path, pki, job->cluster.name, &kind))
		return 0;
	if (kind != PKI_KUBECONFIG_GOOD && kind != PKI_KUBECONFIG_ENDING) {
		progress_notice("%s stays: it is not a kubeconfig of this cluster alone", path);
		return 0;
	}
	return unlink(path) < 0 ? error_errno(err, errno, "remove %s", path) : 0;
}
