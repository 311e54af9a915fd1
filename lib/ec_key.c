/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ec_key.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/validate.h"

#define LINE_MAX_PEM 64 /* RFC 7468 */

/* SEQUENCE { INTEGER 1, OCTET STRING (32 bytes), [0] { OBJECT IDENTIFIER prime256v1 } } */
static const unsigned char before[] = { 0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const unsigned char after[] = { 0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

bool ec_key_is_valid(const char *hex)
{
	return hex_is_valid(hex, EC_KEY_DIGITS);
}

static unsigned digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

void ec_key_pem(const char *hex, struct text *ret)
{
	unsigned char der[sizeof before + EC_KEY_DIGITS / 2 + sizeof after];
	CLEANUP(text_done) struct text digits = { 0 };

	memcpy(der, before, sizeof before);
	for (size_t i = 0; i < EC_KEY_DIGITS / 2; i++)
		der[sizeof before + i] = (unsigned char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	memcpy(der + sizeof der - sizeof after, after, sizeof after);
	base64_encode(der, sizeof der, &digits);
	text_add(ret, "-----BEGIN EC PRIVATE KEY-----\n");
	for (size_t at = 0; at < digits.len; at += LINE_MAX_PEM) {
		size_t n = digits.len - at < LINE_MAX_PEM ? digits.len - at : LINE_MAX_PEM;
		text_addn(ret, digits.data + at, n);
		text_add(ret, "\n");
	}
	text_add(ret, "-----END EC PRIVATE KEY-----\n");
	explicit_bzero(der, sizeof der);
	text_wipe(&digits);
}
