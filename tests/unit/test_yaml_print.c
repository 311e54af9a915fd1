/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/yaml.h"
#include "tests/unit/check.h"

static bool printed(const char *document, struct text *ret)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	struct error err = { 0 };

	ret->len = 0;
	if (yaml_parse("test", document, strlen(document), &tree, &err) < 0)
		return false;
	yaml_print(tree, ret);
	return true;
}

TEST(yaml_print_block_style)
{
	CLEANUP(text_done) struct text got = { 0 };

	CHECK(printed("{a: 1, b: [x, [y, z], {c: d, e: [f]}], g: {}, h: [], 'on': {i: {j: k}}}", &got));
	CHECK_STR(got.data, "a: 1\nb:\n  - x\n  - - y\n    - z\n  - c: d\n    e:\n      - f\ng: {}\nh: []\n\"on\":\n  "
			    "i:\n    j: k\n");
	CHECK(printed("[]", &got));
	CHECK_STR(got.data, " []\n");
}

TEST(yaml_print_keeps_types)
{
	CLEANUP(text_done) struct text got = { 0 };

	CHECK(printed("[0644, '0644', true, 'true', ~, '', -5, 'a: b', a b, 'x\"\\', \"\\e\\x7f\\u0085\\ufffe\\n\"]",
		      &got));
	CHECK_STR(got.data,
		  "- 0644\n- \"0644\"\n- true\n- \"true\"\n- ~\n- \"\"\n- -5\n- \"a: b\"\n- \"a b\"\n- \"x\\\"\\\\\"\n"
		  "- \"\\u001B\\u007F\\u0085\\uFFFE\\n\"\n");
}

TEST(yaml_print_literal_block)
{
	CLEANUP(text_done) struct text got = { 0 };

	CHECK(printed("content: \"one\\n\\n  two\\n\"\nindented: \" x\\ny\\n\"\nopen: \"x\\ny\"\n", &got));
	CHECK_STR(got.data, "content: |\n  one\n\n    two\nindented: \" x\\ny\\n\"\nopen: \"x\\ny\"\n");
}
