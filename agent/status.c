/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

#include "agent/pod_routes.h"
#include "agent/state.h"
#include "lib/alloc.h"

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
	text_addf(ret, "%s%s%s\n", line, routes ? "; " : "", routes ? routes : "");
	text_make_printable_lines(ret->data);
	return 0;
}
