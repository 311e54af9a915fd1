/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a component is read, checked and printed. Every text that passes can be expanded. */
#include <stdint.h>
#include <stdlib.h>

#include "builder/component/component_internal.h"
#include "lib/alloc.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parts_done(struct yaml *(*parts)[1 + COMPONENT_SOURCES])
{
	for (int i = 0; i < 1 + COMPONENT_SOURCES; i++)
		yaml_node_free((*parts)[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	CLEANUP(component_done) struct component c = { .name = xstrdup("fuzz"), .file = xstrdup("fuzz.yaml") };
	CLEANUP(parts_done) struct yaml *parts[1 + COMPONENT_SOURCES] = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *wanted = yaml_new_scalar("wanted", 1, "1.2");
	CLEANUP(json_free_p) struct json *json = NULL, *back = NULL;
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(free_p) char *warning = NULL;
	struct error err = { 0 };

	if (yaml_parse("fuzz.yaml", (const char *)data, size, &tree, &err) < 0 || tree->kind != YAML_MAP ||
	    component_read(tree, &c, parts, &err) < 0 || component_check(&c, tree, &err) < 0 ||
	    component_choose(wanted, &c, &err) < 0)
		return 0;
	json = component_json(&c);
	json_print(json, false, &text);
	if (json_parse("component", text.data, text.len, &back, &err) < 0)
		abort();
	for (size_t i = 0; i < c.go.variables.n; i++)
		free(component_expand(c.go.variables.at[i], "1.2.3", 0));
	warning = component_life_warning(&c, c.version, INT64_MAX / 2);
	return 0;
}
