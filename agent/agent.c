/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"

bool agent_inits(const struct agent *a)
{
	return a->node.role == NODE_INIT && a->state.leader;
}

const char *agent_name(const struct agent *a)
{
	return a->node.name ? a->node.name : a->machine.hostname ? a->machine.hostname : "localhost";
}

const char *agent_address(const struct agent *a)
{
	return a->node.ip ? a->node.ip : a->machine.address;
}

int agent_save(struct agent *a, struct error *err)
{
	return state_save(a->state_file, &a->state, err);
}

int agent_wait_for(struct agent *a, struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_p) char *what = xvasprintf(fmt, ap);
	va_end(ap);
	if (text_same(a->state.waiting_for, what))
		return 0;
	log_info("waiting for %s", what);
	state_set_text(&a->state.waiting_for, what);
	return agent_save(a, err);
}

int agent_nap(struct agent *a, double seconds, double until, struct error *err)
{
	double left = until - clock_seconds();

	if (left <= 0)
		return error_set(err, ERROR_NETWORK, "gave up waiting for %s%s%s",
				 a->state.waiting_for ? a->state.waiting_for : "an answer",
				 a->state.error ? "; the last error: " : "", a->state.error ? a->state.error : "");
	clock_nap(seconds < left ? seconds : left);
	return 0;
}

void agent_done(struct agent *a)
{
	free(a->state_file);
	node_config_done(&a->node);
	facts_done(&a->machine);
	state_done(&a->state);
	pve_registration_close(&a->pve);
	vec_done(&a->tried);
}
