/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "builder/cmd/help.h"
#include "builder/recipe/recipe.h"
#include "lib/nearest.h"

static const char *shell;
static bool man, markdown, recipes;

static const struct option_spec options[] = {
	{ "--man", OPTION_FLAG, &man, NULL, "print a manual page in roff: of the program, a command or a file format" },
	{ "--markdown", OPTION_FLAG, &markdown, NULL,
	  "print a Markdown table: of commands, of exit codes or of a file format's keys" },
	{ "--completion", OPTION_VALUE, &shell, "bash|zsh|fish", "print the completion script of a shell" },
	{ "--recipes", OPTION_FLAG, &recipes, NULL, "print the names of the installed recipes" },
	{ 0 },
};

static int print_completion(struct text *ret, struct error *err)
{
	static const struct {
		const char *shell;
		void (*print)(struct text *ret);
	} shells[] = { { "bash", completion_bash }, { "zsh", completion_zsh }, { "fish", completion_fish } };

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (!strcmp(shell, shells[i].shell)) {
			shells[i].print(ret);
			return 0;
		}
	return error_set(err, ERROR_USAGE, "--completion %s: it must be bash, zsh or fish", shell);
}

static int unknown_topic(const char *topic, struct error *err)
{
	CLEANUP(strings_done) struct strings topics = { 0 };
	CLEANUP(text_done) struct text near = { 0 };

	for (const struct command *const *c = commands; *c; c++)
		strings_add(&topics, (*c)->name);
	for (const struct schema *const *s = schemas; *s; s++)
		strings_add(&topics, (*s)->name);
	nearest_add(topic, &topics, &near);
	return error_set(err, ERROR_USAGE,
			 "no help about '%s'%s; topics are the commands, and recipe, component, node, target, cluster",
			 topic, near.len ? near.data : "");
}

static int print_man(const char *topic, struct text *ret, struct error *err)
{
	if (!topic)
		manual_program(ret);
	else if (command_find(topic))
		manual_command(command_find(topic), ret);
	else if (help_schema(topic))
		manual_file(help_schema(topic), ret);
	else
		return unknown_topic(topic, err);
	return 0;
}

static int print_markdown(const char *topic, struct text *ret, struct error *err)
{
	if (!topic || !strcmp(topic, "commands"))
		markdown_commands(ret);
	else if (!strcmp(topic, "exit-codes"))
		markdown_exit_codes(ret);
	else if (help_schema(topic))
		markdown_keys(help_schema(topic), ret);
	else
		return error_set(err, ERROR_USAGE,
				 "no table of '%s'; topics are commands, exit-codes, recipe, node, target, cluster",
				 topic);
	return 0;
}

static int print_text(const char *topic, struct text *ret, struct error *err)
{
	if (!topic)
		help_program(ret);
	else if (command_find(topic))
		help_command(command_find(topic), ret);
	else if (help_schema(topic))
		markdown_keys(help_schema(topic), ret);
	else
		return unknown_topic(topic, err);
	return 0;
}

static void print_recipes(struct text *ret)
{
	CLEANUP(strings_done) struct strings names = { 0 };

	recipe_names(&names);
	for (size_t i = 0; i < names.n; i++)
		text_addf(ret, "%s\n", names.at[i]);
}

static int print(const char *topic, struct text *ret, struct error *err)
{
	if (man + markdown + recipes + !!shell > 1)
		return error_set(err, ERROR_USAGE, "--man, --markdown, --completion and --recipes exclude each other");
	if ((shell || recipes) && topic)
		return error_set(err, ERROR_USAGE, "--completion and --recipes take no topic");
	if (shell)
		return print_completion(ret, err);
	if (man)
		return print_man(topic, ret, err);
	if (markdown)
		return print_markdown(topic, ret, err);
	if (!recipes)
		return print_text(topic, ret, err);
	print_recipes(ret);
	return 0;
}

static int run(int argc, char **argv, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (print(argc ? argv[0] : NULL, &text, err) < 0)
		return -1;
	command_print(&text);
	return 0;
}

static const char *const examples[] = { "nodekiln help build", "nodekiln help --man cluster | man -l -",
					". <(nodekiln help --completion bash)", NULL };

const struct command command_help = {
	.name = "help",
	.arguments = "[TOPIC]",
	.summary = "print help, manual pages and shell completions",
	.description =
		"Without an option it prints a short help: of the program, of the command TOPIC, or the keys of a file "
		"format. "
		"File formats are recipe, node, target and cluster.\n"
		"The installed manual pages and completion scripts are the output of `--man` and `--completion`.",
	.examples = examples,
	.options = options,
	.max = 1,
	.run = run,
};
