/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A scripted PVE API for unit tests. It defines the functions of lib/pve.c and lib/clock.c, so that the linker takes these instead of
 * the ones in the archive: requests are answered from a table, and naps only advance the clock.
 *
 *	pve_stub_add("GET /nodes/pve1/qemu", PVE_OK, "[]");		always, or until a later row of the same pattern
 *	pve_stub_once("POST /nodes/pve?/qemu", PVE_BUSY, "locked");	once, before all rows of pve_stub_add()
 *
 * pve_stub.fault_at makes the Nth request fail once, whatever the table has for it. Patterns are those of fnmatch(3). A request without a row fails with PVE_ERROR and its own name as the message.
 */
#include <fnmatch.h>
#include <time.h>

#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/http_session.h"
#include "lib/pve.h"
#include "lib/vec.h"
#include "tests/unit/check.h"

struct pve {
	enum pve_failure failure;
};

struct pve_stub_row {
	const char *call;
	enum pve_failure failure;
	const char *answer; /* JSON of the data, or the message of a failure */
	void (*then)(void); /* called when the row was used; NULL = nothing */
	bool once, used;
};

static struct {
	VEC(struct pve_stub_row) rows;
	struct text calls;  /* "METHOD PATH\n" of all that are not GET */
	struct text params; /* "name=value\n" of these */
	int gets, requests;
	int fault_at; /* of all requests, from 1; 0 = none */
	enum pve_failure fault;
	double now;
	struct pve pve;
} pve_stub;

static inline void pve_stub_reset(void)
{
	vec_done(&pve_stub.rows);
	text_done(&pve_stub.calls);
	text_done(&pve_stub.params);
	memset(&pve_stub, 0, sizeof pve_stub);
	text_add(&pve_stub.calls, "");
	text_add(&pve_stub.params, "");
}

static inline void pve_stub_add(const char *call, enum pve_failure failure, const char *answer)
{
	vec_push(&pve_stub.rows, (struct pve_stub_row){ .call = call, .failure = failure, .answer = answer });
}

static inline void pve_stub_once(const char *call, enum pve_failure failure, const char *answer)
{
	pve_stub_add(call, failure, answer);
	pve_stub.rows.at[pve_stub.rows.n - 1].once = true;
}

/* The last row calls this when it is used: it may add rows. */
static inline void pve_stub_then(void (*then)(void))
{
	pve_stub.rows.at[pve_stub.rows.n - 1].then = then;
}

static inline bool pve_stub_called(const char *call)
{
	return strstr(pve_stub.calls.data, call) != NULL;
}

static inline struct pve_stub_row *pve_stub_find(const char *call)
{
	for (size_t i = 0; i < pve_stub.rows.n; i++) {
		struct pve_stub_row *row = &pve_stub.rows.at[i];
		if (row->once && !row->used && !fnmatch(row->call, call, 0))
			return row;
	}
	for (size_t i = pve_stub.rows.n; i > 0; i--)
		if (!pve_stub.rows.at[i - 1].once && !fnmatch(pve_stub.rows.at[i - 1].call, call, 0))
			return &pve_stub.rows.at[i - 1];
	return NULL;
}

static inline int pve_stub_answer(struct pve *pve, const char *call, struct json **ret, struct error *err)
{
	struct pve_stub_row fault = { .failure = pve_stub.fault, .answer = "a fault" };
	struct pve_stub_row *row = ++pve_stub.requests == pve_stub.fault_at ? &fault : pve_stub_find(call);
	struct pve_stub_row copy = row ? *row : (struct pve_stub_row){ .failure = PVE_ERROR, .answer = call };

	if (row)
		row->used = true;
	if (copy.then)
		copy.then();
	pve->failure = copy.failure;
	if (copy.failure != PVE_OK) {
		error_set(err, copy.failure == PVE_UNREACHABLE ? ERROR_NETWORK : ERROR_TARGET, "refused");
		return error_quote(err, "%s", copy.answer);
	}
	if (!ret)
		return 0;
	return json_parse("stub", copy.answer, strlen(copy.answer), ret, err);
}

int pve_open(const struct pve_access *access UNUSED, struct pve **ret, struct error *err UNUSED)
{
	*ret = &pve_stub.pve;
	return 0;
}

void pve_close(struct pve *pve UNUSED)
{
}

enum pve_failure pve_failure(const struct pve *pve)
{
	return pve->failure;
}

int pve_call(struct pve *pve, const char *method, const char *path, const struct pve_param *params, struct json **ret,
	     struct error *err)
{
	CLEANUP(free_p) char *call = xasprintf("%s %s", method, path);

	pve_stub.gets += !strcmp(method, "GET");
	if (strcmp(method, "GET") != 0) {
		text_addf(&pve_stub.calls, "%s\n", call);
		for (; params && params->name; params++)
			text_addf(&pve_stub.params, "%s=%s\n", params->name, params->value);
	}
	return pve_stub_answer(pve, call, ret, err);
}

int pve_send(struct pve *pve, const char *path, const struct http_stream *body UNUSED, struct json **ret,
	     struct error *err)
{
	CLEANUP(free_p) char *call = xasprintf("UPLOAD %s", path);

	text_addf(&pve_stub.calls, "%s\n", call);
	return pve_stub_answer(pve, call, ret, err);
}

const char *clock_text(time_t t, char buffer[CLOCK_TEXT_MAX])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(buffer, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buffer;
}

double clock_seconds(void)
{
	return pve_stub.now;
}

void clock_nap(double seconds)
{
	pve_stub.now += seconds;
}
