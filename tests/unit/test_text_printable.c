/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/alloc.h"
#include "lib/json.h"
#include "lib/text.h"
#include "tests/unit/check.h"

static const struct {
	const char *given, *line, *document;
} rows[] = {
	{ "plain, \xc3\xa4 and \xe2\x82\xac", "plain, \xc3\xa4 and \xe2\x82\xac", "plain, \xc3\xa4 and \xe2\x82\xac" },
	{ "a\tb\nc", "a b?c", "a\tb\nc" },
	{ "\x1b[2J\x1b]0;t\x07", "?[2J?]0;t?", "?[2J?]0;t?" },
	{ "a\rb\x7f", "a?b?", "a?b?" },
	{ "\xc2\x9b"
	  "31m",
	  "??31m", "??31m" },
	{ "\xe2\x80\xae"
	  "gpj",
	  "???gpj", "???gpj" },
	{ "\xe2\x81\xa6x", "???x", "???x" },
	{ "\xd8\x9cx", "??x", "??x" },
	{ "\xff\xc0\x80\xed\xa0\x80\xe2\x82", "????????", "????????" },
	{ "", "", "" },
};

TEST(text_make_printable_rows)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(free_p) char *line = xstrdup(rows[i].given), *document = xstrdup(rows[i].given);
		text_make_printable(line);
		text_make_printable_lines(document);
		CHECK_STR(line, rows[i].line);
		CHECK_STR(document, rows[i].document);
	}
}

/* JSON keeps what it was given, in an escaped form. */
TEST(text_in_json_is_escaped)
{
	CLEANUP(json_free_p) struct json *object = json_object();
	CLEANUP(text_done) struct text text = { 0 };

	json_put_string(object, "a", "\x1b[2J\xc2\x9b\x7f\xe2\x80\xae \xc3\xa4");
	json_print(object, false, &text);
	CHECK_STR(text.data, "{\"a\":\"\\u001b[2J\\u009b\\u007f\\u202e \xc3\xa4\"}");
}
