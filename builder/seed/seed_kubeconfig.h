/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The file of a cluster's administrator. It may be the user's own kubeconfig, with other clusters: such a one is neither replaced nor
 * removed.
 */
#include <stdbool.h>

#include "builder/seed/pki.h"
#include "lib/error.h"

/* What the file is to the cluster; false when there is none, or an empty one. One that cannot be read is foreign. */
bool seed_kubeconfig_look(const char *file, const struct node_pki *pki, const char *cluster, enum pki_kubeconfig *ret);
/* ERROR_USAGE when the file exists, and is neither a kubeconfig of this cluster alone nor empty. force: that of another cluster of this
 * name may be replaced, too, and nothing else. */
int seed_kubeconfig_check(const char *file, const struct node_pki *pki, const char *cluster, bool force,
			  struct error *err) MUST_CHECK;
/* server: HOST:PORT. Mode 0600; missing directories are made. Warns when the file is exposed (seed_exposed.h). */
int seed_kubeconfig_write(const char *file, const struct node_pki *pki, const char *cluster, const char *server,
			  struct error *err) MUST_CHECK;
/* Makes a file that seed_kubeconfig_look() calls good name `server`, unless it was edited. */
int seed_kubeconfig_move(const char *file, const struct node_pki *pki, const char *cluster, const char *server,
			 enum pki_server *ret, struct error *err) MUST_CHECK;
