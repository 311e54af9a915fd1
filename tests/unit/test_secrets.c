/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/secrets.h"

#include "lib/base64.h"
#include "tests/unit/check.h"

#define TOKEN "abcdef.0123456789abcdef"
#define KEY "f8902e114ef118304e561c3ecd4d0b543adc226b7a07f675f56564185ffe0c07"
#define UUID "8f2c9a1e-0d3b-4c57-9e61-7ab0cd45ef12"

static struct secrets some(void)
{
	struct node_config node = { .token = (char *)TOKEN,
				    .certificate_key = (char *)KEY,
				    .proxmox.token_secret = (char *)UUID };
	struct secrets s = { 0 };

	secrets_of(&node, &s);
	return s;
}

/* A new secret in the schema needs a line in secrets_of(). */
TEST(secrets_knows_all_keys)
{
	CHECK_STR(node_config_secret_keys[0], "token");
	CHECK_STR(node_config_secret_keys[1], "certificate_key");
	CHECK_STR(node_config_secret_keys[2], "proxmox.token_secret");
	CHECK_STR(node_config_secret_keys[3], "pki.key");
}

/* kubeadm's own lines, and where secrets would be cut by a line's end. */
static const struct {
	const char *line, *masked;
} lines[] = {
	{ "  kubeadm join 10.0.2.15:6443 --token " TOKEN " \\",
	  "  kubeadm join 10.0.2.15:6443 --token ******.**************** \\" },
	{ "[bootstrap-token] Using token: " TOKEN, "[bootstrap-token] Using token: ******.****************" },
	{ "[bootstrap-token] Using token: zzzzzz.9999999999zzzzzz",
	  "[bootstrap-token] Using token: ******.****************" },
	{ "--token zzzzzz.9999999999zzzzzz --token=" TOKEN,
	  "--token ******.**************** --token=******.****************" },
	{ KEY, "****************************************************************" },
	{ "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a \r",
	  "**************************************************************** \r" },
	{ "\t--control-plane --certificate-key 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
	  "\t--control-plane --certificate-key ****************************************************************" },
	{ "\t--discovery-token-ca-cert-hash sha256:4ee23d935fa28d6a2035a52e54df7cf0029949fe2f4085845dac6cc0fafae67f \\",
	  "\t--discovery-token-ca-cert-hash sha256:4ee23d935fa28d6a2035a52e54df7cf0029949fe2f4085845dac6cc0fafae67f "
	  "\\" },
	{ "secret half 0123456789abcdef of it", "secret half **************** of it" },
	{ "the token is abcdef.012345678", "the token is ******.*********" },
	{ "  9abcdef is too short to be a piece", "  9abcdef is too short to be a piece" },
	{ "  89abcdef continues", "  ******** continues" },
	{ "token ID abcdef is public", "token ID abcdef is public" },
	{ "PVEAPIToken=a@pve!b=" UUID, "PVEAPIToken=a@pve!b=********-****-****-****-************" },
	{ "[certs] Generating \"ca\" certificate and key", "[certs] Generating \"ca\" certificate and key" },
	{ "", "" },
};

TEST(secrets_never_show_in_a_line)
{
	CLEANUP(secrets_done) struct secrets s = some();

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		CLEANUP(free_p) char *line = xstrdup(lines[i].line);
		secrets_mask_line(&s, line);
		CHECK_STR(line, lines[i].masked);
	}
}

TEST(secrets_become_zeros_of_their_kind)
{
	CLEANUP(secrets_done) struct secrets s = some();
	char text[] = "token: " TOKEN "\nkey: \"" KEY "\"\nurl: x?s=" UUID "&" UUID;

	CHECK(secrets_zero(&s, text, strlen(text)) == 4);
	CHECK_STR(text, "token: 000000.0000000000000000\n"
			"key: \"0000000000000000000000000000000000000000000000000000000000000000\"\n"
			"url: x?s=00000000-0000-0000-0000-000000000000&00000000-0000-0000-0000-000000000000");
	CHECK(secrets_zero(&s, text, strlen(text)) == 0);
}

/* text in base64, with a break after each `width` digits. */
static char *base64_lines(const char *text, size_t width, const char *line_break)
{
	CLEANUP(text_done) struct text digits = { 0 };
	struct text wrapped = { 0 };

	base64_encode(text, strlen(text), &digits);
	for (size_t i = 0; i < digits.len; i += width) {
		text_addn(&wrapped, digits.data + i, digits.len - i < width ? digits.len - i : width);
		text_add(&wrapped, line_break);
	}
	return text_take(&wrapped);
}

/* Unwraps and decodes. */
static char *base64_text(const char *encoded)
{
	CLEANUP(text_done) struct text digits = { 0 };
	struct text plain = { 0 };

	for (const char *p = encoded; *p; p++)
		if (*p == '\\')
			p++;
		else if (*p != '\n')
			text_addn(&digits, p, 1);
	return base64_decode(digits.data, &plain) ? text_take(&plain) : xstrdup("(no base64)");
}

static char *zeros_of(const char *secret)
{
	char *zeros = xstrdup(secret);

	for (char *p = zeros; *p; p++)
		*p = strchr(".-", *p) ? *p : '0';
	return zeros;
}

/* Not a bit of the secret is left, nor one of its neighbours changed. */
TEST(secrets_are_found_in_base64)
{
	static const char *const secret[] = { TOKEN, KEY, UUID }, *const breaks[] = { "", "\n", "\\n" };
	CLEANUP(secrets_done) struct secrets s = some();

	for (size_t i = 0; i < 3 * 3 * 3 * 4; i++) {
		CLEANUP(free_p) char *zeros = zeros_of(secret[i / 3 % 3]);
		CLEANUP(free_p)
		char *text = xasprintf("%.*skey: %s\nmore: text\n", (int)(i % 3), "ab", secret[i / 3 % 3]);
		CLEANUP(free_p) char *want = xasprintf("%.*skey: %s\nmore: text\n", (int)(i % 3), "ab", zeros);
		CLEANUP(free_p) char *encoded = base64_lines(text, 19 * (1 + i / 27), breaks[i / 9 % 3]);
		size_t length = strlen(encoded);
		CHECK(secrets_zero(&s, encoded, length) > 0);
		CLEANUP(free_p) char *is = base64_text(encoded);
		CHECK(strlen(encoded) == length);
		CHECK_STR(is, want);
		CHECK(secrets_zero(&s, encoded, length) == 0);
	}
}

/* A secret that is all there is, or is at an end. */
TEST(secrets_are_found_at_the_ends_of_base64)
{
	CLEANUP(secrets_done) struct secrets s = some();

	for (int i = 0; i < 4; i++) {
		CLEANUP(free_p) char *text = xasprintf("%s" TOKEN "%s", i & 1 ? "x" : "", i & 2 ? "x" : "");
		CLEANUP(free_p) char *encoded = base64_lines(text, 1000, "");
		CHECK(secrets_zero(&s, encoded, strlen(encoded)) > 0);
		CLEANUP(free_p) char *is = base64_text(encoded);
		CHECK(strstr(is, "000000.0000000000000000") && strlen(is) == strlen(text));
	}
}

/* A base64 file of write_files in a base64 part of a MIME message. The part stays as it is around the secret. */
TEST(secrets_are_found_in_base64_twice)
{
	CLEANUP(secrets_done) struct secrets s = some();

	for (int i = 0; i < 9; i++) {
		CLEANUP(free_p) char *file = xasprintf("%.*stoken: %s\n", i % 3, "ab", TOKEN);
		CLEANUP(free_p) char *inner = base64_lines(file, 1000, "");
		CLEANUP(free_p) char *part = xasprintf("%.*scontent: %s\n", i / 3, "ab", inner);
		CLEANUP(free_p) char *outer = base64_lines(part, 76, "\n");
		CHECK(secrets_zero(&s, outer, strlen(outer)) > 0);
		CLEANUP(free_p) char *is = base64_text(outer);
		char *content = strstr(is, "content: ");
		CHECK(content && strlen(is) == strlen(part));
		CLEANUP(free_p) char *written = base64_text(text_trim(content + strlen("content: ")));
		CHECK(strstr(written, "token: ") && strstr(written, "00000.000000000000000"));
		CHECK(secrets_zero(&s, is, strlen(is)) == 0);
	}
}

TEST(secrets_are_suspected_in_gzip)
{
	static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03+I-.\x01\0";
	CLEANUP(text_done) struct text once = { 0 };

	base64_encode(gzip, sizeof gzip - 1, &once);
	CHECK(secrets_hidden_by_gzip(gzip, sizeof gzip - 1));
	CHECK(secrets_hidden_by_gzip(once.data, once.len));
	for (int i = 0; i < 3; i++) {
		CLEANUP(free_p) char *part = xasprintf("%.*s%s", i, "ab", once.data);
		CLEANUP(free_p) char *twice = base64_lines(part, 1000, "");
		CHECK(secrets_hidden_by_gzip(twice, strlen(twice)));
	}
	CHECK(!secrets_hidden_by_gzip("#cloud-config\ntoken: x\n", 23));
}

/* What a wipe that continues after a power cut reads back. */
TEST(secrets_that_are_zeros_are_none)
{
	struct node_config node = { .token = (char *)"000000.0000000000000000",
				    .proxmox.token_secret = (char *)"00000000-0000-0000-0000-000000000000" };
	CLEANUP(secrets_done) struct secrets s = { 0 };

	secrets_of(&node, &s);
	CHECK(s.zeroed && s.plain.n == 0 && s.encoded.n == 0);
}
