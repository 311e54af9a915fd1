/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes' words. */
#include "lib/form.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/alloc.h"
#include "lib/subnet.h"
#include "lib/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define HEX DIGIT "abcdefABCDEF"
#define LABEL_MAX 63
#define NAME_MAX_DNS 253
#define API_PORT ":6443" /* where an API server listens when nothing else is said */

static bool consists_of(const char *s, size_t n, const char *allowed)
{
	return n > 0 && strspn(s, allowed) >= n;
}

static bool only(const char *s, const char *allowed)
{
	return consists_of(s, strlen(s), allowed);
}

static bool is_edge(char c)
{
	return isalnum((unsigned char)c);
}

static bool is_label(const char *s, size_t n)
{
	return n <= LABEL_MAX && consists_of(s, n, LOWER DIGIT "-") && is_edge(s[0]) && is_edge(s[n - 1]);
}

static bool is_name(const char *s, size_t n)
{
	const char *end = s + n;

	if (n > NAME_MAX_DNS)
		return false;
	for (;; s++) {
		const char *dot = memchr(s, '.', (size_t)(end - s));
		if (!is_label(s, (size_t)((dot ? dot : end) - s)))
			return false;
		if (!dot)
			return true;
		s = dot;
	}
}

bool form_is_dns_label(const char *s)
{
	return is_label(s, strlen(s));
}

bool form_is_dns_name(const char *s)
{
	return is_name(s, strlen(s));
}

static bool is_port(const char *s)
{
	return only(s, DIGIT) && strlen(s) <= 5 && s[0] != '0' && atoi(s) <= 65535;
}

static bool is_host(const char *s, size_t n)
{
	CLEANUP(free_p) char *host = xstrndup(s, n);
	struct subnet address;

	if (n > 2 && s[0] == '[' && s[n - 1] == ']') {
		host[n - 1] = '\0';
		return subnet_parse_address(host + 1, &address) && address.family == AF_INET6;
	}
	/* What looks like an address must be one: "10.0.0.256" is a name to DNS, but nobody means it. */
	if (only(host, DIGIT "."))
		return subnet_parse_address(host, &address);
	return is_name(s, n);
}

/* Of HOST[:PORT], where HOST ends. */
static size_t host_length(const char *s)
{
	return s[0] == '[' ? strcspn(s, "]") + (strchr(s, ']') != NULL) : strcspn(s, ":");
}

bool form_is_endpoint(const char *s)
{
	size_t n = host_length(s);

	return is_host(s, n) && (!s[n] || (s[n] == ':' && is_port(s + n + 1)));
}

bool form_is_address(const char *s)
{
	struct subnet address;

	return subnet_parse_address(s, &address);
}

struct lengths {
	unsigned min4, max4, min6, max6;
};

static bool is_network(const char *s, const struct lengths *l, int *family)
{
	struct subnet n;

	if (!subnet_parse(s, &n) || n.family == *family)
		return false;
	*family = n.family;
	return n.family == AF_INET ? n.bits >= l->min4 && n.bits <= l->max4 : n.bits >= l->min6 && n.bits <= l->max6;
}

static bool are_networks(const char *s, const struct lengths *l)
{
	const char *comma = strchr(s, ',');
	CLEANUP(free_p) char *first = xstrndup(s, comma ? (size_t)(comma - s) : strlen(s));
	int family = AF_UNSPEC;

	return is_network(first, l, &family) && (!comma || is_network(comma + 1, l, &family));
}

/* kubeadm and the controller manager give each node a /24 (/64) and number at most 2^16 of them. */
bool form_is_pods(const char *s)
{
	return are_networks(s, &(struct lengths){ 8, 24, 48, 64 });
}

/* The API server takes at most 2^20 addresses, kubeadm wants at least ten. */
bool form_is_services(const char *s)
{
	return are_networks(s, &(struct lengths){ 12, 28, 108, 124 });
}

bool form_is_token(const char *s)
{
	return strlen(s) == 23 && s[6] == '.' && consists_of(s, 6, LOWER DIGIT) && only(s + 7, LOWER DIGIT);
}

bool form_is_key(const char *s)
{
	return strlen(s) == 64 && only(s, HEX);
}

bool form_is_ca_hash(const char *s)
{
	return text_starts(s, "sha256:") && form_is_key(s + strlen("sha256:"));
}

static bool is_number(const char **s)
{
	size_t n = strspn(*s, DIGIT);
	bool fine = n > 0 && n <= 4 && (n == 1 || **s != '0');

	*s += n;
	return fine;
}

bool form_is_version(const char *s)
{
	s += *s == 'v';
	return text_starts(s, "1.") && (s += 2, is_number(&s)) && *s++ == '.' && is_number(&s) && !*s;
}

static bool is_qualified(const char *s, size_t n)
{
	return n <= LABEL_MAX && consists_of(s, n, LOWER UPPER DIGIT "-_.") && is_edge(s[0]) && is_edge(s[n - 1]);
}

static bool is_label_key(const char *s, size_t n)
{
	const char *slash = memchr(s, '/', n);
	size_t prefix = slash ? (size_t)(slash - s) : 0;

	if (!slash)
		return is_qualified(s, n);
	return is_name(s, prefix) && is_qualified(slash + 1, n - prefix - 1);
}

bool form_is_label_key(const char *s)
{
	return is_label_key(s, strlen(s));
}

bool form_is_label_value(const char *s)
{
	return !*s || is_qualified(s, strlen(s));
}

/* Whether the n bytes at s are domain or end in ".domain". */
static bool is_within(const char *s, size_t n, const char *domain)
{
	size_t d = strlen(domain);

	return n >= d && !strncmp(s + n - d, domain, d) && (n == d || s[n - d - 1] == '.');
}

/* kubelet refuses to start with other labels of Kubernetes' own (the admission plugin NodeRestriction would, too). */
bool form_is_own_label(const char *s)
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

bool form_is_taint(const char *s)
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

bool form_is_argument(const char *s)
{
	return only(s, LOWER UPPER DIGIT "-") && is_edge(s[0]);
}

bool form_is_phase(const char *s)
{
	return only(s, LOWER DIGIT "-/") && is_edge(s[0]) && is_edge(s[strlen(s) - 1]);
}

bool form_is_check(const char *s)
{
	return only(s, LOWER UPPER DIGIT "-_./[]") && is_edge(s[0]);
}

bool form_is_path(const char *s)
{
	for (const char *c = s; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	return s[0] == '/' && s[1] && !strstr(s, "//") && !strstr(s, "/../") && !text_ends(s, "/..");
}

bool form_is_socket(const char *s)
{
	return text_starts(s, "unix://") && form_is_path(s + strlen("unix://"));
}

void form_tidy_endpoint(char **s)
{
	char *with_port;

	if ((*s)[host_length(*s)])
		return;
	with_port = xasprintf("%s" API_PORT, *s);
	free(*s);
	*s = with_port;
}

void form_tidy_version(char **s)
{
	char *with_v;

	if (**s == 'v')
		return;
	with_v = xasprintf("v%s", *s);
	free(*s);
	*s = with_v;
}
