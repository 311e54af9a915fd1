/* SPDX-License-Identifier: Apache-2.0 */
/* nodekiln-agent: the one small program in every guest. So far it can say how far the node has come. */
#include <stdio.h>
#include <string.h>

#include "agent/state.h"
#include "lib/log.h"

static const char usage[] =
	"usage: nodekiln-agent status [--json] [--state FILE]\n"
	"       nodekiln-agent --version\n"
	"\n"
	"status: what phase this node is in, since when, and what it waits for (from " STATE_FILE ")\n";

static int print_state(const char *file, bool as_json, struct error *err)
{
	CLEANUP(state_done) struct state state = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	if (state_load(file, &state, err) < 0)
		return -1;
	if (as_json) {
		CLEANUP(json_free_p) struct json *json = state_json(&state);
		json_print(json, true, &text);
		fputs(text.data, stdout);
	} else {
		CLEANUP(free_p) char *line = state_text(&state);
		puts(line);
	}
	return fflush(stdout) == 0 ? 0 : error_set(err, ERROR_FAILED, "cannot write to the standard output");
}

static int status(int argc, char **argv, struct error *err)
{
	const char *file = STATE_FILE;
	bool as_json = false;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			as_json = true;
		else if (!strcmp(argv[i], "--state") && i + 1 < argc)
			file = argv[++i];
		else
			return error_set(err, ERROR_USAGE, "status: unknown argument '%s'; see `nodekiln-agent --help`",
					 argv[i]);
	}
	return print_state(file, as_json, err);
}

static int dispatch(int argc, char **argv, struct error *err)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "status"))
		return status(argc - 2, argv + 2, err);
	if (!strcmp(command, "--version")) {
		puts("nodekiln-agent " NODEKILN_VERSION);
		return 0;
	}
	if (!strcmp(command, "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	return error_set(err, ERROR_USAGE, "%s; see `nodekiln-agent --help`",
			 *command ? "unknown command" : "no command given");
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (dispatch(argc, argv, &err) == 0)
		return 0;
	log_error("%s", err.text);
	return err.class ? (int)err.class : ERROR_FAILED;
}
