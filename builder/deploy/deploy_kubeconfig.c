/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_kubeconfig.h"

#include <stdlib.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/seed/seed_kubeconfig.h"
#include "lib/alloc.h"
#include "lib/validate.h"

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

int deploy_kubeconfig(struct deploy_session *job, const struct deploy_state *state, struct text *said,
		      struct error *err)
{
	const struct node_pki *pki = &deploy_session_secret(job)->pki;
	CLEANUP(free_p) char *name = xasprintf("%s.kubeconfig", job->cluster.name);
	CLEANUP(free_p) char *path = cluster_path_of(job->options->cluster, name);
	struct error why = { 0 };

	if (!pki->ca)
		return 0;
	CLEANUP(free_p) char *endpoint = endpoint_of(&job->cluster, state);
	if (!endpoint) {
		progress_notice(
			"no node has published the cluster's endpoint, so there is no %s; run deploy again, or set "
			"control_plane_endpoint in config",
			path);
		return 0;
	}
	if (seed_kubeconfig_check(path, pki, &why) < 0) {
		progress_notice("no kubeconfig was written: %s", why.text);
		return 0;
	}
	if (seed_kubeconfig_write(path, pki, job->cluster.name, endpoint, err) < 0)
		return -1;
	text_addf(said, "kubectl --kubeconfig %s get nodes\n", path);
	return 0;
}
