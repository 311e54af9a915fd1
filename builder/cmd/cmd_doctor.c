/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "builder/cmd/command.h"
#include "builder/host/doctor.h"

static bool as_json;

static const struct option_spec options[] = {
	{ "--json", OPTION_FLAG, &as_json, NULL, "print the findings as one JSON object" },
	{ 0 },
};

static int report_missing(const struct diagnosis *d, struct error *err)
{
	CLEANUP(strings_done) struct strings missing = { 0 };
	CLEANUP(text_done) struct text names = { 0 }, apt = { 0 };

	if (doctor_missing(d, FOR_BUILD, &missing) == 0)
		return 0;
	text_add_list(&names, &missing);
	doctor_apt_line(d, FOR_BUILD, &apt);
	return error_set(err, ERROR_HOST, "`nodekiln build` cannot work here; missing: %s%s%s", names.data,
			 apt.len ? "; run as root: " : "", apt.len ? apt.data : "");
}

static int run(int argc UNUSED, char **argv UNUSED, struct error *err)
{
	CLEANUP(doctor_done) struct diagnosis d = { 0 };
	CLEANUP(text_done) struct text out = { 0 };

	doctor_examine(doctor_requirements, doctor_requirements_count, &d);
	if (as_json) {
		CLEANUP(json_free_p) struct json *json = doctor_json(&d);
		json_print(json, true, &out);
	} else {
		doctor_print(&d, &out);
	}
	command_print(&out);
	return report_missing(&d, err);
}

static const char *const examples[] = { "nodekiln doctor", NULL };

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "",
	.summary = "check this host; print what is missing, and the apt-get line that installs it",
	.description =
		"It checks programs, rights and kernel features, tries what a build does, and says what each missing "
		"item is needed for. The exit status is 4 when `nodekiln build` cannot work on this host.",
	.examples = examples,
	.options = options,
	.run = run,
};
