/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/recipe/: NAME.yaml (with the assignments of NAME.set, one a line) must give NAME.json, the canonical form, or fail
 * with the text of NAME.error. UPDATE_GOLDEN=1 writes what is given instead; read the difference before you commit it.
 */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "builder/recipe/recipe.h"
#include "lib/file.h"
#include "lib/json.h"
#include "tests/unit/check.h"

#define FOLDER "tests/golden/recipe"

static bool read_text(const char *file, struct text *ret)
{
	struct error err = { 0 };

	return file_read(AT_FDCWD, file, 1 << 20, ret, &err) == 0;
}

static void read_sets(const char *name, struct strings *ret)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.set", name);
	CLEANUP(text_done) struct text text = { 0 };
	char *rest, *line;

	if (!read_text(file, &text))
		return;
	for (rest = text.data; (line = strsep(&rest, "\n"));)
		if (*line)
			strings_add(ret, line);
}

/* What the recipe gives: JSON or the error; *ret_suffix is the suffix of its golden file. */
static void load_as_text(const char *name, struct text *ret, const char **ret_suffix)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.yaml", name);
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(strings_done) struct strings sets = { 0 };
	CLEANUP(json_free_p) struct json *json = NULL;
	struct error err = { 0 };

	read_sets(name, &sets);
	if (recipe_load_with(file, &sets, &recipe, &err) < 0) {
		text_addf(ret, "%d %s\n", err.class, err.text);
		*ret_suffix = "error";
		return;
	}
	json = recipe_json(&recipe);
	json_print(json, true, ret);
	*ret_suffix = "json";
}

static void check_golden(const char *name)
{
	CLEANUP(text_done) struct text got = { 0 }, want = { 0 };
	CLEANUP(free_p) char *file = NULL;
	struct error err = { 0 };
	const char *suffix;

	load_as_text(name, &got, &suffix);
	file = xasprintf(FOLDER "/%s.%s", name, suffix);
	if (getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, got.data, got.len, 0644, &err) < 0)
		printf("# %s\n", err.text);
	bool same = text_starts(name, "should-fail-") == (strcmp(suffix, "error") == 0) && read_text(file, &want) &&
		    text_same(got.data, want.data);
	printf("%s recipe/%s\n", same ? "ok" : "not ok", name);
	if (same)
		return;
	printf("# got: %s# want: %s", got.data, want.data ? want.data : "no such file\n");
	check_failed = 1;
}

TEST(recipe_golden)
{
	CLEANUP(closedir_p) DIR *dir = opendir(FOLDER);
	CLEANUP(strings_done) struct strings names = { 0 };

	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (text_ends(entry->d_name, ".yaml"))
			strings_own(&names, xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".yaml")));
	strings_sort(&names);
	CHECK(names.n > 50);
	for (size_t i = 0; i < names.n; i++)
		check_golden(names.at[i]);
}

static const char *check_overlays(const struct recipe *recipe, struct error *err)
{
	for (int set = 0; set < SETS; set++) {
		for (size_t i = 0; i < recipe->overlays[set].n; i++) {
			CLEANUP(free_p) char *path = NULL;

			if (recipe_overlay_path(recipe, recipe->overlays[set].at[i], &path, err) < 0)
				return err->text;
		}
	}
	return "";
}

TEST(recipe_load_shipped)
{
	static const char *const names[] = { "debian-12",        "debian-12-docker",   "debian-13",
					     "debian-13-docker", "debian-13-packages", "bench" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(recipe_done) struct recipe recipe = { 0 };
		struct error err = { 0 };

		CHECK_STR(recipe_load(names[i], &recipe, &err) < 0 ? err.text : "", "");
		CHECK_STR(check_overlays(&recipe, &err), "");
	}
}

TEST(recipe_end_of_life_in_name_and_warning)
{
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	struct error err = { 0 };

	CHECK(recipe_load("debian-12", &recipe, &err) == 0);
	CHECK(strstr(recipe.name, "eol"));
	CHECK(recipe.warning && strstr(recipe.warning, "end of life"));
	recipe_done(&recipe);
	recipe = (struct recipe){ 0 };
	CHECK(recipe_load("debian-12-docker", &recipe, &err) == 0);
	CHECK(strstr(recipe.name, "eol") && strstr(recipe.name, "docker") && recipe.warning);
}

TEST(recipe_find_lists_names)
{
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	struct error err = { 0 };

	CHECK(recipe_load("nothing", &recipe, &err) < 0);
	CHECK(err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "bench, debian-12, debian-12-docker, debian-13, debian-13-docker, debian-13-packages"));
}

TEST(recipe_overlay_path_missing)
{
	struct recipe recipe = { .name = (char *)"x" };
	struct error err = { 0 };
	char *path = NULL;

	CHECK(recipe_overlay_path(&recipe, "no-such", &path, &err) < 0);
	CHECK(err.class == ERROR_INPUT && strstr(err.text, "rootfs-overlays/no-such"));
}

/* The digest of a lock must not depend on where the checkout is. */
TEST(recipe_json_independent_of_directory)
{
	CLEANUP(free_p) char *here = getcwd(NULL, 0), *file = xasprintf("%s/" FOLDER "/merge.yaml", here);
	CLEANUP(recipe_done) struct recipe near = { 0 }, far = { 0 };
	CLEANUP(text_done) struct text a = { 0 }, b = { 0 };
	CLEANUP(json_free_p) struct json *x = NULL, *y = NULL;
	struct error err = { 0 };

	CHECK(recipe_load(FOLDER "/merge.yaml", &near, &err) == 0);
	CHECK(recipe_load(file, &far, &err) == 0);
	x = recipe_json(&near);
	y = recipe_json(&far);
	json_print(x, false, &a);
	json_print(y, false, &b);
	CHECK_STR(a.data, b.data);
	CHECK_STR(near.distribution.keyring, FOLDER "/include/keys/first.gpg");
}

/* The reference in recipes/README.md, as a recipe: every key that it shows must be one. */
TEST(recipe_readme_is_valid)
{
	static const char begin[] = "```yaml\nname: my-node", file[] = "out/test-readme-recipe.yaml";
	CLEANUP(text_done) struct text readme = { 0 };
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	struct error err = { 0 };
	char *yaml, *end, *include;

	CHECK(read_text("recipes/README.md", &readme));
	yaml = strstr(readme.data, begin);
	CHECK(yaml && (end = strstr(yaml, "\n```\n")));
	yaml += strlen("```yaml\n");
	include = strstr(yaml, "include: [base.yaml]");
	CHECK(include && strstr(yaml, "override: [packages.vm]"));
	memcpy(include, "include: []         ", strlen("include: [base.yaml]"));
	CHECK(file_write(AT_FDCWD, file, yaml, (size_t)(end - yaml) + 1, 0644, &err) == 0);
	CHECK_STR(recipe_load(file, &recipe, &err) < 0 ? err.text : "", "");
	CHECK(unlink(file) == 0);
	CHECK_STR(recipe.repositories.at[0].url, "https://pkgs.k8s.io/core:/stable:/v1.35/deb/");
}
