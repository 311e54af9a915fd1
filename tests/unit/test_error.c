/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "lib/error.h"
#include "tests/unit/check.h"

TEST(error_wrap_adds_context)
{
	struct error err = { 0 };

	CHECK(error_set(&err, ERROR_TRUST, "bad %s", "sum") == -1);
	CHECK(error_wrap(&err, "recipe '%s'", "x") == -1);
	CHECK_STR(err.text, "recipe 'x': bad sum");
	CHECK(err.class == ERROR_TRUST);
}

TEST(error_errno_class_of_a_full_disk)
{
	struct error err = { 0 };

	CHECK(error_errno(&err, ENOENT, "open %s", "x") == -1 && err.class == ERROR_FAILED);
	CHECK_STR(err.text, "open x: No such file or directory");
	CHECK(error_errno(&err, ENOSPC, "write x") == -1 && err.class == ERROR_SPACE);
	CHECK_STR(err.text, "write x: No space left on device; free some space and try again");
	CHECK(error_errno(&err, EDQUOT, "write x") == -1 && err.class == ERROR_SPACE);
}

TEST(error_text_is_cut)
{
	static char text[2 * ERROR_TEXT_MAX];
	struct error err = { 0 };

	memset(text, 'x', sizeof text - 1);
	error_set(&err, ERROR_INPUT, "%s", text);
	CHECK(strlen(err.text) == ERROR_TEXT_MAX - 1);
	error_wrap(&err, "%s", "context");
	CHECK(strlen(err.text) == ERROR_TEXT_MAX - 1 && !strncmp(err.text, "context: xxx", 12));
}
