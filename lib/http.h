/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * HTTP(S) and file downloads (libcurl behind, through lib/curl_transfer.h). TLS is verified always. Parallel, resumable by
 * retry: a failed transfer is tried again a few times with back-off when that can help (connect errors, 5xx, a cut
 * stream), and never when it cannot (404, TLS verification). The proxy is taken from the environment as curl does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"

struct http_download {
	const char *url;  /* borrowed */
	const char *name; /* borrowed; for messages, e.g. the package */
	int fd;           /* borrowed; written from offset 0, truncated before each try */
	/* called once before the first try, to open fd only when its turn has come; NULL = it is open */
	int (*start)(struct http_download *self, struct error *err);
	uint64_t limit; /* more bytes than this end the transfer; 0 = HTTP_SIZE_MAX */
	/* called once when this one is whole; -1 ends everything. Runs on the calling thread. NULL = nothing */
	int (*done)(struct http_download *self, struct error *err);
	void *context;
	char sha256[SHA256_HEX]; /* out: of what was written; there when done() is called */
	uint64_t received;       /* out: bytes written */
};

#define HTTP_SIZE_MAX (16ull << 30)
#define HTTP_PARALLEL 8

/* progress is told bytes as they come, those of a second try again (may be NULL). Returns when all are done, or at the
 * first that failed for good (then callers close what start() opened: fds of others may still be open). Errors name the
 * url: ERROR_NETWORK; ERROR_TRUST for a certificate that does not verify or more bytes than the limit. */
int http_download_all(struct http_download *items, size_t n, void (*progress)(void *context, uint64_t new_bytes),
		      void *context, struct error *err) MUST_CHECK;
/* A small document into memory. */
int http_get(const char *url, size_t limit, struct text *ret, struct error *err) MUST_CHECK;
