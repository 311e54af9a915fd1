/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/yaml.h"
#include "tests/unit/check.h"
#include "tests/unit/heap.h"

#define SECRET "0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef"

static struct yaml *parse(const char *text, struct error *err)
{
	struct yaml *root = NULL;

	return yaml_parse("f", text, strlen(text), &root, err) < 0 ? NULL : root;
}

TEST(yaml_parse_records_places)
{
	struct error err = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *root = parse("a: 1\nb:\n  - x\n  - {c: 'd'}\n", &err);
	const struct yaml *list = yaml_find(root, "b");

	CHECK(root && root->kind == YAML_MAP && root->children == 2);
	CHECK(list && list->kind == YAML_LIST && list->line == 2); /* its key's */
	CHECK(list->child[1]->kind == YAML_MAP && list->child[1]->line == 4);
	CHECK(yaml_find(root, "a")->plain && !yaml_find(list->child[1], "c")->plain);
	CHECK_STR(yaml_find(list->child[1], "c")->value, "d");
	CHECK_STR(yaml_find(root, "a")->file, "f");
}

TEST(yaml_parse_keeps_scalars_as_text)
{
	struct error err = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *root = parse("v: 1.30\nn: ~\nt: '~'\ne:\no: 0777\n", &err);

	CHECK(root);
	CHECK_STR(yaml_find(root, "v")->value, "1.30");
	CHECK_STR(yaml_find(root, "n")->value, "");
	CHECK_STR(yaml_find(root, "t")->value, "~");
	CHECK_STR(yaml_find(root, "e")->value, "");
	CHECK_STR(yaml_find(root, "o")->value, "0777");
}

/* Neither libyaml's buffers nor the tree, whether the document ends as it should or at an error, before or behind the secret. */
TEST(yaml_parse_leaves_no_secret_in_the_heap)
{
	static const char *const documents[] = {
		"a: " SECRET "\n",
		"a: \"" SECRET "\"\nb: ['" SECRET "', 2]\n",
		"a: |\n  " SECRET "\n  and more\n",
		"a: " SECRET "\nb: [\n",
		"a: {b: " SECRET ", c: \n}}\n",
		SECRET ": &x " SECRET "\n",
	};

	if (!HEAP_IS_OURS)
		SKIP("needs the heap of the C library");
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		struct error err = { 0 };

		yaml_node_free(parse(documents[i], &err));
		CHECK(!heap_has(SECRET));
	}
}

TEST(yaml_take_reads_and_marks)
{
	struct error err = { 0 };
	CLEANUP(yaml_node_free_p)
	struct yaml *root = parse("s: x\nb: true\ni: -3\nz: 2G\nc: two\nl: [a, b]\none: a\n", &err);
	static const char *const names[] = { "one", "two", NULL };
	CLEANUP(free_p) char *s = NULL;
	CLEANUP(strings_done) struct strings l = { 0 }, one = { 0 };
	unsigned long long size = 0;
	bool b = false;
	long i = 0;
	int choice = -1;

	CHECK(yaml_take_string(root, "s", &s, &err) == 0 && yaml_take_bool(root, "b", &b, &err) == 0);
	CHECK(yaml_take_int(root, "i", -5, 5, &i, &err) == 0 && yaml_take_size(root, "z", &size, &err) == 0);
	CHECK(yaml_take_choice(root, "c", names, &choice, &err) == 0);
	CHECK(yaml_take_strings(root, "l", &l, &err) == 0 && yaml_take_strings(root, "one", &one, &err) == 0);
	CHECK_STR(s, "x");
	CHECK(b && i == -3 && size == 2ull << 30 && choice == 1 && l.n == 2 && one.n == 1);
	CHECK(yaml_check_all_taken(root, &err) == 0);
}

TEST(yaml_take_absent_keys)
{
	struct error err = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *root = parse("{}", &err);
	long i = 7;

	CHECK(yaml_take_int(root, "i", 0, 9, &i, &err) == 0 && i == 7);
	CHECK(yaml_take_int(NULL, "i", 0, 9, &i, &err) == 0 && i == 7);
}

TEST(yaml_check_all_taken_names_the_key)
{
	struct error err = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *root = parse("m:\n  good: 1\n  odd: 2\n", &err);
	struct yaml *map = NULL;
	CLEANUP(free_p) char *s = NULL;

	CHECK(yaml_take_map(root, "m", &map, &err) == 0 && map);
	CHECK(yaml_take_string(map, "good", &s, &err) == 0);
	CHECK(yaml_check_all_taken(root, &err) < 0);
	CHECK_STR(err.text, "f:3: unknown key 'odd'; allowed here: good");
	CHECK(err.class == ERROR_INPUT);
}

TEST(yaml_take_int_bounds)
{
	struct error err = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *root = parse("a: 10\nb: 1e3\nc: 99999999999999999999\nd: ' 1'\n", &err);
	long n = 0;

	CHECK(yaml_take_int(root, "a", 0, 9, &n, &err) < 0);
	CHECK_STR(err.text, "f:1: 'a' is '10'; allowed: a number from 0 to 9");
	CHECK(yaml_take_int(root, "b", 0, 9999, &n, &err) < 0);
	CHECK(yaml_take_int(root, "c", 0, 9223372036854775807L, &n, &err) < 0);
	CHECK(yaml_take_int(root, "d", 0, 9, &n, &err) < 0);
}

TEST(yaml_parse_limits)
{
	CLEANUP(text_done) struct text deep = { 0 }, wide = { 0 }, big = { 0 };
	struct error err = { 0 };

	for (int i = 0; i <= YAML_DEPTH_MAX; i++)
		text_add(&deep, "[");
	CHECK(!parse(deep.data, &err) && strstr(err.text, "deeper than 32"));
	for (int i = 0; i <= YAML_ITEMS_MAX; i++)
		text_add(&wide, "- a\n");
	CHECK(!parse(wide.data, &err) && strstr(err.text, "more than 4096"));
	for (int i = 0; i <= YAML_SIZE_MAX / 16; i++)
		text_add(&big, "# 3456789012345\n");
	CHECK(!parse(big.data, &err) && strstr(err.text, "the limit is"));
}

TEST(yaml_error_is_printable)
{
	struct error err = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *root = parse("b: \"\\e[2J\\n\"\n", &err);
	bool b;

	CHECK(root && yaml_take_bool(root, "b", &b, &err) < 0);
	CHECK_STR(err.text, "f:1: 'b' is '?[2J?'; allowed: true, false");
}

TEST(yaml_parse_refuses_nul_and_utf16)
{
	struct error err = { 0 };
	struct yaml *root = NULL;

	CHECK(!parse("a: \"\\0\"\n", &err));
	CHECK(yaml_parse("f",
			 "\xff\xfe"
			 "a\0:\0",
			 6, &root, &err) < 0);
	CHECK(yaml_parse("f", "a: \xff\n", 5, &root, &err) < 0);
}

TEST(yaml_tree_add_find_remove)
{
	CLEANUP(yaml_node_free_p) struct yaml *map = yaml_new(YAML_MAP, "h", 0), *other = NULL, *out = NULL;
	struct error err = { 0 };

	yaml_add(map, "a", yaml_new_scalar("h", 0, "1"));
	yaml_add(map, "b", yaml_new_scalar("h", 0, "2"));
	other = parse("b: '2'\na: 1\n", &err);
	CHECK(yaml_same(map, other));
	out = yaml_remove(map, "a");
	CHECK(out && map->children == 1 && !yaml_same(map, other));
	CHECK(yaml_error(map, &err, "no line") < 0);
	CHECK_STR(err.text, "h: no line");
}

/* cloud-init's manual has it for the content of files; it is a scalar alone, and no recipe or node configuration has it. */
TEST(yaml_binary_in_cloud_configs_only)
{
	static const char text[] = "a: !!binary |\n  aGVs\n  bG8=\nb: x\n";
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL, *again = NULL, *none = NULL;
	CLEANUP(text_done) struct text printed = { 0 };
	struct error err = { 0 };

	CHECK(yaml_parse("x", text, strlen(text), &none, &err) < 0 && strstr(err.text, "x:1: tags are not allowed"));
	CHECK(yaml_parse_cloud_config("x", text, strlen(text), &tree, &err) == 0);
	CHECK(yaml_find(tree, "a")->binary && !yaml_find(tree, "b")->binary);
	yaml_print(tree, &printed);
	CHECK_STR(printed.data, text);
	CHECK(yaml_parse_cloud_config("x", printed.data, printed.len, &again, &err) == 0 && yaml_same(tree, again));
	for (size_t i = 0; i < 4; i++) {
		static const char *const wrong[] = { "a: !!binary [x]\n", "!!binary a: x\n", "a: !!python/object x\n",
						     "a: !binary x\n" };
		CHECK(yaml_parse_cloud_config("x", wrong[i], strlen(wrong[i]), &none, &err) < 0 && !none);
	}
}
