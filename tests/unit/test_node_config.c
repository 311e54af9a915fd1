/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/node/: NAME.yaml, over NAME.meta (a map from meta-data) when there is one, must be printed as NAME.printed, or fail
 * with the text of NAME.error. UPDATE_GOLDEN=1 writes what is given instead; read the difference before you commit it. All secrets
 * in there are made of "c0ffee", which must appear in no message.
 */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/node_config_schema.h"
#include "tests/unit/check.h"

#define FOLDER "tests/golden/node"
#define CANARY "c0ffee"

static bool read_text(const char *file, struct text *ret)
{
	struct error err = { 0 };

	return file_read(AT_FDCWD, file, 1 << 20, ret, &err) == 0;
}

/* The document, put over *tree when that is there. */
static int add_document(const char *file, const struct text *text, struct yaml **tree, struct error *err)
{
	struct yaml *over = NULL;

	if (node_config_parse(file, text->data ? text->data : "", text->len, &over, err) < 0)
		return -1;
	if (*tree)
		node_config_merge(*tree, over);
	else
		*tree = over;
	return 0;
}

static int load(const char *name, struct node_config *ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.yaml", name);
	CLEANUP(free_p) char *meta = xasprintf(FOLDER "/%s.meta", name);
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(text_done) struct text meta_text = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (access(meta, F_OK) == 0 &&
	    (!read_text(meta, &meta_text) || add_document("meta-data", &meta_text, &tree, err) < 0 ||
	     node_config_refuse_secrets(tree, err) < 0))
		return -1;
	if (!read_text(file, &text) || add_document("node.yaml", &text, &tree, err) < 0)
		return -1;
	return node_config_read(TAKE(tree), ret, err);
}

/* What is printed with secrets reads back as the same. */
static bool reads_back(const struct node_config *node)
{
	CLEANUP(text_done) struct text first = { 0 };
	CLEANUP(text_done) struct text second = { 0 };
	CLEANUP(node_config_done) struct node_config again = { 0 };
	struct yaml *tree = NULL;
	struct error err = { 0 };

	node_config_print(node, true, &first);
	if (add_document("printed", &first, &tree, &err) < 0 || node_config_read(tree, &again, &err) < 0) {
		printf("# %s\n", err.text);
		return false;
	}
	node_config_print(&again, true, &second);
	return text_same(first.data, second.data);
}

/* What the documents give, with *ret_suffix naming which; false when it is wrong in any case. */
static bool load_as_text(const char *name, struct text *ret, const char **ret_suffix)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct error err = { 0 };

	if (load(name, &node, &err) < 0) {
		text_addf(ret, "%d %s\n", err.class, err.text);
		*ret_suffix = "error";
		return !strstr(ret->data, CANARY);
	}
	node_config_print(&node, false, ret);
	*ret_suffix = "printed";
	return !strstr(ret->data, CANARY) && reads_back(&node);
}

static void check_golden(const char *name)
{
	CLEANUP(text_done) struct text got = { 0 }, want = { 0 };
	CLEANUP(free_p) char *file = NULL;
	struct error err = { 0 };
	const char *suffix;

	bool same = load_as_text(name, &got, &suffix);
	file = xasprintf(FOLDER "/%s.%s", name, suffix);
	if (same && getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, got.data, got.len, 0644, &err) < 0)
		printf("# %s\n", err.text);
	same = same && text_starts(name, "should-fail-") == (strcmp(suffix, "error") == 0) && read_text(file, &want) &&
	       text_same(got.data, want.data);
	printf("%s node/%s\n", same ? "ok" : "not ok", name);
	if (same)
		return;
	printf("# got: %s# want: %s", got.data, want.data ? want.data : "no such file\n");
	check_failed = 1;
}

TEST(node_config_golden)
{
	CLEANUP(closedir_p) DIR *dir = opendir(FOLDER);
	CLEANUP(strings_done) struct strings names = { 0 };

	CHECK(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (text_ends(entry->d_name, ".yaml"))
			strings_own(&names, xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".yaml")));
	strings_sort(&names);
	CHECK(names.n > 100);
	for (size_t i = 0; i < names.n; i++)
		check_golden(names.at[i]);
}

/* The reference in agent/README.md: every key that it shows must be one, and every key must be there. */
TEST(node_config_readme_has_every_key)
{
	static const char begin[] = "```yaml\ncluster: lab";
	CLEANUP(text_done) struct text readme = { 0 };
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct yaml *tree = NULL;
	struct error err = { 0 };
	char *yaml, *end;

	CHECK(read_text("agent/README.md", &readme));
	yaml = strstr(readme.data, begin);
	CHECK(yaml && (end = strstr(yaml, "\n```\n")));
	yaml += strlen("```yaml\n");
	CHECK_STR(node_config_parse("README.md", yaml, (size_t)(end - yaml) + 1, &tree, &err) < 0 ? err.text : "", "");
	CHECK_STR(node_config_read(tree, &node, &err) < 0 ? err.text : "", "");
	/* One document cannot have both `token` and `pki`: the latter is an example of its own. */
	CHECK(strstr(end, "```yaml\npki:\n") != NULL);
	for (size_t i = 0; i < node_pki_keys(); i++) {
		CLEANUP(free_p) char *line = xasprintf("\n  %s: ...", node_pki_key(i));
		CHECK_STR(strstr(end, line) ? "" : line, "");
	}
	for (size_t i = 0; i < node_config_fields_n && !text_same(node_config_fields[i].section, "pki"); i++) {
		CLEANUP(free_p) char *path = node_config_field_path(&node_config_fields[i]);
		CHECK_STR(node_config_field_find(&node_config_fields[i], node.tree) ? path : "missing", path);
	}
}

TEST(node_config_secret_keys_match_the_table)
{
	size_t n = 0;

	for (size_t i = 0; i < node_config_fields_n; i++) {
		CLEANUP(free_p) char *path = node_config_field_path(&node_config_fields[i]);
		if (node_config_fields[i].secret)
			CHECK_STR(node_config_secret_keys[n++], path);
	}
	CHECK(n == 8 && !node_config_secret_keys[n]);
}

TEST(node_config_origin_of_values)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct error err = { 0 };

	CHECK_STR(load("merged", &node, &err) < 0 ? err.text : "", "");
	CHECK_STR(node_config_origin(&node, "cluster"), "meta-data:1");
	CHECK_STR(node_config_origin(&node, "role"), "node.yaml:1");
	CHECK_STR(node_config_origin(&node, "proxmox.url"), "node.yaml:6");
	CHECK_STR(node_config_origin(&node, "node.name"), "meta-data:5");
	CHECK_STR(node_config_origin(&node, "token_ttl"), "the default");
}
