/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/certificate.h"

#include "lib/file.h"
#include "tests/unit/check.h"

#define PKI "tests/golden/pki/"
#define ENDS 4948949956   /* date -d "$(openssl x509 -in ca.crt -noout -enddate | cut -d= -f2)" +%s */
#define BEGINS 1795349956 /* the same of -startdate */

static struct text pem(const char *name)
{
	CLEANUP(free_p) char *file = xasprintf(PKI "%s", name);
	struct text text = { 0 };
	struct error err = { 0 };

	if (file_read(AT_FDCWD, file, 1 << 16, &text, &err) < 0)
		exit(1);
	return text;
}

/* The hash is what `openssl x509 -pubkey | openssl pkey -pubin -outform DER | sha256sum` says. */
TEST(certificate_spki_sha256_of_pem)
{
	CLEANUP(text_done) struct text ca = pem("ca.crt"), want = pem("ca.sha256");
	char hex[SHA256_HEX];
	struct error err = { 0 };

	CHECK(certificate_spki_sha256("ca.crt", ca.data, ca.len, hex, &err) == 0);
	CHECK_STR(hex, text_trim(want.data));
	CHECK(certificate_spki_sha256("short.crt", ca.data, ca.len / 2, hex, &err) < 0);
	CHECK_STR(err.text, "short.crt is not a complete PEM certificate");
}

/* As a power cut leaves them: every length but the whole one (the last newline may be missing), and zeros. */
TEST(certificate_whole_detects_damage)
{
	CLEANUP(text_done) struct text ca = pem("ca.crt"), key = pem("ca.key"), sa = pem("sa.pub");

	for (size_t n = 0; n + 1 < ca.len; n++)
		CHECK(!certificate_whole(ca.data, n));
	for (size_t n = 0; n + 1 < key.len; n++)
		CHECK(!certificate_key_whole(key.data, n));
	for (size_t n = 0; n + 1 < sa.len; n++)
		CHECK(!certificate_public_key_whole(sa.data, n));
	CHECK(certificate_whole(ca.data, ca.len));
	CHECK(certificate_key_whole(key.data, key.len));
	CHECK(certificate_public_key_whole(sa.data, sa.len));
	CHECK(!certificate_whole(NULL, 0));
	CHECK(!certificate_key_whole(ca.data, ca.len));
	memset(ca.data + 100, 0, 100);
	CHECK(!certificate_whole(ca.data, ca.len));
}

/* Other text and other blocks may surround a block; a NUL within it may not be read over. */
TEST(certificate_of_text_around_it)
{
	CLEANUP(text_done) struct text ca = pem("ca.crt"), other = pem("other-ca.crt"), key = pem("ca.key");
	CLEANUP(free_p) char *first = xasprintf("subject=CN = x\n%s%s", ca.data, other.data);
	CLEANUP(free_p) char *padded = xasprintf("%s%s   \n", key.data, other.data);
	char want[SHA256_HEX], got[SHA256_HEX];
	struct error err = { 0 };

	CHECK(certificate_spki_sha256("ca.crt", ca.data, ca.len, want, &err) == 0);
	CHECK(certificate_spki_sha256("first", first, strlen(first), got, &err) == 0);
	CHECK_STR(got, want);
	CHECK(certificate_has_key(first, strlen(first), padded, strlen(padded)));
	CHECK(!certificate_whole(key.data, key.len) && !certificate_public_key_whole(ca.data, ca.len));
	ca.data[ca.len / 2] = key.data[key.len / 2] = '\0';
	CHECK(!certificate_whole(ca.data, ca.len) && !certificate_key_whole(key.data, key.len));
}

TEST(certificate_dates_of_a_ca)
{
	CLEANUP(text_done) struct text ca = pem("ca.crt");
	time_t from = 0, end = 0;

	CHECK(certificate_dates(ca.data, ca.len, &from, &end) && from == BEGINS && end == ENDS);
	CHECK(certificate_dates(ca.data, ca.len, NULL, &end) && end == ENDS);
	CHECK(!certificate_dates(ca.data, ca.len / 2, &from, &end));
}

TEST(certificate_has_key_matches)
{
	CLEANUP(text_done) struct text ca = pem("ca.crt"), key = pem("ca.key"), other = pem("other-ca.key");

	CHECK(certificate_has_key(ca.data, ca.len, key.data, key.len));
	CHECK(!certificate_has_key(ca.data, ca.len, other.data, other.len));
	CHECK(!certificate_has_key(ca.data, ca.len, key.data, 0));
}

/* Both CAs have the same name: only the signature differs. */
TEST(certificate_signed_by_ca)
{
	CLEANUP(text_done) struct text ca = pem("ca.crt"), other = pem("other-ca.crt"), server = pem("server.crt");

	CHECK(certificate_signed_by(server.data, server.len, ca.data, ca.len));
	CHECK(!certificate_signed_by(server.data, server.len, other.data, other.len));
	CHECK(certificate_signed_by(ca.data, ca.len, ca.data, ca.len));
	CHECK(!certificate_signed_by(server.data, server.len, ca.data, 10));
}
