/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nearest.h"
#include "tests/unit/check.h"

static const char *nearest(const char *word)
{
	static char result[64];
	CLEANUP(strings_done) struct strings words = { 0 };

	strings_add_all(&words, "build", "lock", "plan", "seed", "size", "debian-13", "debian-13-docker", "os", NULL);
	const char *found = nearest_word(word, &words);
	snprintf(result, sizeof result, "%s", found ? found : "none");
	return result;
}

TEST(nearest_word_by_typing_errors)
{
	CHECK_STR(nearest("bild"), "build");
	CHECK_STR(nearest("biuld"), "build");
	CHECK_STR(nearest("builld"), "build");
	CHECK_STR(nearest("sise"), "size");
	CHECK_STR(nearest("debian13"), "debian-13");
	CHECK_STR(nearest("debain-13"), "debian-13");
	CHECK_STR(nearest("seed"), "seed");
	CHECK_STR(nearest("publish"), "none");
	CHECK_STR(nearest("xy"), "none");
	CHECK_STR(nearest(""), "none");
	CHECK_STR(nearest("a-word-that-is-longer-than-any-word-of-a-table-is"), "none");
}

TEST(nearest_add_a_question)
{
	CLEANUP(strings_done) struct strings words = { 0 };
	CLEANUP(text_done) struct text t = { 0 };

	strings_add(&words, "lock");
	nearest_add("look", &words, &t);
	CHECK_STR(t.data, "; did you mean lock?");
	nearest_add("verify", &words, &t);
	CHECK_STR(t.data, "; did you mean lock?");
}
