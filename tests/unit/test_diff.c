/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"
#include "tests/unit/diff_reader.h"

#include <unistd.h>

#include "builder/image/diff.h"
#include "lib/file.h"

static void add_file(struct diff_list *list, const char *path, const char *mode, const char *content)
{
	diff_add(list, xstrdup(path));
	diff_fact(list, "mode", "%s", mode);
	if (content)
		diff_fact(list, "content", "%s", content);
}

static char *compare(const struct diff_list *a, const struct diff_list *b)
{
	CLEANUP(diff_done) struct diff diff = { 0 };
	struct text text = { 0 };

	diff_compare(a, b, &diff);
	diff_print(&diff, &text);
	return text_take(&text);
}

TEST(diff_compare_equal_lists)
{
	CLEANUP(diff_list_done) struct diff_list a = { 0 }, none = { 0 };

	add_file(&a, "/b", "0644", "x");
	add_file(&a, "/a", "0755", NULL);
	diff_sort(&a);
	CLEANUP(free_p) char *same = compare(&a, &a);
	CLEANUP(free_p) char *nothing = compare(&none, &none);
	CHECK_STR(same, "");
	CHECK_STR(nothing, "");
}

TEST(diff_compare_added_removed_changed)
{
	CLEANUP(diff_list_done) struct diff_list a = { 0 }, b = { 0 };

	add_file(&a, "/changed", "0644", "x");
	add_file(&a, "/gone", "0644", "x");
	add_file(&a, "/kind", "0644", "x");
	add_file(&a, "/same", "0644", "x");
	add_file(&b, "/added", "0600", "y");
	add_file(&b, "/changed", "0755", "y");
	add_file(&b, "/kind", "0644", NULL);
	diff_fact(&b, "target", "/same");
	add_file(&b, "/same", "0644", "x");
	CLEANUP(free_p) char *forth = compare(&a, &b);
	CLEANUP(free_p) char *back = compare(&b, &a);
	CHECK_STR(forth, "+ /added: mode 0600, content y\n"
			 "~ /changed: mode 0644 -> 0755, content x -> y\n"
			 "- /gone: mode 0644, content x\n"
			 "~ /kind: content x -> (none), target (none) -> /same\n");
	CHECK_STR(back, "- /added: mode 0600, content y\n"
			"~ /changed: mode 0755 -> 0644, content y -> x\n"
			"+ /gone: mode 0644, content x\n"
			"~ /kind: target /same -> (none), content (none) -> x\n");
}

static int read_document(const char *text, struct diff_list *ret, struct error *err)
{
	char path[] = "/tmp/nodekiln-diff.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	bool document = false;
	int rc = write_all(fd, text, strlen(text)) < 0 ? -1 : diff_of(path, ret, &document, err);

	unlink(path);
	return rc == 0 && !document ? -1 : rc;
}

/* Array elements are identified by their names, so that an added one does not shift the others; timings are not
 * compared. */
TEST(diff_read_documents_by_meaning)
{
	static const char before[] =
		"{\"name\": \"x\", \"timings\": {\"disk\": 1}, \"key\": null, \"images\": [\"a\", \"b\"], "
		"\"lock\": {\"packages\": {\"base\": ["
		"{\"name\": \"bash\", \"version\": \"1\"}, {\"name\": \"tar\", \"version\": \"2\"}]}}}";
	static const char after[] =
		"{\"key\": 7, \"lock\": {\"packages\": {\"base\": [{\"name\": \"apt\", \"version\": \"3\"}, "
		"{\"name\": \"tar\", \"version\": \"2.1\"}, {\"name\": \"bash\", \"version\": \"1\"}]}}, "
		"\"timings\": {\"disk\": 2, \"cpu\": 1}, \"images\": [\"b\"], \"name\": \"x\"}";
	CLEANUP(diff_list_done) struct diff_list a = { 0 }, b = { 0 };
	struct error err = { 0 };

	CHECK(read_document(before, &a, &err) == 0 && read_document(after, &b, &err) == 0);
	CLEANUP(free_p) char *said = compare(&a, &b);
	CHECK_STR(said, "~ (document): key null -> 7\n"
			"- images[a]\n"
			"+ lock.packages.base[apt]: version 3\n"
			"~ lock.packages.base[tar]: version 2 -> 2.1\n");
}

TEST(diff_read_refuses_other_files)
{
	CLEANUP(diff_list_done) struct diff_list list = { 0 };
	struct error err = { 0 };

	CHECK(read_document("{\"name\": ", &list, &err) == -1 && *err.text);
}

/* What is in a file comes before who may read it. */
TEST(diff_compare_content_first)
{
	CLEANUP(diff_list_done) struct diff_list a = { 0 }, b = { 0 };

	add_file(&a, "/a", "0644", "x");
	add_file(&a, "/b", "0644", "x");
	add_file(&a, "/c", "0644", "x");
	add_file(&b, "/a", "0600", "x");
	add_file(&b, "/b", "0644", "y");
	add_file(&b, "/c", "0600", "y");
	CLEANUP(free_p) char *said = compare(&a, &b);
	CHECK_STR(said, "~ /b: content x -> y\n~ /c: mode 0644 -> 0600, content x -> y\n~ /a: mode 0644 -> 0600\n");
}

/* A new repository, a package's and a module's update: a line each, without what follows from another version. */
TEST(diff_read_locks_line_by_line)
{
	static const char before[] =
		"{\"repositories\": [\"http://b/\"], \"packages\": {\"base\": ["
		"{\"name\": \"bash\", \"version\": \"1\", \"repository\": 0, \"path\": \"bash_1\", \"sha256\": \"aa\"},"
		"{\"name\": \"same\", \"version\": \"1\", \"repository\": 0, \"path\": \"same_1\", \"sha256\": "
		"\"cc\"}]},"
		"\"components\": [{\"name\": \"k\", \"version\": \"1.0\", \"source\": \"s\", \"go_mod\": \"a\\nb\\n\", "
		"\"modules\": ["
		"\"x/y v1 h1:a h1:b\", \"x/z v0.1 - h1:c\"]}]}";
	static const char after[] =
		"{\"repositories\": [\"http://a/\", \"http://b/\"], \"packages\": {\"base\": ["
		"{\"name\": \"bash\", \"version\": \"2\", \"repository\": 1, \"path\": \"bash_2\", \"sha256\": \"bb\"},"
		"{\"name\": \"same\", \"version\": \"1\", \"repository\": 1, \"path\": \"same_1\", \"sha256\": "
		"\"cc\"}]},"
		"\"components\": [{\"name\": \"k\", \"version\": \"1.1\", \"source\": \"t\", \"go_mod\": \"a\\nc\\n\", "
		"\"modules\": ["
		"\"x/y v2 h1:d h1:e\", \"x/z v0.2 - h1:f\"]}]}";
	CLEANUP(diff_list_done) struct diff_list a = { 0 }, b = { 0 };
	struct error err = { 0 };

	CHECK(read_document(before, &a, &err) == 0 && read_document(after, &b, &err) == 0);
	CLEANUP(free_p) char *said = compare(&a, &b);
	CHECK_STR(said, "~ components[k]: version 1.0 -> 1.1, source s -> t\n"
			"~ components[k].modules[x/y]: version v1 -> v2\n"
			"- components[k].modules[x/z v0.1 go.mod]\n"
			"+ components[k].modules[x/z v0.2 go.mod]\n"
			"~ packages.base[bash]: version 1 -> 2\n"
			"+ repositories[http://a/]\n");
}
