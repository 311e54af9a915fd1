/* SPDX-License-Identifier: Apache-2.0 */
/* Validators for the rules of internet standards, POSIX, systemd and Debian. */
#include "lib/validate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/subnet.h"
#include "lib/text.h"
#include "lib/validate_internal.h"

#define NAME_MAX_DNS 253
#define API_PORT ":6443"   /* the API server's default */
#define FINGERPRINT_HEX 64 /* SHA-256 */
#define UUID_LENGTH 36
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"
#define PEM_PUBLIC_BEGIN "-----BEGIN PUBLIC KEY-----"
#define PEM_PUBLIC_END "-----END PUBLIC KEY-----"

bool validate_chars_n(const char *s, size_t n, const char *allowed)
{
	return n > 0 && strspn(s, allowed) >= n;
}

bool validate_chars(const char *s, const char *allowed)
{
	return validate_chars_n(s, strlen(s), allowed);
}

bool validate_alnum(char c)
{
	return isalnum((unsigned char)c);
}

static bool is_dns_label(const char *s, size_t n)
{
	return n <= LABEL_MAX && validate_chars_n(s, n, LOWER DIGIT "-") && validate_alnum(s[0]) &&
	       validate_alnum(s[n - 1]);
}

bool validate_dns_name_n(const char *s, size_t n)
{
	const char *end = s + n;

	if (n > NAME_MAX_DNS)
		return false;
	for (;; s++) {
		const char *dot = memchr(s, '.', (size_t)(end - s));
		if (!is_dns_label(s, (size_t)((dot ? dot : end) - s)))
			return false;
		if (!dot)
			return true;
		s = dot;
	}
}

const char *validate_case_hint(bool (*is)(const char *s), const char *s)
{
	CLEANUP(free_p) char *lower = xstrdup(s);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return !is(s) && is(lower) ? "; in lower case it is valid" : "";
}

bool dns_label_is_valid(const char *s)
{
	return is_dns_label(s, strlen(s));
}

bool dns_name_is_valid(const char *s)
{
	return validate_dns_name_n(s, strlen(s));
}

bool recipe_name_is_valid(const char *s)
{
	return strlen(s) <= LABEL_MAX && dns_name_is_valid(s);
}

bool ip_address_is_valid(const char *s)
{
	struct subnet address;

	return subnet_parse_address(s, &address);
}

static bool is_port(const char *s)
{
	return validate_chars(s, DIGIT) && strlen(s) <= 5 && s[0] != '0' && atoi(s) <= 65535;
}

static bool is_host(const char *s, size_t n)
{
	CLEANUP(free_p) char *host = xstrndup(s, n);
	struct subnet address;

	if (n > 2 && s[0] == '[' && s[n - 1] == ']') {
		host[n - 1] = '\0';
		return subnet_parse_address(host + 1, &address) && address.family == AF_INET6;
	}
	/* Digits and dots must form an address: "10.0.0.256" is a valid DNS name, but certainly a typo. */
	if (validate_chars(host, DIGIT "."))
		return subnet_parse_address(host, &address);
	return validate_dns_name_n(s, n);
}

/* The length of HOST in HOST[:PORT]. */
static size_t host_length(const char *s)
{
	return s[0] == '[' ? strcspn(s, "]") + (strchr(s, ']') != NULL) : strcspn(s, ":");
}

bool endpoint_is_valid(const char *s)
{
	size_t n = host_length(s);

	return is_host(s, n) && (!s[n] || (s[n] == ':' && is_port(s + n + 1)));
}

void endpoint_normalize(char **s)
{
	char *with_port;

	if ((*s)[host_length(*s)])
		return;
	with_port = xasprintf("%s" API_PORT, *s);
	free(*s);
	*s = with_port;
}

bool path_is_valid(const char *s)
{
	for (const char *c = s; *c; c++)
		if (iscntrl((unsigned char)*c))
			return false;
	return s[0] == '/' && s[1] && !strstr(s, "//") && !strstr(s, "/../") && !text_ends(s, "/..");
}

bool path_is_normalized(const char *s)
{
	return path_is_valid(s) && !strstr(s, "/./") && !text_ends(s, "/.") && !text_ends(s, "/");
}

bool unix_socket_is_valid(const char *s)
{
	return text_starts(s, "unix://") && path_is_valid(s + strlen("unix://"));
}

bool filename_is_valid(const char *s)
{
	return validate_chars_n(s, 1, ALNUM "_") && validate_chars(s, ALNUM "_-.+");
}

bool url_is_valid(const char *s)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (const char *c = s; *c; c++)
		if (!isgraph((unsigned char)*c) || *c == '"' || *c == '\\')
			return false;
	if (text_starts(s, "file:///"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (text_starts(s, schemes[i]))
			return s[strlen(schemes[i])] && s[strlen(schemes[i])] != '/';
	return false;
}

bool hex_is_valid(const char *s, size_t n)
{
	return strlen(s) == n && validate_chars(s, HEX);
}

bool uuid_is_valid(const char *s)
{
	for (int i = 0; i < UUID_LENGTH; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return !s[UUID_LENGTH];
}

bool fingerprint_is_valid(const char *s)
{
	size_t step = s[0] && s[1] && s[2] == ':' ? 3 : 2, n = strlen(s);

	if (n != FINGERPRINT_HEX / 2 * step - (step - 2))
		return false;
	for (size_t i = 0; i < n; i++)
		if (i % step == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return false;
	return true;
}

void fingerprint_normalize(char **s)
{
	struct text t = { 0 };
	size_t digits = 0;

	for (const char *c = *s; *c; c++)
		if (*c != ':') {
			text_addf(&t, "%s%c", digits && digits % 2 == 0 ? ":" : "", toupper((unsigned char)*c));
			digits++;
		}
	free(*s);
	*s = text_take(&t);
}

bool certificate_text_is_valid(const char *s)
{
	return !strstr(s, "PRIVATE KEY") && strstr(s, PEM_BEGIN) && strstr(s, PEM_END);
}

bool public_key_text_is_valid(const char *s)
{
	return !strstr(s, "PRIVATE KEY") && strstr(s, PEM_PUBLIC_BEGIN) && strstr(s, PEM_PUBLIC_END);
}

bool certificate_or_path_is_valid(const char *s)
{
	return path_is_valid(s) || certificate_text_is_valid(s);
}

void case_normalize(char **s)
{
	for (char *c = *s; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

bool unit_name_is_valid(const char *s)
{
	static const char *const suffixes[] = { ".service", ".socket", ".timer", ".target", ".path", ".mount" };

	if (!validate_chars_n(s, 1, ALNUM "_") || !validate_chars(s, ALNUM "_-.@:\\"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (text_ends(s, suffixes[i]))
			return true;
	return false;
}

bool debian_package_is_valid(const char *s)
{
	return strlen(s) >= 2 && validate_chars_n(s, 1, LOWER DIGIT) && validate_chars(s, LOWER DIGIT "+-.");
}

bool debian_version_is_valid(const char *s)
{
	return validate_chars_n(s, 1, DIGIT) && validate_chars(s, ALNUM ".+-~:");
}
