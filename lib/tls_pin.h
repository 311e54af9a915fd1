/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trust in one server certificate by its SHA-256, as Proxmox VE's own clients do it. A leaf that is listed is the server,
 * whatever name, dates and issuer it has; any other must pass the whole verification, the host's name or address included.
 * (libcurl can pin public keys only, and only besides the CA, so this hooks into OpenSSL.)
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

struct tls_pin;

/* fingerprints: 64 hex digits each, any case, colons allowed. ERROR_INPUT for anything else. */
int tls_pin_new(const struct strings *fingerprints, struct tls_pin **ret, struct error *err) MUST_CHECK;
/* The host that the next connection is meant for, for leaves that are not listed. */
void tls_pin_expect(struct tls_pin *pin, const char *host);
/* Takes over the verification of an OpenSSL SSL_CTX. */
void tls_pin_install(struct tls_pin *pin, void *ssl_ctx);
/* "AA:BB:..." of the last leaf that a server showed; "" before one did. */
const char *tls_pin_seen(const struct tls_pin *pin);
void tls_pin_free(struct tls_pin *pin); /* NULL is fine */
