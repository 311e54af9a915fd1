/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/note/: fields (NAME.json) and the line that is made of them (NAME.txt). UPDATE_GOLDEN=1 writes the latter. */
#include "builder/pve/note.h"

#include "lib/hash.h"
#include "tests/unit/golden.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define WORD "nodekiln-deploy"
#define FIELDS "{\"cluster\":\"lab\",\"node\":\"cp1\",\"vmid\":105,\"kind\":\"vm\"}"

static char *make(const char *fields, const char *key)
{
	CLEANUP(json_free_p) struct json *object = NULL;
	struct error err = { 0 };

	if (json_parse("fields", fields, strlen(fields), &object, &err) < 0)
		return xstrdup(err.text);
	return note_make(WORD, object, key);
}

static bool is_good(const char *notes, const char *key)
{
	CLEANUP(note_done) struct note note = { 0 };

	return note_parse(notes, WORD, &note) && note_check(&note, key);
}

TEST(note_round_trip)
{
	CLEANUP(free_p) char *line = make(FIELDS, KEY), *notes = xasprintf("People's words\n%s\r\nmore", line);
	CLEANUP(note_done) struct note note = { 0 };
	int64_t vmid = 0;

	CHECK(note_parse(notes, WORD, &note) && note_check(&note, KEY));
	CHECK_STR(json_get_string(note.fields, "node"), "cp1");
	CHECK(json_get_int(note.fields, "vmid", &vmid) && vmid == 105);
	CHECK(!note_check(&note, OTHER) && !note_check(&note, NULL));
}

/* RFC 4231, test case 2: the mac is HMAC-SHA-256, which other programs can compute. */
TEST(note_mac_is_hmac_sha256)
{
	char mac[SHA256_HEX];

	hmac_sha256_hex("Jefe", 4, "what do ya want for nothing?", 28, mac);
	CHECK_STR(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(note_every_change_is_seen)
{
	CLEANUP(free_p) char *line = make(FIELDS, KEY);
	size_t len = strlen(line);

	CHECK(is_good(line, KEY));
	for (size_t i = 0; i < len; i++) {
		char kept = line[i];
		line[i] ^= 1;
		CHECK(!is_good(line, KEY));
		line[i] = kept;
	}
}

TEST(note_of_another_word)
{
	CLEANUP(free_p) char *line = make(FIELDS, KEY), *other = xasprintf("nodekiln-template%s", line + strlen(WORD));
	CLEANUP(note_done) struct note note = { 0 };

	CHECK(note_parse(other, "nodekiln-template", &note) && *note.mac && !note_check(&note, KEY));
}

/* The first line counts, as for a reader of the notes. */
TEST(note_first_line_counts)
{
	CLEANUP(free_p) char *line = make(FIELDS, KEY), *notes = xasprintf(WORD ": " FIELDS "\n%s", line);
	CLEANUP(free_p) char *turned = xasprintf("%s\n" WORD ": " FIELDS, line);

	CHECK(!is_good(notes, KEY) && is_good(turned, KEY));
}

TEST(note_unsigned_and_broken)
{
	static const char *const unsigned_ones[] = {
		WORD ": " FIELDS,
		WORD ": {\"mac\":\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"}",
		WORD ": {\"a\":1,\"mac\":\"5bdc\"}",
		WORD ": {\"a\":1,\"mac\":\"xbdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\"}",
		WORD ": {\"a\":1,\"mac\":\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\",\"b\":2}",
	};
	static const char *const broken[] = {
		"", WORD, WORD ": {", WORD ":{}", "see " WORD ": {}", WORD ": {}x", "\n"
	};
	struct note none = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(unsigned_ones); i++) {
		CLEANUP(note_done) struct note note = { 0 };
		CHECK(note_parse(unsigned_ones[i], WORD, &note) && !*note.mac && !note_check(&note, KEY));
	}
	CHECK(!note_parse(NULL, WORD, &none));
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		CHECK(!note_parse(broken[i], WORD, &none));
}

TEST(note_line_has_a_limit)
{
	CLEANUP(text_done) struct text long_one = { 0 };
	struct note none = { 0 };

	text_add(&long_one, WORD ": {\"a\":\"");
	while (long_one.len < NOTE_LINE_MAX)
		text_add(&long_one, "aaaaaaaa");
	text_add(&long_one, "\"}");
	CHECK(!note_parse(long_one.data, WORD, &none));
}

TEST(note_replace_keeps_the_rest)
{
	CLEANUP(free_p) char *first = note_replace("words", WORD, WORD ": {1}");
	CLEANUP(free_p) char *below = xasprintf("%s\nbelow", first), *second = note_replace(below, WORD, WORD ": {2}");
	CLEANUP(free_p) char *alone = note_replace("", WORD, WORD ": {1}");

	CHECK_STR(first, "words\n\n" WORD ": {1}");
	CHECK_STR(second, "words\n\n" WORD ": {2}\nbelow");
	CHECK_STR(alone, WORD ": {1}");
}

TEST(note_golden)
{
	static const char *const names[] = { "deploy", "template", "escapes" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(free_p) char *in = xasprintf("tests/golden/note/%s.json", names[i]);
		CLEANUP(free_p) char *out = xasprintf("tests/golden/note/%s.txt", names[i]);
		CLEANUP(text_done) struct text fields = { 0 };
		struct error err = { 0 };
		CHECK_STR(file_read(AT_FDCWD, in, 1 << 16, &fields, &err) < 0 ? err.text : "", "");
		CLEANUP(free_p) char *line = make(fields.data, KEY), *file = xasprintf("%s\n", line);
		CHECK(is_good(line, KEY) && golden_is(out, file));
	}
}
