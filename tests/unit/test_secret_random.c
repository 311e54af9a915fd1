/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/secret_key.h"
#include "lib/hash.h"
#include "lib/macro.h"
#include "tests/unit/check.h"

#define PRIVATE true

static bool looks(const char *text, bool is_private)
{
	return secret_random_what(text, strlen(text), is_private) != NULL;
}

/* What real packages make. */
TEST(secret_random_words)
{
	static const char *const yes[] = {
		"InitiatorName=iqn.1993-08.org.debian:01:f3a2b4c5d6e7\n",
		"nqn.2014-08.org.nvmexpress:uuid:3f1d6a1c-7a0e-4c1b-9d4e-5b6a7c8d9e0f\n",
		"3f1d6a1c-7a0e-4c1b-9d4e-5b6a7c8d9e0f",
		"9d4e5b6a7c8d9e0f3f1d6a1c7a0e4c1b\n",
		"secret \"q0Zt4yXyMyq8k1vVwC5nJ2rTgDfP9hLb3sAeUoIxRzE=\";\n",
		"# a comment\nkey = Q0ZT4yXyMyq8k1vVwC5nJ2\n",
	};
	static const char *const private[] = { "KWHNJDVCQPXTRSMLBZAY", "password = mq8K1vVwC5nJ2\n",
					       "tgdfp9hlb3saeuox\n" };
	static const char *const no[] = {
		"",
		"\n",
		"# 3f1d6a1c-7a0e-4c1b-9d4e-5b6a7c8d9e0f\n; 9d4e5b6a7c8d9e0f3f1d\n",
		"listen = 127.0.0.1:8080\nlog = /var/log/x/access.log\n",
		"root = /usr/lib/x86_64-linux-gnu/gconv\n",
		"20260102030405\n",
		"000000000000\n00000000-0000\n",
		"deadbeefdead\n",
		"PermitRootLogin prohibit-password\nX11DisplayOffset 10\n",
		"www.example.com:443/path?with=parameters&and=more\n",
		"TLSv12PreferServerCiphersX509 NoNewPrivilegesForChildren2Day\n",
		"20260102T030405Z\n",
		"XKBMODEL=\"pc105\"\nXKBLAYOUT=\"us\"\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!looks(yes[i], false) || !looks(yes[i], PRIVATE)) {
			printf("# missed: %s\n", yes[i]);
			CHECK(false);
		}
	for (size_t i = 0; i < ARRAY_SIZE(private); i++)
		if (!looks(private[i], PRIVATE) || looks(private[i], false)) {
			printf("# wrong: %s\n", private[i]);
			CHECK(false);
		}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (looks(no[i], PRIVATE)) {
			printf("# wrong: %s\n", no[i]);
			CHECK(false);
		}
}

/* Passwords of each length, as `tr -dc A-Za-z0-9 </dev/urandom` makes them. */
TEST(secret_random_passwords)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned missed = 0, all = 0;
	char hex[SHA256_HEX], password[33];

	for (unsigned round = 0; round < 1000; round++)
		for (size_t len = 16; len <= 32; len += 8, all++) {
			unsigned seed[2] = { round, (unsigned)len }, n;
			sha256_hex(seed, sizeof seed, hex);
			for (size_t i = 0; i < len; i++) {
				sscanf(hex + 2 * i, "%2x", &n);
				password[i] = letters[n % 62];
			}
			password[len] = '\0';
			missed += !looks(password, PRIVATE);
		}
	CHECK(missed * 100 < all); /* less than one of a hundred */
}

/* Digests are as random as keys; many of each length. */
TEST(secret_random_bytes)
{
	char hex[SHA256_HEX];
	unsigned char bytes[1024];

	for (unsigned round = 0; round < 200; round++) {
		for (size_t n = 0; n < sizeof bytes; n += 32) {
			unsigned seed[2] = { round, (unsigned)n };
			sha256_hex(seed, sizeof seed, hex);
			for (size_t i = 0; i < 32; i++)
				sscanf(hex + 2 * i, "%2hhx", &bytes[n + i]);
		}
		for (size_t len = 16; len <= sizeof bytes; len *= 2)
			CHECK(secret_random_what((char *)bytes, len, PRIVATE));
		CHECK(secret_random_what((char *)bytes, 32, false) && !secret_random_what((char *)bytes, 1024, false));
		CHECK(!secret_random_what((char *)bytes, 15, PRIVATE));
	}
}

TEST(secret_random_not_data)
{
	static const char zeros[4096] = "\1\2\3";
	static char counting[512], table[384];

	for (size_t i = 0; i < sizeof counting; i++)
		counting[i] = (char)(i / 8);
	for (size_t i = 0; i < sizeof table; i++)
		table[i] = i % 8 < 3 ? (char)i : 0; /* as of records with numbers */
	CHECK(!secret_random_what(zeros, sizeof zeros, PRIVATE) && !secret_random_what(zeros, 32, PRIVATE));
	CHECK(!secret_random_what(counting, sizeof counting, PRIVATE));
	CHECK(!secret_random_what(table, sizeof table, PRIVATE));
	CHECK(!secret_random_what(zeros, SECRET_RANDOM_MAX + 1, PRIVATE));
}
