/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "builder/cmd/help.h"
#include "lib/alloc.h"

/* A cell of a table: a bar would end it. */
static void add_cell(const char *s, struct text *ret)
{
	for (; *s; s++)
		text_addf(ret, *s == '|' ? "\\%c" : "%c", *s);
}

void markdown_commands(struct text *ret)
{
	text_add(ret, "| command | |\n| --- | --- |\n");
	for (const struct command *const *c = commands; *c; c++) {
		text_addf(ret, "| `nodekiln %s%s", (*c)->name, *(*c)->arguments ? " " : "");
		add_cell((*c)->arguments, ret);
		text_add(ret, "` | ");
		add_cell((*c)->summary, ret);
		text_add(ret, " |\n");
	}
}

void markdown_exit_codes(struct text *ret)
{
	text_add(ret, "| code | |\n| --: | --- |\n");
	for (const struct exit_code *e = exit_codes; e->text; e++)
		text_addf(ret, "| %d | %s |\n", e->code, e->text);
}

void markdown_keys(const struct schema *s, struct text *ret)
{
	text_add(ret, "| key | values | default | |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < s->n; i++) {
		const struct schema_key *k = &s->keys[i];
		CLEANUP(free_p) char *values = help_values(k);
		bool required = k->preset && !strcmp(k->preset, SCHEMA_REQUIRED);

		text_addf(ret, "| `%s` | ", k->path);
		add_cell(values, ret);
		text_addf(ret, " | %s | ", required ? "**required**" : k->preset ? k->preset : "");
		add_cell(k->text, ret);
		text_add(ret, " |\n");
	}
}
