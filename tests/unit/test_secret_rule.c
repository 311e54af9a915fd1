/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/secret_rule.h"
#include "tests/unit/check.h"

static bool matches(enum secret_match match, const char *word, const char *content)
{
	const struct secret_rule rule = { FAULT_CREDENTIAL, "*", match, word, "x" };

	return secret_rule_matches(&rule, content, strlen(content));
}

TEST(secret_rule_lines_and_words)
{
	CHECK(matches(SECRET_EXISTS, NULL, "x") && !matches(SECRET_EXISTS, NULL, ""));
	CHECK(matches(SECRET_LINE, NULL, "# c\n\n  x\n") && !matches(SECRET_LINE, NULL, "# c\n ; c\n\n // c\n"));
	CHECK(matches(SECRET_WORD, "PermitEmptyPasswords yes", "permitemptypasswords YES\n"));
	CHECK(!matches(SECRET_WORD, "TrustedUserCAKeys", "#TrustedUserCAKeys /x\n"));
	CHECK(matches(SECRET_WORD, "x", "no\nx"));
}

TEST(secret_rule_assignments)
{
	static const char *const yes[] = { "PASSWORD=x",
					   "export DB_PASSWORD=\"x\"",
					   "Environment=\"API_TOKEN=abc\"",
					   "password: hunter2",
					   "\"client_secret\": \"x\"",
					   "aws_secret_access_key = x",
					   "ExecStart=/bin/x --token=abc" };
	static const char *const no[] = {
		"PASSWORD=",       "PASSWORD=\"\"", "PASSWORD=$OTHER", "TOKEN_FILE=/x", "TOKEN=/run/x", "# PASSWORD=x",
		"PASS_MAX_DAYS=9", "tokens=x",      "password: {{x}}", "password",      "=x",           "secret=<none>"
	};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!matches(SECRET_ASSIGNED, NULL, yes[i])) {
			printf("# missed: %s\n", yes[i]);
			CHECK(false);
		}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (matches(SECRET_ASSIGNED, NULL, no[i])) {
			printf("# wrong: %s\n", no[i]);
			CHECK(false);
		}
}

TEST(secret_rule_urls)
{
	CHECK(matches(SECRET_URL, NULL, "deb [arch=amd64] https://u:p@h/d s m"));
	CHECK(matches(SECRET_URL, NULL, "Proxy \"http://token@h\";"));
	CHECK(!matches(SECRET_URL, NULL, "deb https://h/d@x s m") && !matches(SECRET_URL, NULL, "https://@h"));
	CHECK(!matches(SECRET_URL, NULL, "https://h mail@x") && !matches(SECRET_URL, NULL, "# https://u:p@h"));
	CHECK(!matches(SECRET_URL, NULL, "://") && !matches(SECRET_URL, NULL, ""));
}

TEST(secret_rule_private_keys)
{
	static const char body[] = "\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n";
	static const char *const labels[] = { "PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY",
					      "PGP PRIVATE KEY BLOCK" };

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		CLEANUP(free_p) char *pem = xasprintf("text -----BEGIN %s-----%s", labels[i], body);
		CHECK(matches(SECRET_KEY, NULL, pem));
	}
	CHECK(matches(SECRET_KEY, NULL,
		      "-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED"));
	CHECK(matches(SECRET_KEY, NULL, "{\"k\": \"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG\"}"));
	CHECK(matches(SECRET_KEY, NULL, "client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ=="));
	CHECK(!matches(SECRET_KEY, NULL, "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"));
	CHECK(!matches(SECRET_KEY, NULL, "-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"));
	/* Programs know the labels. */
	CHECK(!matches(SECRET_KEY, NULL, "-----BEGIN RSA PRIVATE KEY-----"));
	CHECK(!matches(SECRET_KEY, NULL, "-----BEGIN RSA PRIVATE KEY-----\nMII"));
	CHECK(!matches(SECRET_KEY, NULL, "-----BEGIN "));
}
