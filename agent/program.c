/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/program.h"

#include <stdlib.h>

#include "lib/process.h"

#define PROGRAM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static char **environment(struct strings *env)
{
	const char *path = getenv("PATH");

	strings_addf(env, "PATH=%s", path ? path : PROGRAM_PATH);
	strings_add_all(env, "HOME=/root", "LANG=C.UTF-8", NULL);
	return strings_argv(env);
}

int program_run(struct strings *argv, void (*line)(void *context, const char *line), void *context, struct error *err)
{
	CLEANUP(strings_done) struct strings env = { 0 };

	return process_run(&(struct process){ .argv = strings_argv(argv),
					      .env = environment(&env),
					      .line = line,
					      .context = context,
					      .failure = ERROR_COMMAND },
			   err);
}

int program_talk(struct strings *argv, const struct text *input, struct text *output, struct error *err)
{
	CLEANUP(strings_done) struct strings env = { 0 };

	return process_run(&(struct process){ .argv = strings_argv(argv),
					      .env = environment(&env),
					      .input = input ? input->data : NULL,
					      .input_len = input ? input->len : 0,
					      .output = output,
					      .failure = ERROR_COMMAND },
			   err);
}
