/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/host/doctor.h"

#include <string.h>

#include "lib/alloc.h"

static const struct {
	unsigned bit;
	const char *name;
} command_names[] = { { FOR_LOCK, "lock" }, { FOR_BUILD, "build" },     { FOR_BOOT, "boot" },
		      { FOR_SEED, "seed" }, { FOR_PUBLISH, "publish" }, { FOR_DEPLOY, "deploy" } };

void doctor_examine(const struct requirement *requirements, size_t n, struct diagnosis *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct text detail = { 0 };
		bool ok = requirements[i].check(&requirements[i], &detail);
		vec_push(&ret->findings, (struct doctor_finding){ &requirements[i], ok, text_take(&detail) });
	}
}

void doctor_done(struct diagnosis *d)
{
	for (size_t i = 0; i < d->findings.n; i++)
		free(d->findings.at[i].detail);
	vec_done(&d->findings);
}

/* For one of the commands; an optional requirement is never missing. */
static bool is_missing(const struct doctor_finding *f, unsigned commands)
{
	return !f->ok && !f->requirement->optional && (f->requirement->commands & commands);
}

size_t doctor_missing(const struct diagnosis *d, unsigned commands, struct strings *ret_names)
{
	size_t n = 0;

	for (size_t i = 0; i < d->findings.n; i++) {
		if (!is_missing(&d->findings.at[i], commands))
			continue;
		strings_add(ret_names, d->findings.at[i].requirement->name);
		n++;
	}
	return n;
}

void doctor_apt_line(const struct diagnosis *d, unsigned commands, struct text *ret)
{
	CLEANUP(strings_done) struct strings packages = { 0 };

	for (size_t i = 0; i < d->findings.n; i++) {
		const char *package = d->findings.at[i].requirement->package;
		if (is_missing(&d->findings.at[i], commands) && package && !strings_has(&packages, package))
			strings_add(&packages, package);
	}
	for (size_t i = 0; i < packages.n; i++)
		text_addf(ret, "%s%s", i ? " " : "apt-get install ", packages.at[i]);
}

static void add_commands(unsigned commands, struct text *ret)
{
	for (size_t i = 0, n = 0; i < ARRAY_SIZE(command_names); i++)
		if (commands & command_names[i].bit)
			text_addf(ret, "%s%s", n++ ? ", " : "", command_names[i].name);
}

/* Of the column that names commands. */
static size_t widest(const struct diagnosis *d)
{
	size_t width = 0;

	for (size_t i = 0; i < d->findings.n; i++) {
		CLEANUP(text_done) struct text commands = { 0 };

		add_commands(d->findings.at[i].requirement->commands, &commands);
		width = commands.len > width ? commands.len : width;
	}
	return width;
}

static void add_row(const struct doctor_finding *f, size_t width, struct text *ret)
{
	CLEANUP(text_done) struct text commands = { 0 };
	const char *state = f->ok ? "ok" : f->requirement->optional ? "advice" : "MISSING";

	add_commands(f->requirement->commands, &commands);
	text_addf(ret, "%-8s %-20s %-*s %s", state, f->requirement->name, (int)width, commands.data,
		  f->requirement->why);
	if (*f->detail)
		text_addf(ret, " (%s)", f->detail);
	text_add(ret, "\n");
}

void doctor_print(const struct diagnosis *d, struct text *ret)
{
	CLEANUP(text_done) struct text apt = { 0 };

	for (size_t i = 0; i < d->findings.n; i++)
		add_row(&d->findings.at[i], widest(d), ret);
	doctor_apt_line(d, FOR_ALL, &apt);
	if (apt.len)
		text_addf(ret, "\nInstall the missing packages with:\n\n  %s\n", apt.data);
}

static struct json *finding_json(const struct doctor_finding *f)
{
	struct json *object = json_object(), *commands = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(command_names); i++)
		if (f->requirement->commands & command_names[i].bit)
			json_push(commands, json_string(command_names[i].name));
	json_put_string(object, "name", f->requirement->name);
	json_put_bool(object, "ok", f->ok);
	json_put_bool(object, "optional", f->requirement->optional);
	json_put(object, "commands", commands);
	json_put_string(object, "why", f->requirement->why);
	json_put_string(object, "package", f->requirement->package);
	json_put_string(object, "detail", *f->detail ? f->detail : NULL);
	return object;
}

struct json *doctor_json(const struct diagnosis *d)
{
	CLEANUP(strings_done) struct strings missing = { 0 };
	CLEANUP(text_done) struct text apt = { 0 };
	struct json *object = json_object(), *list = json_array();

	doctor_apt_line(d, FOR_ALL, &apt);
	for (size_t i = 0; i < d->findings.n; i++)
		json_push(list, finding_json(&d->findings.at[i]));
	json_put_bool(object, "ok", doctor_missing(d, FOR_ALL, &missing) == 0);
	json_put_strings(object, "missing", &missing);
	json_put_string(object, "install", apt.data);
	json_put(object, "requirements", list);
	return object;
}
