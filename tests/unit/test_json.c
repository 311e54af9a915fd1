/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json.h"
#include "tests/unit/check.h"
#include "tests/unit/heap.h"

#define SECRET "0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef"

static struct json *parse(const char *text, struct error *err)
{
	struct json *value = NULL;

	return json_parse("f", text, strlen(text), &value, err) < 0 ? NULL : value;
}

TEST(json_leaves_no_secret_in_the_heap)
{
	static const char *const documents[] = {
		"[\"" SECRET "\",\"" SECRET "\",\"last\"]",
		"{\"a\":[{\"b\":\"" SECRET
		"\"}],\"c\":\"a last string that is as long as the secret is, or a little longer.\"}",
	};

	if (!HEAP_IS_OURS)
		SKIP("needs the heap of the C library");
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		struct error err = { 0 };

		json_free(parse(documents[i], &err));
		CHECK(!heap_has(SECRET));
	}
}

TEST(json_print_keeps_the_order)
{
	CLEANUP(json_free_p) struct json *o = json_object();
	CLEANUP(text_done) struct text plain = { 0 }, pretty = { 0 };
	struct json *list = json_array();

	json_put_string(o, "z", "a/b \"c\"");
	json_put_int(o, "a", -5);
	json_put_double(o, "d", 4.81);
	json_put_bool(o, "b", true);
	json_put_string(o, "n", NULL);
	json_push(list, json_string("x"));
	json_put(o, "l", list);
	json_put_stringf(o, "f", "%d-%s", 7, "x");
	json_print(o, false, &plain);
	CHECK_STR(plain.data,
		  "{\"z\":\"a/b \\\"c\\\"\",\"a\":-5,\"d\":4.81,\"b\":true,\"n\":null,\"l\":[\"x\"],\"f\":\"7-x\"}");
	json_print(o, true, &pretty);
	CHECK(text_starts(pretty.data, "{\n  \"z\": \"a/b") && text_ends(pretty.data, "\n}\n"));
}

TEST(json_get_by_type)
{
	struct error err = { 0 };
	CLEANUP(json_free_p)
	struct json *o = parse("{\"s\":\"x\",\"i\":3,\"b\":false,\"l\":[1,\"y\"],\"n\":null,\"d\":1.5}", &err);
	int64_t n = 0;
	bool b = true;

	CHECK(o && json_is_object(o) && json_is_array(json_get(o, "l")));
	CLEANUP(free_p) char *copy = json_dup_string(o, "s"), *none = json_dup_string(o, "none");
	CHECK_STR(copy, "x");
	CHECK(!none);
	CHECK_STR(json_get_string(o, "s"), "x");
	CHECK(json_get_int(o, "i", &n) && n == 3 && json_get_bool(o, "b", &b) && !b);
	CHECK(json_count(json_get(o, "l")) == 2 && json_count(o) == 0);
	CHECK_STR(json_as_string(json_at(json_get(o, "l"), 1)), "y");
	CHECK(!json_get(o, "n") && !json_get(o, "none") && !json_get_string(o, "i") && !json_get_int(o, "s", &n));
	CHECK(!json_get_int(o, "d", &n) && !json_at(json_get(o, "l"), 2) && !json_get(NULL, "x"));
}

TEST(json_unknown_key_finds)
{
	static const char *const known[] = { "a", "b", NULL };
	struct error err = { 0 };
	CLEANUP(json_free_p) struct json *good = parse("{\"b\":1}", &err), *bad = parse("{\"a\":1,\"c\":2}", &err);

	CHECK(!json_unknown_key(good, known));
	CHECK_STR(json_unknown_key(bad, known), "c");
}

/* Whichever json-c reads it. */
TEST(json_parse_utf8)
{
	struct error err = { 0 };
	CLEANUP(json_free_p)
	struct json *good = parse("{\"a\":\"\xc3\xa4\"}", &err), *bad = parse("{\"a\":\"\xc3\"}", &err);

	CHECK_STR(good ? json_get_string(good, "a") : NULL, "\xc3\xa4");
	CHECK(!bad && strstr(err.text, "the JSON text is not UTF-8"));
	CLEANUP(json_free_p)
	struct json *wide = parse("{\"a\":\"\\\\\xf0\x9f\x99\x82\"}", &err), *escaped = parse("[\"\\\xc3\xa4\"]", &err);
	CHECK_STR(wide ? json_get_string(wide, "a") : NULL, "\\\xf0\x9f\x99\x82");
	CHECK(!escaped && !parse("[\xc3\xa4]", &err));
}

/* Whichever json-c prints it. */
TEST(json_print_keeps_empty_values_on_their_line)
{
	struct error err = { 0 };
	CLEANUP(json_free_p) struct json *o = parse("{\"a\":[],\"o\":{},\"s\":\"[\\n ]{ }\",\"n\":[[],{}]}", &err);
	CLEANUP(text_done) struct text pretty = { 0 };

	json_print(o, true, &pretty);
	CHECK_STR(pretty.data,
		  "{\n  \"a\": [],\n  \"o\": {},\n  \"s\": \"[\\n ]{ }\",\n  \"n\": [\n    [],\n    {}\n  ]\n}\n");
}

TEST(json_get_int_refuses_beyond_int64)
{
	struct error err = { 0 };
	/* json-c 0.17 and later do not parse it. */
	CLEANUP(json_free_p) struct json *big = parse("{\"big\":99999999999999999999}", &err);
	CLEANUP(json_free_p) struct json *max = parse("{\"max\":9223372036854775806}", &err);
	int64_t n = 0;

	CHECK(!json_get_int(big, "big", &n));
	CHECK(json_get_int(max, "max", &n) && n == 9223372036854775806);
}

TEST(json_parse_one_value)
{
	static const char *const bad[] = { "",     "{",       "{}{}",     "{\"a\":1,}", "[1 2]",    "nul",
					   "{} x", "// x\n1", "'single'", "{a:1}",      "\"\xff\"", "[1]\x01" };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(json_free_p) struct json *value = parse(bad[i], &err);

		if (value)
			printf("# accepted: %s\n", bad[i]);
		CHECK(!value);
		CHECK(err.class == ERROR_INPUT && text_starts(err.text, "f: "));
	}
}

TEST(json_parse_bare_values)
{
	struct error err = { 0 };
	CLEANUP(json_free_p) struct json *s = parse(" \"x\" \n", &err), *n = parse("12", &err);

	CHECK_STR(json_as_string(s), "x");
	CHECK(n);
}

TEST(json_as_string_refuses_a_nul)
{
	struct error err = { 0 };
	CLEANUP(json_free_p) struct json *o = parse("{\"s\":\"a\\u0000b\"}", &err);
	struct json *raw = NULL;

	CHECK(o && !json_get_string(o, "s"));
	CHECK(json_parse("f", "{}\0{}", 5, &raw, &err) < 0);
}

TEST(json_parse_limits_depth)
{
	CLEANUP(text_done) struct text deep = { 0 };
	struct error err = { 0 };

	for (int i = 0; i <= JSON_DEPTH_MAX; i++)
		text_add(&deep, "[");
	for (int i = 0; i <= JSON_DEPTH_MAX; i++)
		text_add(&deep, "]");
	CHECK(!parse(deep.data, &err));
}
