/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cmd/progress_options.h"

#include "builder/cmd/command.h"
#include "builder/cmd/interrupt.h"
#include "lib/log.h"

void progress_options_open(const struct progress_options *o)
{
	log_set_verbose(o->verbose);
	progress_open(o->json ? PROGRESS_JSON : o->plain || o->verbose ? PROGRESS_PLAIN : PROGRESS_AUTO);
}

int progress_options_run(const struct progress_options *o, const char *interrupted,
			 int (*act)(struct text *output, struct error *err), struct error *err)
{
	CLEANUP(text_done) struct text output = { 0 };

	interrupt_say(interrupted);
	progress_options_open(o);
	int rc = act(&output, err);
	if (rc < 0)
		progress_failure(err);
	progress_close();
	if (rc == 0 && !o->json && output.len)
		command_print(&output);
	return rc;
}
