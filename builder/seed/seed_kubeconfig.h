/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The file of a cluster's administrator. It may be the user's own kubeconfig, with other clusters: only one that knows this cluster's CA,
 * and nothing else, is replaced.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/node_pki.h"

/* False, with the reason: the file exists, and is not such a one or empty. ERROR_USAGE. */
int seed_kubeconfig_check(const char *file, const struct node_pki *pki, struct error *err) MUST_CHECK;
/* server: HOST:PORT. Mode 0600; missing directories are made. */
int seed_kubeconfig_write(const char *file, const struct node_pki *pki, const char *cluster, const char *server,
			  struct error *err) MUST_CHECK;
