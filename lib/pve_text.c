/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes parameters and classifies error messages. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/pve.h"

#define MESSAGE_MAX 600 /* bytes of PVE's message that go into an error */

static void add_encoded(struct text *t, const char *s)
{
	for (; *s; s++)
		if (isalnum((unsigned char)*s) || strchr("._~-", *s))
			text_addn(t, s, 1);
		else
			text_addf(t, "%%%02X", (unsigned char)*s);
}

char *pve_path(const char *fmt, ...)
{
	struct text t = { 0 };
	va_list ap;

	va_start(ap, fmt);
	for (const char *percent; (percent = strchr(fmt, '%')); fmt = percent + 2 + (percent[1] == 'l')) {
		text_addn(&t, fmt, (size_t)(percent - fmt));
		if (percent[1] == 's')
			add_encoded(&t, va_arg(ap, const char *));
		else if (percent[1] == 'l' && percent[2] == 'd')
			text_addf(&t, "%ld", va_arg(ap, long));
		else
			abort();
	}
	va_end(ap);
	text_add(&t, fmt);
	return text_take(&t);
}

void pve_form(const struct pve_param *params, struct text *ret)
{
	for (; params && params->name; params++) {
		if (ret->len)
			text_add(ret, "&");
		add_encoded(ret, params->name);
		text_add(ret, "=");
		add_encoded(ret, params->value);
	}
}

bool pve_get_int(const struct json *object, const char *key, int64_t *ret)
{
	const char *s = json_get_string(object, key);
	bool b;

	if (json_get_int(object, key, ret))
		return true;
	if (json_get_bool(object, key, &b)) {
		*ret = b;
		return true;
	}
	size_t n = s ? strspn(s, "0123456789") : 0;
	if (!n || n > 18 || s[n])
		return false;
	*ret = strtoll(s, NULL, 10);
	return true;
}

/* "Parameter verification failed." does not name the parameter: the first entry of `errors` does. */
static void add_parameter(const struct json *errors, struct text *ret)
{
	const char *name = json_key(errors, 0);
	const char *why = name ? json_get_string(errors, name) : NULL;

	if (why)
		text_addf(ret, " %s: %s", name, why);
}

/* The body's `message`, else the body's text, else the reason phrase: errors of the HTTP server itself have no JSON. */
static void read_message(const char *reason, const char *body, size_t len, struct text *ret)
{
	CLEANUP(json_free_p) struct json *json = NULL;
	struct error ignored = { 0 };
	bool is_json = len && json_parse("answer", body, len, &json, &ignored) == 0;
	const char *message = is_json ? json_get_string(json, "message") : NULL;

	if (message)
		text_add(ret, message);
	else if (len && !is_json)
		text_addn(ret, body, strnlen(body, len));
	else
		text_add(ret, reason ? reason : "");
	add_parameter(json_get(json, "errors"), ret);
}

/* One line of printable characters. */
static char *printable_message(char *message)
{
	size_t n = 0;

	if (strlen(message) > MESSAGE_MAX)
		message[MESSAGE_MAX] = '\0';
	for (const char *c = message; *c; c++) {
		bool space = isspace((unsigned char)*c);
		if (space && (!n || message[n - 1] == ' '))
			continue;
		message[n++] = space ? ' ' : iscntrl((unsigned char)*c) ? '?' : *c;
	}
	message[n] = '\0';
	text_trim(message);
	return message;
}

/* The failure of a status; the last row covers every other status. */
static const struct {
	long first, last;
	enum pve_failure failure;
} by_status[] = {
	{ 200, 299, PVE_OK },        { 401, 401, PVE_UNAUTHORIZED },
	{ 403, 403, PVE_FORBIDDEN }, { 300, 499, PVE_REFUSED },
	{ 501, 501, PVE_REFUSED },   { 502, 504, PVE_UNREACHABLE }, /* of a reverse proxy */
	{ 506, 506, PVE_REFUSED },   { 595, 599, PVE_UNREACHABLE },
	{ 0, 0, PVE_ERROR },
};

/* The failure of a message with status 400 or 500, which alone says too little. */
static const struct {
	const char *part;
	enum pve_failure failure;
} by_message[] = {
	{ "checksum mismatch (file change by other user", PVE_CONFLICT },
	{ "detected modified configuration", PVE_CONFLICT },
	{ "can't lock file", PVE_BUSY },
	{ "got timeout", PVE_BUSY },
	{ "got lock request timeout", PVE_BUSY },
	{ "timeout waiting on systemd", PVE_BUSY }, /* a start on a busy node */
	{ "qmp socket - timeout",
	  PVE_BUSY }, /* the same: "unable to connect to VM 101 qmp socket - timeout after 31 retries" */
	{ "short read on command socket", PVE_BUSY }, /* a list while a container starts or stops */
	{ "Resource temporarily unavailable", PVE_BUSY },
	{ "unable to fork worker", PVE_BUSY },
	{ "no quorum", PVE_BUSY },
	{ " is locked (", PVE_BUSY },
	{ "hostname lookup '", PVE_MISSING },
	{ "no such ", PVE_MISSING },
	{ "unable to find configuration file", PVE_MISSING },
	{ " does not exist", PVE_MISSING },
};

bool pve_said(const struct error *err, const char *words)
{
	return strstr(err->private.text, words) != NULL;
}

enum pve_failure pve_classify_words(const char *message)
{
	for (size_t w = 0; w < ARRAY_SIZE(by_message); w++)
		if (strstr(message, by_message[w].part))
			return by_message[w].failure;
	return PVE_ERROR;
}

enum pve_failure pve_classify(long status, const char *reason, const char *body, size_t len, char **ret_message)
{
	struct text message = { 0 };
	size_t i = 0;

	while (by_status[i].first && (status < by_status[i].first || status > by_status[i].last))
		i++;
	*ret_message = NULL;
	if (by_status[i].failure == PVE_OK)
		return PVE_OK;
	read_message(reason, body, len, &message);
	*ret_message = printable_message(text_take(&message));
	enum pve_failure failure = status == 400 || status == 500 ? pve_classify_words(*ret_message) : PVE_ERROR;
	return failure != PVE_ERROR ? failure : by_status[i].failure;
}
