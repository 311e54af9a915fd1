/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys as digits, and as PEM: tests/golden/pki/sa.key is not one of P-256, so the key here is a known one (RFC 6979, A.2.5). */
#include "lib/ec_key.h"

#include "lib/certificate.h"
#include "tests/unit/check.h"

#define KEY "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
/* openssl ec -in KEY.pem -no_public */
#define PEM                                                                                                            \
	"-----BEGIN EC PRIVATE KEY-----\n"                                                                             \
	"MDECAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n"                                           \
	"AwEH\n"                                                                                                       \
	"-----END EC PRIVATE KEY-----\n"

TEST(ec_key_pem_is_what_openssl_writes)
{
	CLEANUP(text_done) struct text lower = { 0 }, upper = { 0 };
	CLEANUP(free_p) char *copy = xstrdup(KEY);

	for (char *c = copy; *c; c++)
		*c = *c >= 'a' ? (char)(*c - 'a' + 'A') : *c;
	ec_key_pem(KEY, &lower);
	ec_key_pem(copy, &upper);
	CHECK_STR(lower.data, PEM);
	CHECK_STR(upper.data, PEM);
	CHECK(certificate_key_whole(lower.data, lower.len));
}

TEST(ec_key_is_valid_by_its_digits)
{
	CHECK(ec_key_is_valid(KEY) &&
	      ec_key_is_valid("0000000000000000000000000000000000000000000000000000000000000000"));
	CHECK(!ec_key_is_valid("") && !ec_key_is_valid(KEY "0") && !ec_key_is_valid(PEM));
}
