/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trust in a server certificate by its SHA-256, as in Proxmox VE's own clients. A leaf certificate that is listed is trusted
 * whatever its name, dates and issuer; any other must pass the whole verification, including the host's name or address.
 * (libcurl pins only public keys, and only in addition to the CA, so this hooks into OpenSSL.)
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

struct tls_pin;

/* fingerprints: 64 hex digits each, any case, colons allowed. ERROR_INPUT for anything else. */
int tls_pin_new(const struct strings *fingerprints, struct tls_pin **ret, struct error *err) MUST_CHECK;
/* The host of the next connection, which leaves that are not listed must name. */
void tls_pin_expect(struct tls_pin *pin, const char *host);
/* Replaces the verification of an OpenSSL SSL_CTX. */
void tls_pin_install(struct tls_pin *pin, void *ssl_ctx);
/* "AA:BB:..." of the last leaf that a server sent; "" before the first. */
const char *tls_pin_seen(const struct tls_pin *pin);
void tls_pin_free(struct tls_pin *pin); /* NULL is fine */
