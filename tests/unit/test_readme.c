/* SPDX-License-Identifier: Apache-2.0 */
/* README.md's examples of files are YAML, and what they show is what is meant. tests/e2e/readme.py types its commands. */
#include "lib/file.h"
#include "lib/yaml.h"
#include "tests/unit/check.h"

#define README_MAX (1 << 20)
#define INDENT "    "

/* The indented lines from the first one that begins with these words; owned by the caller. */
static char *example(const char *readme, const char *first)
{
	CLEANUP(free_p) char *begin = xasprintf("\n" INDENT "%s", first);
	const char *line = strstr(readme, begin);
	struct text text = { 0 };

	for (line = line ? line + 1 : ""; text_starts(line, INDENT) || *line == '\n'; line += *line == '\n') {
		size_t n = strcspn(line, "\n"), skip = n ? strlen(INDENT) : 0;
		text_addn(&text, line + skip, n - skip);
		text_add(&text, "\n");
		line += n;
	}
	return text_take(&text);
}

static struct yaml *read_example(const char *first)
{
	CLEANUP(text_done) struct text readme = { 0 };
	struct error err = { 0 };
	struct yaml *tree = NULL;

	if (file_read(AT_FDCWD, "README.md", README_MAX, &readme, &err) < 0)
		return NULL;
	CLEANUP(free_p) char *text = example(readme.data, first);
	if (!text || yaml_parse("README.md", text, strlen(text), &tree, &err) < 0)
		printf("# %s: %s\n", first, err.text);
	return tree;
}

static const struct yaml *at(const struct yaml *map, const char *key)
{
	return yaml_find(map, key);
}

TEST(the_gitlab_example_is_a_pipeline)
{
	CLEANUP(yaml_node_free_p) struct yaml *ci = read_example("image: debian:13");

	CHECK(ci && ci->kind == YAML_MAP && at(ci, "stages") && at(ci, "stages")->children == 2);
	for (size_t i = 0; i < at(ci, "stages")->children; i++) {
		const struct yaml *job = at(ci, at(ci, "stages")->child[i]->value);
		CHECK(job && at(job, "stage") && at(job, "script") && at(job, "script")->kind == YAML_LIST);
		CHECK_STR(at(job, "stage")->value, at(ci, "stages")->child[i]->value);
	}
	CHECK(at(at(ci, "publish"), "rules")->kind == YAML_LIST);
}

TEST(the_github_example_is_a_workflow)
{
	CLEANUP(yaml_node_free_p) struct yaml *ci = read_example("on:");
	const struct yaml *job = at(at(ci, "jobs"), "image"), *steps = at(job, "steps");

	CHECK(ci && at(ci, "on") && at(job, "runs-on") && steps && steps->kind == YAML_LIST && steps->children == 4);
	for (size_t i = 0; i < steps->children; i++)
		CHECK(!at(steps->child[i], "uses") != !at(steps->child[i], "run"));
	CHECK_STR(at(at(steps->child[3], "env"), "PVE_TOKEN")->value, "${{ secrets.PVE_TOKEN }}");
}
