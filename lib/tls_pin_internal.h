/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What tls_pin.c (fingerprints) shares with tls_pin_openssl.c and tls_pin_mbedtls.c (verification; a program is linked with one
 * of them).
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/hash.h"
#include "lib/tls_pin.h"

#define TLS_PIN_WHY_MAX 160

struct tls_pin {
	struct strings sums;   /* owned; 64 lower-case hex digits each */
	char *host;            /* owned; without the brackets of an IPv6 address; NULL before the first expectation */
	char seen[SHA256_HEX]; /* of the last leaf */
	char shown[3 * 32];    /* the same as "AA:BB:..." */
	uint32_t above;        /* Mbed TLS: the faults of the issuers, until the leaf is checked */
	bool tls12;            /* Mbed TLS: connect without TLS 1.3 */
	char why[TLS_PIN_WHY_MAX]; /* Mbed TLS: why the last certificate was refused; "" = it was not */
};

void tls_pin_remember(struct tls_pin *pin, const void *der, size_t len); /* the leaf that a server sent */
bool tls_pin_lists(const struct tls_pin *pin);                           /* whether that leaf is a listed one */
