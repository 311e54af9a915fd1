/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/input.h"

#include "tests/unit/fake_root.h"

/* Whether a file with that content is read as that. */
static bool reads(const char *file, const char *content, const char *as)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	return file_write(AT_FDCWD, file, content, strlen(content), 0600, &err) == 0 &&
	       input_read(file, 100, &text, &err) == 0 && text.len == strlen(as) &&
	       !strcmp(text.data ? text.data : "", as);
}

TEST(input_read_without_a_byte_order_mark)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s/file", path);

	CHECK(reads(file, "a\xef\xbb\xbf", "a\xef\xbb\xbf"));
	CHECK(reads(file, "\xef\xbb\xbf#cloud-config\n", "#cloud-config\n"));
	CHECK(reads(file, "\xef\xbb\xbf", "") && reads(file, "\xef\xbb", "\xef\xbb") && reads(file, "", ""));
	FAKE_ROOT_END();
}

TEST(input_read_refuses)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(free_p) char *sentence = xasprintf("%s is a directory; name a file", path);

	CHECK(input_read(path, 100, &text, &err) < 0 && err.class == ERROR_INPUT);
	CHECK_STR(err.text, sentence);
	CHECK(input_read("/nonexistent", 100, &text, &err) < 0 && err.class == ERROR_INPUT);
	FAKE_ROOT_END();
}
