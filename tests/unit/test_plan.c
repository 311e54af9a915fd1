/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/plan/: the plan of NAME.yaml is NAME.txt and NAME.json. UPDATE_GOLDEN=1 writes them; read the difference. */
#include <stdlib.h>

#include "builder/pipeline/plan.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define FOLDER "tests/golden/plan"

static const char *const names[] = { "full", "container" };

static bool is_golden(const char *name, const char *suffix, const struct text *got)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.%s", name, suffix);
	CLEANUP(text_done) struct text want = { 0 };
	struct error err = { 0 };

	if (getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, got->data, got->len, 0644, &err) < 0)
		return false;
	if (file_read(AT_FDCWD, file, 1 << 20, &want, &err) < 0)
		printf("# %s\n", err.text);
	else if (text_same(got->data, want.data))
		return true;
	printf("# %s: got:\n%s", file, got->data);
	return false;
}

TEST(plan_golden)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.yaml", names[i]);
		CLEANUP(recipe_done) struct recipe recipe = { 0 };
		CLEANUP(json_free_p) struct json *object = NULL;
		CLEANUP(text_done) struct text text = { 0 }, json = { 0 };
		struct plan plan = { .recipe = &recipe, .out = "out" };
		struct error err = { 0 };

		CHECK_STR(recipe_load(file, &recipe, &err) < 0 ? err.text : "", "");
		CHECK(plan_text(&plan, &text, &err) == 0 && plan_json(&plan, &object, &err) == 0);
		json_print(object, true, &json);
		CHECK(is_golden(names[i], "txt", &text));
		CHECK(is_golden(names[i], "json", &json));
	}
}

TEST(plan_prefers_mirror_of_command_line)
{
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct plan plan = { .recipe = &recipe, .out = "elsewhere", .mirror = "http://other.invalid/debian" };
	struct error err = { 0 };

	CHECK(recipe_load(FOLDER "/full.yaml", &recipe, &err) == 0);
	CHECK(plan_text(&plan, &text, &err) == 0);
	CHECK(strstr(text.data, "from http://other.invalid/debian,") && !strstr(text.data, "mirror.example.invalid"));
	CHECK(strstr(text.data, "elsewhere/full.qcow2"));
}
