/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/status.h"

#include <unistd.h>

#include "agent/cloud_ignored.h"
#include "agent/config_source.h"
#include "agent/hardware.h"
#include "agent/pod_routes.h"
#include "agent/state.h"
#include "lib/alloc.h"
#include "lib/node_config.h"

/* What to say of a guest without a state; owned by the caller. */
static char *why_not_configured(const char *root)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct error err = { 0 };

	switch (config_source_read(root, &node, &err)) {
	case CONFIG_SOURCE_NONE:
		return xstrdup(": this guest has no node configuration (a seed, or " NODE_CONFIG_FILE
			       "), so it is not meant to be a node");
	case CONFIG_SOURCE_LATER:
		return xstrdup(": cloud-init is still at work");
	case CONFIG_SOURCE_FOUND:
		return xstrdup(": nodekiln-agent.service has not read this guest's configuration yet");
	default:
		return xasprintf(": %s", err.text);
	}
}

int status_print(const char *root, bool as_json, struct text *ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s" STATE_FILE, root);
	CLEANUP(free_p) char *routes = pod_routes_fault(root);
	CLEANUP(free_p) char *cloud = cloud_ignored(root);
	CLEANUP(state_done) struct state state = { 0 };
	CLEANUP(strings_done) struct strings faults = { 0 };

	hardware_reported(root, &faults);
	if (state_load(file, &state, err) < 0)
		return -1;
	if (as_json) {
		CLEANUP(json_free_p) struct json *json = state_json(&state);
		json_put_string(json, "routes", routes);
		json_put_strings(json, "hardware", &faults);
		json_put_string(json, "cloud_init", cloud);
		json_print(json, true, ret);
		return 0;
	}
	CLEANUP(free_p) char *line = state_text(&state);
	CLEANUP(free_p) char *why = access(file, F_OK) < 0 ? why_not_configured(root) : xstrdup("");
	text_addf(ret, "%s%s%s%s", line, why, routes ? "; " : "", routes ? routes : "");
	for (size_t i = 0; i < faults.n; i++)
		text_addf(ret, "; %s", faults.at[i]);
	text_addf(ret, "%s%s\n", cloud ? "; " : "", cloud ? cloud : "");
	text_make_printable_lines(ret->data);
	return 0;
}
