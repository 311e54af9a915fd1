/* SPDX-License-Identifier: Apache-2.0 */
/* kubelet ends at once when it is told a label of Kubernetes' own name space that it may not set on itself (NodeRestriction). */
#include <string.h>

#include "agent/kubeadm_parts.h"
#include "lib/alloc.h"

static const char *const allowed[] = {
	"kubernetes.io/hostname",
	"kubernetes.io/os",
	"kubernetes.io/arch",
	"beta.kubernetes.io/os",
	"beta.kubernetes.io/arch",
	"beta.kubernetes.io/instance-type",
	"node.kubernetes.io/instance-type",
	"topology.kubernetes.io/zone",
	"topology.kubernetes.io/region",
	"failure-domain.beta.kubernetes.io/zone",
	"failure-domain.beta.kubernetes.io/region",
};

/* Whether the label's prefix is domain or a name below it. */
static bool is_below(const char *key, size_t prefix, const char *domain)
{
	size_t n = strlen(domain);

	return prefix >= n && !strncmp(key + prefix - n, domain, n) && (prefix == n || key[prefix - n - 1] == '.');
}

static bool is_refused(const char *key)
{
	const char *slash = strchr(key, '/');
	size_t prefix = slash ? (size_t)(slash - key) : 0;

	if (!slash || !(is_below(key, prefix, "kubernetes.io") || is_below(key, prefix, "k8s.io")))
		return false;
	if (is_below(key, prefix, "node.kubernetes.io") || is_below(key, prefix, "kubelet.kubernetes.io"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (!strcmp(key, allowed[i]))
			return false;
	return true;
}

int kubeadm_check_labels(const struct node *node, struct error *err)
{
	for (size_t i = 0; i < node->labels.n; i++)
		if (is_refused(node->labels.at[i].key))
			return error_set(err, ERROR_RECIPE,
					 "node.labels: kubelet may not give itself '%s' (names below kubernetes.io and "
					 "k8s.io are reserved, but for node.kubernetes.io); choose another prefix, or "
					 "set it later with `kubectl label node`",
					 node->labels.at[i].key);
	return 0;
}
