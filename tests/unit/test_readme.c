/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of files in README.md and docs/ are YAML, and mean what they show. tests/e2e/readme.py runs the commands. */
#include <glob.h>

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

/* All documents, one after the other. */
static int read_documents(struct text *ret)
{
	struct error err = { 0 };
	glob_t pages = { 0 };
	int rc = glob("docs/*.md", 0, NULL, &pages) == 0 && pages.gl_pathc >= 10 ? 0 : -1;

	if (rc == 0)
		rc = file_read(AT_FDCWD, "README.md", README_MAX, ret, &err);
	for (size_t i = 0; rc == 0 && i < pages.gl_pathc; i++) {
		CLEANUP(text_done) struct text page = { 0 };
		rc = file_read(AT_FDCWD, pages.gl_pathv[i], README_MAX, &page, &err);
		text_addf(ret, "\n%s", page.data ? page.data : "");
	}
	globfree(&pages);
	return rc;
}

static struct yaml *read_example(const char *first)
{
	CLEANUP(text_done) struct text readme = { 0 };
	struct error err = { 0 };
	struct yaml *tree = NULL;

	if (read_documents(&readme) < 0)
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

TEST(readme_gitlab_example_is_a_pipeline)
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

TEST(readme_github_example_is_a_workflow)
{
	CLEANUP(yaml_node_free_p) struct yaml *ci = read_example("on:");
	const struct yaml *job = at(at(ci, "jobs"), "image"), *steps = at(job, "steps");

	CHECK(ci && at(ci, "on") && at(job, "runs-on") && steps && steps->kind == YAML_LIST && steps->children == 4);
	for (size_t i = 0; i < steps->children; i++)
		CHECK(!at(steps->child[i], "uses") != !at(steps->child[i], "run"));
	CHECK_STR(at(at(steps->child[3], "env"), "PVE_TOKEN")->value, "${{ secrets.PVE_TOKEN }}");
}

/* The files of docs/proxmox.md, deploy.md and build.md. */
TEST(readme_file_examples_are_yaml)
{
	static const char *const first[][2] = { { "# pve.yaml", "storages" },
						{ "cluster: lab", "nodes" },
						{ "include: [debian-13]\n    override", "repositories" },
						{ "include: [debian-13-docker]\n    components:\n", "components" },
						{ "include: [debian-13-docker]\n    components: {", "kubernetes" } };

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		CLEANUP(yaml_node_free_p) struct yaml *file = read_example(first[i][0]);
		CHECK_STR(file && at(file, first[i][1]) ? "" : first[i][0], "");
	}
}
