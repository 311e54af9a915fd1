/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The network and the clock of an agent under test. This header defines the functions of lib/http_session.c and lib/clock.c, so a
 * program that includes it links these instead of the library's: no request leaves the process, and a nap takes no time.
 *
 * Requests to /api2/json/ are answered as a small Proxmox VE would: the list of guests, their configurations with digests, the
 * token's permissions. Requests to /api/v1/nodes are answered with fake_api.node. A test changes fake_api between two naps with on_nap.
 */
#include <stdint.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/http_session.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

#define FAKE_GUESTS_MAX 4
#define FAKE_READER "{\"/pool/k8s\":{\"VM.Audit\":1}}"
#define FAKE_NODE(ready, reason)                                                                                       \
	"{\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\",\"uid\":\"u-1\"},\"spec\":{\"podCIDR\":\"10.244.1.0/24\"},"  \
	"\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready "\",\"reason\":\"" reason                \
	"\",\"message\":\"in kubelet's words\"}]}}"

struct fake_guest {
	long vmid;
	const char *kind, *node, *status; /* borrowed */
	const char *smbios, *net;         /* borrowed; NULL = not in the configuration */
	char *tags, *notes;               /* owned */
	unsigned digest;
	bool template;
};

static struct fake_api {
	struct fake_guest guests[FAKE_GUESTS_MAX];
	size_t n;
	const char *permissions; /* of the token, as JSON */
	const char *node;        /* as JSON; NULL = 404 */
	/* The next `faults` requests whose "METHOD URL" contains fault_at get this status; 0 = no answer. */
	const char *fault_at;
	unsigned faults;
	long fault_status;
	const char *fault_reason;
	bool fault_after; /* the request is carried out all the same */
	double now;
	unsigned naps, requests, puts;
	void (*on_nap)(unsigned naps);
} fake_api;

UNUSED static void fake_api_done(void)
{
	for (size_t i = 0; i < fake_api.n; i++) {
		free(fake_api.guests[i].tags);
		free(fake_api.guests[i].notes);
	}
	fake_api = (struct fake_api){ 0 };
}

UNUSED static void fake_api_reset(void)
{
	fake_api_done();
	fake_api.permissions = FAKE_READER;
	fake_api.now = 1000;
}

UNUSED static struct fake_guest *fake_guest_add(long vmid, const char *tags, const char *notes)
{
	struct fake_guest *g = &fake_api.guests[fake_api.n++];

	*g = (struct fake_guest){ .vmid = vmid,
				  .kind = "qemu",
				  .node = "pve1",
				  .status = "running",
				  .tags = xstrdup(tags),
				  .notes = xstrdup(notes) };
	return g;
}

UNUSED static struct fake_guest *fake_guest_of(long vmid)
{
	for (size_t i = 0; i < fake_api.n; i++)
		if (fake_api.guests[i].vmid == vmid)
			return &fake_api.guests[i];
	return NULL;
}

UNUSED static void fake_guest_say(long vmid, const char *tags, const char *notes)
{
	struct fake_guest *g = fake_guest_of(vmid);

	free(g->tags);
	free(g->notes);
	g->tags = xstrdup(tags);
	g->notes = xstrdup(notes);
	g->digest++;
}

const char *clock_text(time_t t, char buffer[CLOCK_TEXT_MAX])
{
	struct tm tm;

	strftime(buffer, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
	return buffer;
}

double clock_seconds(void)
{
	return fake_api.now;
}

void clock_nap(double seconds)
{
	fake_api.now += seconds;
	fake_api.naps++;
	if (fake_api.on_nap)
		fake_api.on_nap(fake_api.naps);
}

static void fake_respond(struct http_response *ret, long status, const char *reason, const char *body)
{
	ret->status = status;
	ret->reason = xstrdup(reason);
	text_add(&ret->body, body);
}

static void fake_respond_data(struct http_response *ret, struct json *data)
{
	CLEANUP(json_free_p) struct json *json = json_object();
	CLEANUP(text_done) struct text text = { 0 };

	json_put(json, "data", data);
	json_print(json, false, &text);
	fake_respond(ret, 200, "OK", text.data);
}

static struct json *fake_guest_entry(const struct fake_guest *g)
{
	struct json *entry = json_object();

	json_put_string(entry, "type", g->kind);
	json_put_int(entry, "vmid", g->vmid);
	json_put_string(entry, "node", g->node);
	json_put_string(entry, "status", g->status);
	json_put_string(entry, "tags", g->tags);
	json_put_int(entry, "template", g->template);
	return entry;
}

static struct json *fake_guest_config(const struct fake_guest *g)
{
	struct json *config = json_object();

	json_put_string(config, "tags", g->tags);
	json_put_string(config, "description", g->notes);
	json_put_stringf(config, "digest", "%u", g->digest);
	if (g->smbios)
		json_put_string(config, "smbios1", g->smbios);
	if (g->net)
		json_put_string(config, "net0", g->net);
	return config;
}

/* The value of a form's field, decoded and owned by the caller; NULL = it is not there. */
static char *fake_field(const char *form, const char *name)
{
	size_t len = strlen(name);
	struct text value = { 0 };
	unsigned code;

	for (; form; form = strchr(form, '&') ? strchr(form, '&') + 1 : NULL)
		if (!strncmp(form, name, len) && form[len] == '=')
			break;
	if (!form)
		return NULL;
	for (form += len + 1; *form && *form != '&'; form++) {
		char c = *form == '+' ? ' ' : *form;
		if (c == '%' && sscanf(form + 1, "%2x", &code) == 1) {
			c = (char)code;
			form += 2;
		}
		text_addn(&value, &c, 1);
	}
	return value.data ? text_take(&value) : xstrdup("");
}

static void fake_put_config(struct fake_guest *g, const char *form, struct http_response *ret)
{
	CLEANUP(free_p) char *digest = fake_field(form, "digest");
	char *tags = fake_field(form, "tags"), *notes = fake_field(form, "description");

	if (digest && (unsigned)atoi(digest) != g->digest) {
		free(tags);
		free(notes);
		fake_respond(ret, 500, "detected modified configuration - file changed by other user? Try again.",
			     "{\"data\":null}");
		return;
	}
	fake_api.puts++;
	g->digest++;
	if (tags) {
		free(g->tags);
		g->tags = tags;
	}
	if (notes) {
		free(g->notes);
		g->notes = notes;
	}
	fake_respond(ret, 200, "OK", "{\"data\":null}");
}

static void fake_answer_config(const struct http_request *request, struct http_response *ret)
{
	for (size_t i = 0; i < fake_api.n; i++) {
		struct fake_guest *g = &fake_api.guests[i];
		CLEANUP(free_p) char *path = xasprintf("/nodes/%s/%s/%ld/config", g->node, g->kind, g->vmid);
		if (!strstr(request->url, path))
			continue;
		if (!strcmp(request->method, "PUT"))
			fake_put_config(g, request->body, ret);
		else
			fake_respond_data(ret, fake_guest_config(g));
		return;
	}
	fake_respond(ret, 500, "Configuration file 'nodes/x/qemu-server/1.conf' does not exist", "{\"data\":null}");
}

static void fake_answer(const struct http_request *request, struct http_response *ret)
{
	CLEANUP(free_p) char *permissions = xasprintf("{\"data\":%s}", fake_api.permissions);

	if (strstr(request->url, "/api/v1/nodes")) {
		fake_respond(ret, fake_api.node ? 200 : 404, "", fake_api.node ? fake_api.node : "{}");
	} else if (strstr(request->url, "/cluster/resources")) {
		struct json *list = json_array();
		for (size_t i = 0; i < fake_api.n; i++)
			json_push(list, fake_guest_entry(&fake_api.guests[i]));
		fake_respond_data(ret, list);
	} else if (strstr(request->url, "/access/permissions")) {
		fake_respond(ret, 200, "OK", permissions);
	} else {
		fake_answer_config(request, ret);
	}
}

int http_session_open(const struct http_trust *trust, long timeout, struct http_session **ret, struct error *err)
{
	(void)trust, (void)timeout, (void)err;
	*ret = xcalloc(1, 1);
	return 0;
}

int http_session_request(struct http_session *s, const struct http_request *request, struct http_response *ret,
			 struct error *err)
{
	CLEANUP(free_p) char *what = xasprintf("%s %s", request->method, request->url);
	bool fails = fake_api.faults && strstr(what, fake_api.fault_at);

	(void)s;
	fake_api.requests++;
	fake_api.faults -= fails;
	if (!fails || fake_api.fault_after)
		fake_answer(request, ret);
	if (!fails)
		return 0;
	http_response_done(ret);
	if (!fake_api.fault_status)
		return error_set(err, ERROR_NETWORK, "%s: no answer", what);
	fake_respond(ret, fake_api.fault_status, fake_api.fault_reason, "{\"data\":null}");
	return 0;
}

void http_response_done(struct http_response *r)
{
	free(r->reason);
	text_done(&r->body);
	*r = (struct http_response){ 0 };
}

void http_session_close(struct http_session *s)
{
	free(s);
}
