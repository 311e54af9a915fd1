/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/component/: NAME.yaml with the value of NAME.wanted (default "1.2") must give NAME.json, the canonical form, or fail
 * with the text of NAME.error. UPDATE_GOLDEN=1 writes what is given instead; read the difference before you commit it.
 */
#include <dirent.h>
#include <stdlib.h>

#include "builder/component/component_internal.h"
#include "lib/file.h"
#include "lib/json.h"
#include "tests/unit/check.h"

#define FOLDER "tests/golden/component"

static bool read_text(const char *file, struct text *ret)
{
	struct error err = { 0 };

	return file_read(AT_FDCWD, file, 1 << 20, ret, &err) == 0;
}

/* Loads a component of a directory; false with the error's text in ret. */
static bool load(const char *directory, const char *name, const char *value, struct component *c,
		 struct yaml **ret_parts, struct text *ret)
{
	CLEANUP(yaml_node_free_p) struct yaml *wanted = NULL;
	struct error err = { 0 };

	if (yaml_parse("wanted", value, strlen(value), &wanted, &err) == 0 &&
	    component_load(directory, name, wanted, c, ret_parts, &err) == 0)
		return true;
	text_addf(ret, "%d %s\n", err.class, err.text);
	return false;
}

static void check_golden(const char *name)
{
	CLEANUP(free_p) char *wanted_file = xasprintf(FOLDER "/%s.wanted", name), *file = NULL;
	CLEANUP(text_done) struct text value = { 0 }, got = { 0 }, want = { 0 };
	CLEANUP(component_done) struct component c = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *parts = NULL;
	struct error err = { 0 };
	bool loaded;

	if (!read_text(wanted_file, &value))
		text_add(&value, "1.2");
	loaded = load(FOLDER, name, value.data, &c, &parts, &got);
	if (loaded) {
		CLEANUP(json_free_p) struct json *json = component_json(&c);
		json_print(json, true, &got);
		yaml_print(parts, &got);
	}
	file = xasprintf(FOLDER "/%s.%s", name, loaded ? "json" : "error");
	if (getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, got.data, got.len, 0644, &err) < 0)
		printf("# %s\n", err.text);
	bool same =
		text_starts(name, "should-fail-") != loaded && read_text(file, &want) && text_same(got.data, want.data);
	printf("%s component/%s\n", same ? "ok" : "not ok", name);
	if (same)
		return;
	printf("# got: %s# want: %s", got.data, want.data ? want.data : "no such file\n");
	check_failed = 1;
}

TEST(component_golden)
{
	CLEANUP(closedir_p) DIR *dir = opendir(FOLDER);
	CLEANUP(strings_done) struct strings names = { 0 };

	CHECK(dir);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (text_ends(entry->d_name, ".yaml"))
			strings_own(&names, xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".yaml")));
	strings_sort(&names);
	CHECK(names.n > 10);
	for (size_t i = 0; i < names.n; i++)
		check_golden(names.at[i]);
}

/* Every installed file can be read, with each of its sources. */
TEST(component_installed_files_can_be_read)
{
	CLEANUP(closedir_p) DIR *dir = opendir("recipes/components");
	int files = 0;

	CHECK(dir);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		CLEANUP(free_p) char *name = NULL;
		CLEANUP(component_done) struct component c = { 0 };
		CLEANUP(yaml_node_free_p) struct yaml *parts = NULL;
		CLEANUP(text_done) struct text why = { 0 };

		if (!text_ends(entry->d_name, ".yaml"))
			continue;
		name = xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".yaml"));
		load("recipes/components", name, "1.2", &c, &parts, &why);
		CHECK_STR(why.data ? why.data : "", "");
		for (int s = 0; s < COMPONENT_SOURCES; s++) {
			CLEANUP(free_p)
			char *value = xasprintf("{version: 1.2, source: %s}", component_source_names[s]);
			CLEANUP(component_done) struct component again = { 0 };
			CLEANUP(yaml_node_free_p) struct yaml *again_parts = NULL;
			CLEANUP(text_done) struct text again_why = { 0 };

			CHECK(load("recipes/components", name, value, &again, &again_parts, &again_why) == c.has[s]);
		}
		files++;
	}
	CHECK(files >= 9);
}

static void check_expanded(const char *text, const char *version, const char *want)
{
	CLEANUP(free_p) char *got = component_expand(text, version, 1700000000);

	CHECK_STR(got, want);
}

TEST(component_expand_replaces_placeholders)
{
	check_expanded("v{version}", "1.37.2", "v1.37.2");
	check_expanded("v0.{minor-number}.{patch-number}", "1.37.2", "v0.37.2");
	check_expanded("{major-number}{minor}{version}", "1.10", "11.101.10");
	check_expanded("{date}", "1.2.3", "2023-11-14T22:13:20Z");
	check_expanded("{other} {", "1.2.3", "{other} {");
	check_expanded("", "1.2.3", "");
}

#define DAY (24 * 60 * 60)

TEST(component_life_warning_is_by_the_date)
{
	CLEANUP(component_done) struct component c = { .name = xstrdup("etcd"), .file = xstrdup("etcd.yaml") };
	int64_t end = 1798761600; /* 2027-01-01 */

	CLEANUP(free_p) char *no_calendar = component_life_warning(&c, "3.6", 2 * end);
	CHECK(!no_calendar);
	vec_push(&c.minors, (struct component_minor){ xstrdup("3.6"), end });
	vec_push(&c.minors, (struct component_minor){ xstrdup("3.7"), 0 });
	CHECK(component_end_of_life(&c, "3.6.12") == end && component_end_of_life(&c, "3.60") == 0);
	CLEANUP(free_p) char *last_day = component_life_warning(&c, "3.6.12", end + DAY - 1);
	CHECK(!last_day);
	CLEANUP(free_p) char *past = component_life_warning(&c, "3.6.12", end + DAY);
	CHECK_STR(past, "etcd 3.6 has had no fixes since its end of life on 2027-01-01; choose a newer one, e.g. with "
			"--set components.etcd=VERSION");
	CLEANUP(free_p) char *without_date = component_life_warning(&c, "3.7", 2 * end);
	CHECK(!without_date);
	CLEANUP(free_p) char *unknown = component_life_warning(&c, "3.5.1", 0);
	CHECK_STR(unknown, "etcd.yaml does not say until when etcd 3.5 is supported; look at the project's calendar");
}

TEST(component_fit_replaces_auto_only)
{
	CLEANUP(component_done) struct component c = { .version = xstrdup(COMPONENT_AUTO) };

	vec_push(&c.fits, (struct component_fit){ xstrdup("kubernetes"), xstrdup("1.35"), xstrdup("3.6") });
	CHECK(!component_fit(&c, "kubernetes", "1.36") && !component_fit(&c, "containerd", "1.35"));
	CHECK_STR(c.version, COMPONENT_AUTO);
	CHECK(component_fit(&c, "kubernetes", "1.35"));
	CHECK_STR(c.version, "3.6");
	CHECK(!component_fit(&c, "kubernetes", "1.35"));
}
