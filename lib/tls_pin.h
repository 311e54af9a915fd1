/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trust in a server certificate by its SHA-256, as in Proxmox VE's own clients. A leaf certificate that is listed is trusted
 * whatever its name, dates and issuer; any other must pass the whole verification, including the host's name or address.
 * (libcurl pins only public keys, and only in addition to the CA, so this hooks into the TLS library.)
 *
 * The TLS library is OpenSSL, or Mbed TLS in an agent with a libcurl of its own on Debian 13. There this also makes the verification
 * of every connection as strict as OpenSSL's on Debian (security level 2), and some things stricter: a CA with name constraints is
 * refused, because Mbed TLS cannot check them; so is an unknown critical extension even of a listed leaf, and a key that is neither
 * RSA nor ECDSA.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

struct tls_pin;

/* Whether connections with these fingerprints (NULL = none) need a tls_pin: with Mbed TLS all do. */
bool tls_pin_is_needed(const struct strings *fingerprints);
/* fingerprints: 64 hex digits each, any case, colons allowed; NULL = none. ERROR_INPUT for anything else. */
int tls_pin_new(const struct strings *fingerprints, struct tls_pin **ret, struct error *err) MUST_CHECK;
/* The host of the next connection, which leaves that are not listed must name. */
void tls_pin_expect(struct tls_pin *pin, const char *host);
/* Replaces the verification of an OpenSSL SSL_CTX or an mbedtls_ssl_config. */
void tls_pin_install(struct tls_pin *pin, void *ssl);
/* Whether a handshake that failed with this message of libcurl may succeed without TLS 1.3, with which the next ones are made then:
 * Mbed TLS offers the signatures of 1.3, which a server of 1.2 may choose, and cannot verify them in 1.2. What is required of the
 * certificate does not change. */
bool tls_pin_try_tls12(struct tls_pin *pin, const char *message);
/* Whether a handshake that failed with this message of libcurl failed because of the server's certificate, where libcurl itself
 * does not say so (Mbed TLS). tls_pin_why() then is the reason; "" when the message has it. */
bool tls_pin_refused(const struct tls_pin *pin, const char *message);
const char *tls_pin_why(const struct tls_pin *pin);
/* "AA:BB:..." of the last leaf that a server sent; "" before the first. */
const char *tls_pin_seen(const struct tls_pin *pin);
void tls_pin_free(struct tls_pin *pin); /* NULL is fine */
