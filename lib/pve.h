/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Proxmox VE API, as an API token sees it (PVE 8 and 9; https://pve.proxmox.com/pve-docs/api-viewer/). TLS is verified, by
 * CA or by the leaf's SHA-256; there is no way to turn that off. Parameters are form-encoded so that PVE's decoder, which
 * splits on ';' and every '=', reads what was meant. Nothing here retries a request that may have been carried out.
 */
#include <stdint.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/text.h"

struct pve;

struct pve_access {
	const char *url;          /* borrowed until pve_close(), as all; https://HOST[:PORT], port 8006 when absent */
	const char *token_id;     /* USER@REALM!ID */
	const char *token_secret; /* never in a message */
	const char *ca;           /* PEM text; NULL = the system's CAs, unless fingerprints are given */
	const struct strings
		*fingerprints; /* SHA-256 of accepted leaves; either these or the CA suffice; NULL = none */
	long timeout;          /* seconds for one request; 0 = 30 */
};

/* How a request failed, in what the caller does about it. */
enum pve_failure {
	PVE_OK,
	PVE_UNREACHABLE, /* no answer, or 595 and later: try again later; after 596 and later read the state back first */
	PVE_BUSY,        /* locked guest, lock time-out, no quorum: try again */
	PVE_CONFLICT,    /* digest mismatch: read again, apply again */
	PVE_UNAUTHORIZED, /* 401: this token will not work; do not ask again */
	PVE_FORBIDDEN,    /* 403: the message names path and privilege */
	PVE_MISSING,      /* the guest, node, storage or task does not exist */
	PVE_REFUSED,      /* 400, 501: our request is wrong */
	PVE_UNTRUSTED,    /* TLS: the certificate is neither signed by the CA nor pinned */
	PVE_ERROR,        /* any other 5xx, or an answer that is not PVE's */
};

struct pve_param {
	const char *name, *value; /* a list ends with { NULL } */
};

int pve_open(const struct pve_access *access, struct pve **ret, struct error *err) MUST_CHECK;
void pve_close(struct pve *pve); /* NULL is fine */
/* GET, POST, PUT or DELETE of "/nodes/x/..." (below /api2/json; path parts are encoded by the caller with pve_path). *ret is
 * the answer's `data`, owned by the caller; ret may be NULL. Returns 0, or -1 with *err and pve_failure(). */
int pve_call(struct pve *pve, const char *method, const char *path, const struct pve_param *params, struct json **ret,
	     struct error *err) MUST_CHECK;
/* POST of a body that is read while it is sent (lib/http_session.h): uploads. */
struct http_stream;
int pve_send(struct pve *pve, const char *path, const struct http_stream *body, struct json **ret, struct error *err)
	MUST_CHECK;
enum pve_failure pve_failure(const struct pve *pve); /* of the last call */

/* pve_text.c: pure. */
/* printf with %s percent-encoded, and %ld; no other conversion. */
char *pve_path(const char *fmt, ...) PRINTF(1, 2) MUST_CHECK;
/* "a=1&b=x%3By" */
void pve_form(const struct pve_param *params, struct text *ret);
/* What a status and body mean. *ret_message: PVE's words on one line, owned by the caller; NULL for PVE_OK. reason may be NULL. */
enum pve_failure pve_classify(long status, const char *reason, const char *body, size_t len, char **ret_message);
/* What PVE's words alone mean, of a task that failed: PVE_ERROR when they say nothing more. */
enum pve_failure pve_classify_words(const char *message);
/* Numbers and booleans vary in type: 8, "8", true, "1". */
bool pve_get_int(const struct json *object, const char *key, int64_t *ret);
