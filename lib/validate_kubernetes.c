/* SPDX-License-Identifier: Apache-2.0 */
/* Validators for Kubernetes' rules. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/subnet.h"
#include "lib/text.h"
#include "lib/validate.h"
#include "lib/validate_internal.h"

struct prefix_lengths {
	unsigned min4, max4, min6, max6;
};

static bool is_network(const char *s, const struct prefix_lengths *l, int *family)
{
	struct subnet n;

	if (!subnet_parse(s, &n) || n.family == *family)
		return false;
	*family = n.family;
	return n.family == AF_INET ? n.bits >= l->min4 && n.bits <= l->max4 : n.bits >= l->min6 && n.bits <= l->max6;
}

static bool are_networks(const char *s, const struct prefix_lengths *l)
{
	const char *comma = strchr(s, ',');
	CLEANUP(free_p) char *first = xstrndup(s, comma ? (size_t)(comma - s) : strlen(s));
	int family = AF_UNSPEC;

	return is_network(first, l, &family) && (!comma || is_network(comma + 1, l, &family));
}

/* The controller manager gives each node a /24 (/64) and supports at most 2^16 nodes. */
bool pod_subnet_is_valid(const char *s)
{
	return are_networks(s, &(struct prefix_lengths){ 8, 24, 48, 64 });
}

/* The API server accepts at most 2^20 addresses, kubeadm requires at least ten. */
bool service_subnet_is_valid(const char *s)
{
	return are_networks(s, &(struct prefix_lengths){ 12, 28, 108, 124 });
}

bool bootstrap_token_is_valid(const char *s)
{
	return strlen(s) == 23 && s[6] == '.' && validate_chars_n(s, 6, LOWER DIGIT) &&
	       validate_chars(s + 7, LOWER DIGIT);
}

bool certificate_key_is_valid(const char *s)
{
	return hex_is_valid(s, 64);
}

bool ca_cert_hash_is_valid(const char *s)
{
	return text_starts(s, "sha256:") && certificate_key_is_valid(s + strlen("sha256:"));
}

/* A number without sign or leading zeros, as versions have them. */
static bool take_number(const char **s, int *ret)
{
	size_t len = strspn(*s, DIGIT);

	if (len == 0 || len > 4 || (len > 1 && **s == '0'))
		return false;
	*ret = atoi(*s);
	*s += len;
	return true;
}

bool kubernetes_release_parse(const char *s, int *ret_major, int *ret_minor, int *ret_patch)
{
	int major, minor, patch = -1;

	if (!take_number(&s, &major) || *s++ != '.' || !take_number(&s, &minor))
		return false;
	if (*s == '.' && (s++, !take_number(&s, &patch)))
		return false;
	if (*s)
		return false;
	*ret_major = major;
	*ret_minor = minor;
	*ret_patch = patch;
	return true;
}

bool kubernetes_version_is_valid(const char *s)
{
	int major, minor, patch;

	return kubernetes_release_parse(s + (*s == 'v'), &major, &minor, &patch) && major == 1 && patch >= 0;
}

static bool is_qualified(const char *s, size_t n)
{
	return n <= LABEL_MAX && validate_chars_n(s, n, ALNUM "-_.") && validate_alnum(s[0]) &&
	       validate_alnum(s[n - 1]);
}

static bool is_label_key(const char *s, size_t n)
{
	const char *slash = memchr(s, '/', n);
	size_t prefix = slash ? (size_t)(slash - s) : 0;

	if (!slash)
		return is_qualified(s, n);
	return validate_dns_name_n(s, prefix) && is_qualified(slash + 1, n - prefix - 1);
}

bool label_key_is_valid(const char *s)
{
	return is_label_key(s, strlen(s));
}

bool label_value_is_valid(const char *s)
{
	return !*s || is_qualified(s, strlen(s));
}

/* Whether the n bytes at s are domain or end in ".domain". */
static bool is_within(const char *s, size_t n, const char *domain)
{
	size_t d = strlen(domain);

	return n >= d && !strncmp(s + n - d, domain, d) && (n == d || s[n - d - 1] == '.');
}

/* kubelet refuses to start with other labels in Kubernetes' domains, and the admission plugin NodeRestriction refuses them. */
bool kubelet_label_is_valid(const char *s)
{
	static const char *const kubelets[] = {
		"kubernetes.io/hostname",
		"kubernetes.io/os",
		"kubernetes.io/arch",
		"topology.kubernetes.io/zone",
		"topology.kubernetes.io/region",
		"failure-domain.beta.kubernetes.io/zone",
		"beta.kubernetes.io/os",
		"failure-domain.beta.kubernetes.io/region",
		"beta.kubernetes.io/arch",
		"beta.kubernetes.io/instance-type",
		"node.kubernetes.io/instance-type",
	};
	size_t prefix = strcspn(s, "/");

	if (!s[prefix] || !(is_within(s, prefix, "kubernetes.io") || is_within(s, prefix, "k8s.io")))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(kubelets); i++)
		if (!strcmp(s, kubelets[i]))
			return true;
	return is_within(s, prefix, "kubelet.kubernetes.io") || is_within(s, prefix, "node.kubernetes.io");
}

bool taint_is_valid(const char *s)
{
	static const char *const effects[] = { "NoSchedule", "PreferNoSchedule", "NoExecute" };
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0, key = strcspn(s, "=:");

	if (!colon || !is_label_key(s, key) ||
	    (s[key] == '=' && n - key - 1 > 0 && !is_qualified(s + key + 1, n - key - 1)) ||
	    (s[key] == ':' && key != n))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
		if (!strcmp(colon + 1, effects[i]))
			return true;
	return false;
}

bool option_name_is_valid(const char *s)
{
	return validate_chars(s, ALNUM "-") && validate_alnum(s[0]);
}

bool kubeadm_phase_is_valid(const char *s)
{
	return validate_chars(s, LOWER DIGIT "-/") && validate_alnum(s[0]) && validate_alnum(s[strlen(s) - 1]);
}

bool kubeadm_check_is_valid(const char *s)
{
	return validate_chars(s, ALNUM "-_./[]") && validate_alnum(s[0]);
}

void kubernetes_version_normalize(char **s)
{
	char *with_v;

	if (**s == 'v')
		return;
	with_v = xasprintf("v%s", *s);
	free(*s);
	*s = with_v;
}
