/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

#include <unistd.h>

#include "agent/pod_routes.h"
#include "agent/state.h"
#include "lib/alloc.h"
#include "lib/node_config.h"

/* What to say of a guest without a state. */
static const char *why_not_configured(const char *root)
{
	CLEANUP(free_p) char *file = xasprintf("%s" NODE_CONFIG_FILE, root);

	return access(file, F_OK) == 0 ? ": nodekiln-agent.service has not read " NODE_CONFIG_FILE " yet"
				       : ": this guest has no node configuration (a seed, or " NODE_CONFIG_FILE
					 "), so it is not meant to be a node";
}

int status_print(const char *root, bool as_json, struct text *ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s" STATE_FILE, root);
	CLEANUP(free_p) char *routes = pod_routes_fault(root);
	CLEANUP(state_done) struct state state = { 0 };

	if (state_load(file, &state, err) < 0)
		return -1;
	if (as_json) {
		CLEANUP(json_free_p) struct json *json = state_json(&state);
		json_put_string(json, "routes", routes);
		json_print(json, true, ret);
		return 0;
	}
	CLEANUP(free_p) char *line = state_text(&state);
	text_addf(ret, "%s%s%s%s\n", line, access(file, F_OK) < 0 ? why_not_configured(root) : "", routes ? "; " : "",
		  routes ? routes : "");
	text_make_printable_lines(ret->data);
	return 0;
}
