/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "builder/cmd/command.h"
#include "builder/pipeline/plan.h"
#include "builder/recipe/recipe.h"

static struct plan plan = { .out = "out" };
static struct strings settings;
static bool json;

static const struct option_spec options[] = {
	{ "--out", OPTION_VALUE, &plan.out, "DIR", "directory of the artifacts (default: out)" },
	{ "--set", OPTION_LIST, &settings, "KEY=VALUE", "override a key of the recipe, e.g. disk.size=20G" },
	{ "--mirror", OPTION_URL, &plan.mirror.archive, "URL",
	  "the distribution's mirror (default: the recipe's, else the host's)" },
	{ "--security-mirror", OPTION_URL, &plan.mirror.security, "URL",
	  "the mirror of its security updates (default: the recipe's, else next to --mirror, as URL-security)" },
	{ "--json", OPTION_FLAG, &json, NULL, "print JSON, with the whole merged recipe" },
	{ 0 },
};

static int check_overlays(const struct recipe *recipe, struct error *err)
{
	for (int set = 0; set < SETS; set++) {
		for (size_t i = 0; i < recipe->overlays[set].n; i++) {
			CLEANUP(free_p) char *path = NULL;

			if (recipe_overlay_path(recipe, recipe->overlays[set].at[i], &path, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int make_text(struct text *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *object = NULL;

	if (!json)
		return plan_text(&plan, ret, err);
	if (plan_json(&plan, &object, err) < 0)
		return -1;
	json_print(object, true, ret);
	return 0;
}

static int run(int argc, char **argv, struct error *err)
{
	CLEANUP(strings_done) struct strings overrides = settings;
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	settings = (struct strings){ 0 };
	if (recipe_load_with(argc ? argv[0] : RECIPE_DEFAULT, &overrides, &recipe, err) < 0 ||
	    check_overlays(&recipe, err) < 0)
		return -1;
	plan.recipe = &recipe;
	plan.now = time(NULL);
	if (make_text(&text, err) < 0)
		return -1;
	command_print(&text);
	if (fflush(stdout) < 0 || ferror(stdout))
		return error_set(err, ERROR_FAILED, "write to stdout: %m");
	return 0;
}

static const char *const examples[] = { "nodekiln plan debian-13", "nodekiln plan debian-13 --set disk.size=8G --json",
					NULL };

const struct command command_plan = {
	.name = "plan",
	.arguments = "[RECIPE]",
	.summary = "show what a build would do, without doing it",
	.description = "It reads and checks the recipe, and prints its packages, overlays, disk layout and artifacts. "
		       "It needs no network and no root.",
	.examples = examples,
	.options = options,
	.max = 1,
	.run = run,
};
