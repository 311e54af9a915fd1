/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/secret_key.h"
#include "lib/macro.h"
#include "lib/text.h"
#include "tests/unit/check.h"

struct sample {
	const char *bytes;
	size_t len;
	const char *what; /* NULL = no key */
};
#define SAMPLE(bytes, what)                                                                                            \
	{                                                                                                              \
		bytes, sizeof(bytes) - 1, what                                                                         \
	}

static const struct sample samples[] = {
	SAMPLE("\0\0\0\x0bssh-ed25519\0\0\0@", "is a host key of dropbear"),
	SAMPLE("\0\0\0\7ssh-rsa\0\0\0\3\1\0\1", "is a host key of dropbear"),
	SAMPLE("\0\0\0\x13"
	       "ecdsa-sha2-nistp256\0\0\0\x08nistp256",
	       "is a host key of dropbear"),
	SAMPLE("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA comment\n", NULL),
	SAMPLE("\0\0\0\x0bssh-ed2551", NULL),
	SAMPLE("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n", "has a private key"),
	SAMPLE("-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n", NULL),
	SAMPLE("Private-key-format: v1.3\nAlgorithm: 13\n", "is a private key of DNSSEC"),
	SAMPLE("== ed25519v1-secret: type0 ==\0\0\0x", "is a private key of Tor"),
	SAMPLE("\xfe\xed\xfe\xed\0\0\0\2", "is a container of private keys"),
	SAMPLE("\x30\x0a\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70", "is a private key"), /* PKCS #8 */
	SAMPLE("\x30\x0a\x02\x01\x00\x02\x05\x06\x03\x2b\x65\x70", "is a private key"), /* PKCS #1 */
	SAMPLE("\x30\x0a\x02\x01\x01\x04\x05\x06\x03\x2b\x65\x70", "is a private key"), /* SEC 1 */
	SAMPLE("\x30\x81\x0a\x02\x01\x01\x04\x05\x06\x03\x2b\x65\x70", "is a private key"),
	SAMPLE("\x30\x82\0\x0a\x02\x01\x03\x30\x05\x06\x03\x2b\x65\x70", "is a container of private keys"),
	SAMPLE("\x30\x0b\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70", NULL), /* another length */
	SAMPLE("\x30\x0a\x30\x01\x00\x30\x05\x06\x03\x2b\x65\x70", NULL), /* a certificate */
	SAMPLE("\x30\x82\xff", NULL),
	SAMPLE("", NULL),
};

TEST(secret_key_formats)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const char *what = secret_key_what(samples[i].bytes, samples[i].len);
		if (!text_same(what, samples[i].what)) {
			printf("# sample %zu: %s\n", i, what ? what : "none");
			CHECK(false);
		}
	}
}

/* Each beginning of a sample is read within its bounds: the sanitizers look. */
TEST(secret_key_cut_samples)
{
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		for (size_t len = 0; len < samples[i].len; len++) {
			char *copy = malloc(len + !len);
			memcpy(copy, samples[i].bytes, len);
			const char *what = secret_key_what(copy, len);
			free(copy);
			CHECK(len >= 4 || !what);
		}
}
