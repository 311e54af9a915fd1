/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/plan/: the plan of NAME.yaml is NAME.txt and NAME.json. */
#include "builder/pipeline/plan.h"
#include "tests/unit/golden.h"

#define FOLDER "tests/golden/plan"

static const char *const names[] = { "full", "container", "components" };

TEST(plan_golden)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.yaml", names[i]);
		CLEANUP(recipe_done) struct recipe recipe = { 0 };
		CLEANUP(json_free_p) struct json *object = NULL;
		CLEANUP(text_done) struct text text = { 0 };
		struct plan plan = { .recipe = &recipe, .out = "out" };
		struct error err = { 0 };

		CHECK_STR(recipe_load(file, &recipe, &err) < 0 ? err.text : "", "");
		CHECK(plan_text(&plan, &text, &err) == 0 && plan_json(&plan, &object, &err) == 0);
		CLEANUP(free_p) char *txt = xasprintf(FOLDER "/%s.txt", names[i]);
		CLEANUP(free_p) char *json = xasprintf(FOLDER "/%s.json", names[i]);
		CHECK(golden_is(txt, text.data));
		CHECK(golden_is_json(json, object));
	}
}

TEST(plan_prefers_mirror_of_command_line)
{
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct plan plan = { .recipe = &recipe, .out = "elsewhere", .mirror.archive = "http://other.invalid/debian" };
	struct error err = { 0 };

	CHECK(recipe_load(FOLDER "/full.yaml", &recipe, &err) == 0);
	CHECK(plan_text(&plan, &text, &err) == 0);
	CHECK(strstr(text.data, "from http://other.invalid/debian,") && !strstr(text.data, "mirror.example.invalid"));
	CHECK(strstr(text.data, "elsewhere/full.qcow2"));
}
