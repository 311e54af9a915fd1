/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cmd/help.h"

#include <string.h>

#include "builder/component/component_schema.h"
#include "builder/deploy/cluster_schema.h"
#include "builder/pve/target_schema.h"
#include "builder/recipe/recipe_schema.h"
#include "builder/seed/node_schema.h"
#include "lib/alloc.h"
#include "lib/duration.h"
#include "lib/node_config_schema.h"

const struct schema *const schemas[] = { &recipe_schema, &component_schema, &node_schema,
					 &target_schema, &cluster_schema,   NULL };

const struct schema *help_schema(const char *name)
{
	for (const struct schema *const *s = schemas; *s; s++)
		if (!strcmp((*s)->name, name))
			return *s;
	return NULL;
}

static char *field_values(const struct node_config_field *f)
{
	struct text t = { 0 };

	if (f->names)
		for (size_t i = 0; f->names[i]; i++)
			text_addf(&t, "%s%s", i ? ", " : "", f->names[i]);
	else if (f->kind == FIELD_DURATION)
		text_add(&t, f->min ? "a time of 1s to 7d" : "a time");
	else if (f->kind == FIELD_NUMBER)
		text_addf(&t, "%ld to %ld", f->min, f->max);
	else
		text_addf(&t, "%s%s",
			  f->kind == FIELD_STRINGS ? "a list; "
			  : f->kind == FIELD_PAIRS ? "a map; "
						   : "",
			  f->allowed);
	return text_take(&t);
}

char *help_values(const struct schema_key *key)
{
	if (key->values)
		return xstrdup(key->values);
	for (size_t i = 0; i < node_config_fields_n; i++) {
		CLEANUP(free_p) char *path = node_config_field_path(&node_config_fields[i]);

		if (!strcmp(path, key->path))
			return field_values(&node_config_fields[i]);
	}
	return xstrdup("");
}

static void add_options(const struct option_spec *options, struct text *ret)
{
	for (const struct option_spec *o = options; o && o->name; o++) {
		CLEANUP(free_p)
		char *left = xasprintf("%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
		text_addf(ret, "  %-24s %s\n", left, o->help);
	}
}

void help_program(struct text *ret)
{
	text_add(ret, "nodekiln " NODEKILN_VERSION ": golden Kubernetes node images for Proxmox VE\n\n"
		      "usage: nodekiln COMMAND [OPTIONS] [ARGUMENTS]\n\n");
	for (const struct command *const *c = commands; *c; c++)
		text_addf(ret, "  %-10s %s\n", (*c)->name, (*c)->summary);
	text_add(ret, "\n`nodekiln COMMAND --help` prints a command's options, `nodekiln version` the version. Exit "
		      "codes:\n\n");
	for (const struct exit_code *e = exit_codes; e->text; e++)
		text_addf(ret, "  %2d  %s\n", e->code, e->text);
}

void help_command(const struct command *c, struct text *ret)
{
	text_addf(ret, "usage: nodekiln %s [OPTIONS]%s%s\n\n%s\n\n", c->name, *c->arguments ? " " : "", c->arguments,
		  c->summary);
	add_options(c->options, ret);
	add_options(common_options, ret);
}
