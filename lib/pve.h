/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Proxmox VE API for API tokens (PVE 8 and 9; https://pve.proxmox.com/pve-docs/api-viewer/). TLS is verified, by CA or by
 * the SHA-256 of the server's certificate; nothing turns that off. Parameters are form-encoded for PVE's decoder, which splits
 * on ';' and every '='. No request that may have been carried out is sent again.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "lib/text.h"

struct pve;

struct pve_access {
	const char *url;          /* all borrowed until pve_close(); https://HOST[:PORT], port 8006 when absent */
	const char *token_id;     /* USER@REALM!ID */
	const char *token_secret; /* never in a message */
	const char *ca;           /* PEM text; NULL = the system's CAs, unless fingerprints are given */
	/* SHA-256 of accepted leaves; either these or the CA suffice; NULL = none. */
	const struct strings *fingerprints;
	long timeout; /* seconds for one request; 0 = 30 */
};

/* The kinds of failure that a caller can handle differently. */
enum pve_failure {
	PVE_OK,
	PVE_UNREACHABLE,  /* no answer, or 595 to 599: try again later; after 596 to 599 read the state first */
	PVE_BUSY,         /* locked guest, lock time-out, no quorum: try again */
	PVE_CONFLICT,     /* digest mismatch: read again, then write again */
	PVE_UNAUTHORIZED, /* 401: the token is not valid; do not try again */
	PVE_FORBIDDEN,    /* 403: the message names path and privilege */
	PVE_MISSING,      /* the guest, node, storage or task does not exist */
	PVE_REFUSED,      /* 400, 501: the request is wrong */
	PVE_UNTRUSTED,    /* TLS: the certificate is neither signed by the CA nor pinned */
	PVE_ERROR,        /* any other 5xx, or an answer that is not PVE's */
};

struct pve_param {
	const char *name, *value; /* a list ends with { NULL, NULL } */
};

int pve_open(const struct pve_access *access, struct pve **ret, struct error *err) MUST_CHECK;
void pve_close(struct pve *pve); /* NULL is fine */
/* method: GET, POST, PUT or DELETE. path: below /api2/json, e.g. "/nodes/x/...", encoded with pve_path(). *ret is the answer's
 * `data`, owned by the caller; ret may be NULL. Returns 0, or -1 with *err and pve_failure(). What the server said is the error's
 * private text: see pve_said(). */
int pve_call(struct pve *pve, const char *method, const char *path, const struct pve_param *params, struct json **ret,
	     struct error *err) MUST_CHECK;
/* POST of a body that is read while it is sent (lib/http_session.h), for uploads. */
struct http_stream;
int pve_send(struct pve *pve, const char *path, const struct http_stream *body, struct json **ret, struct error *err)
	MUST_CHECK;
enum pve_failure pve_failure(const struct pve *pve); /* of the last call */

/* pve_text.c: pure. */
/* A path: %s is percent-encoded, %ld is allowed, no other conversion. Owned by the caller. */
char *pve_path(const char *fmt, ...) PRINTF(1, 2) MUST_CHECK;
/* Appends "a=1&b=x%3By". */
void pve_form(const struct pve_param *params, struct text *ret);
/* The failure of a status and body. *ret_message: PVE's message on one line, owned by the caller; NULL for PVE_OK. reason may be
 * NULL. */
enum pve_failure pve_classify(long status, const char *reason, const char *body, size_t len, char **ret_message);
/* True when the server's message of a failed call, or the exit status of a task that failed, has these words. */
bool pve_said(const struct error *err, const char *words);
/* The failure of a message alone, e.g. of a failed task: PVE_ERROR when the message is not known. */
enum pve_failure pve_classify_words(const char *message);
/* Accepts what PVE sends for numbers and booleans: 8, "8", true, "1". */
bool pve_get_int(const struct json *object, const char *key, int64_t *ret);
