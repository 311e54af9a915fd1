/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of command lines, and what all commands' tables must have. */
#include "builder/cmd/command.h"
#include "tests/unit/check.h"

static bool flag;
static const char *value;
static struct strings list;

static const struct option_spec options[] = {
	{ "--flag", OPTION_FLAG, &flag, NULL, "a flag" },
	{ "--value", OPTION_VALUE, &value, "FILE", "a value" },
	{ "-o", OPTION_VALUE, &value, "FILE", "the same" },
	{ "--list", OPTION_LIST, &list, "NAME", "values" },
	{ 0 },
};
static const struct command sample = { .name = "sample", .arguments = "A [B]", .options = options, .min = 1, .max = 2 };

/* The words as "a,b"; else the error, or "help". argv is a NULL-ended list. */
static const char *read_line(char **argv)
{
	static char result[256];
	CLEANUP(strings_done) struct strings words = { 0 };
	struct error err = { 0 };
	int argc = 0, rc;

	while (argv[argc])
		argc++;
	flag = false;
	value = NULL;
	strings_done(&list);
	rc = command_read(&sample, argc, argv, &words, &err);
	if (rc)
		return snprintf(result, sizeof result, "%s", rc > 0 ? "help" : err.text) < 0 ? NULL : result;
	result[0] = '\0';
	for (size_t i = 0; i < words.n; i++)
		snprintf(result + strlen(result), sizeof result - strlen(result), "%s%s", i ? "," : "", words.at[i]);
	return result;
}

#define LINE(...) read_line((char *[]){ __VA_ARGS__, NULL })

TEST(command_read_options_and_words)
{
	CHECK_STR(LINE("x", "--flag", "--value", "v", "--list", "a", "--list=b", "y"), "x,y");
	CHECK(flag && list.n == 2);
	CHECK_STR(value, "v");
	CHECK_STR(list.at[1], "b");
	CHECK_STR(LINE("--value=a=b", "x"), "x");
	CHECK_STR(value, "a=b");
	CHECK_STR(LINE("-o", "-", "x"), "x");
	CHECK_STR(value, "-");
	CHECK_STR(LINE("--", "--flag", "--help"), "--flag,--help");
	CHECK(!flag);
	CHECK_STR(LINE("-"), "-");
	strings_done(&list);
}

TEST(command_read_help)
{
	CHECK_STR(LINE("--help"), "help");
	CHECK_STR(LINE("x", "--flag", "--help", "--unknown"), "help");
}

TEST(command_read_errors)
{
	CHECK_STR(LINE("x", "--unknown"), "unknown option --unknown; see `nodekiln sample --help`");
	CHECK_STR(LINE("x", "--flags"), "unknown option --flags; did you mean --flag?; see `nodekiln sample --help`");
	CHECK_STR(LINE("x", "--fla"), "unknown option --fla; did you mean --flag?; see `nodekiln sample --help`");
	CHECK_STR(LINE("x", "--flag=1"), "--flag takes no value");
	CHECK_STR(LINE("x", "--value"), "--value needs a value: --value FILE");
	CHECK_STR(LINE("x", "--value", ""), "--value needs a value: --value FILE");
	CHECK_STR(LINE("x", "--value="), "--value needs a value: --value FILE");
	CHECK_STR(LINE("x", "--value", "--flag"), "--value needs a value: --value FILE");
	CHECK_STR(LINE("x", "--value", "--value=y"), "--value needs a value: --value FILE");
	CHECK_STR(LINE("x", "--value=--flag"), "x");
	CHECK_STR(LINE("--flag"), "wrong number of arguments; usage: nodekiln sample [OPTIONS] A [B]");
	CHECK_STR(LINE("1", "2", "3"), "wrong number of arguments; usage: nodekiln sample [OPTIONS] A [B]");
}

TEST(command_find_by_name)
{
	CHECK(command_find("build") == &command_build && command_find("help") == &command_help);
	CHECK(!command_find("buil") && !command_find("") && !command_find("--help"));
}

/* Help, manual pages and completions rely on these. */
TEST(command_tables_are_complete)
{
	for (const struct command *const *c = commands; *c; c++) {
		CHECK((*c)->name && (*c)->arguments && (*c)->summary && (*c)->description && (*c)->examples &&
		      (*c)->run);
		CHECK(!text_ends((*c)->summary, ".") && text_ends((*c)->description, "."));
		CHECK((*c)->max > 0 || !*(*c)->arguments);
		for (const struct option_spec *o = (*c)->options; o->name; o++) {
			CHECK(o->help && *o->help && o->target && (o->kind == OPTION_FLAG) == !o->argument);
			for (const struct option_spec *other = o + 1; other->name; other++)
				CHECK(strcmp(o->name, other->name) != 0);
		}
	}
}

TEST(command_exit_codes_are_the_classes)
{
	int n = 0;

	for (; exit_codes[n].text; n++)
		CHECK(exit_codes[n].code == n);
	CHECK(n == ERROR_SECURITY_UPDATE + 1);
}
