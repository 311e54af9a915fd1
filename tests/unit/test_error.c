/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "lib/alloc.h"
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

TEST(error_quote_stays_apart)
{
	struct error err = { 0 };

	error_set(&err, ERROR_COMMAND, "kubectl: exit status 1");
	CHECK(error_quote(&err, "password: %s", "hunter2") == -1);
	error_wrap(&err, "apply %s", "a.yaml");
	CHECK_STR(err.text, "apply a.yaml: kubectl: exit status 1");
	CLEANUP(free_p) char *full = error_full(&err);
	CHECK_STR(full, "apply a.yaml: kubectl: exit status 1: password: hunter2");
	error_set(&err, ERROR_FAILED, "another");
	CLEANUP(free_p) char *other = error_full(&err);
	CHECK_STR(other, "another");
}

TEST(error_has_no_control_character)
{
	struct error err = { 0 };

	error_set(&err, ERROR_FAILED, "%s",
		  "a\x1b]0;title\x07\nerror: forged\t\xc2\x9b"
		  "31m\xe2\x80\xae"
		  "b\xff");
	CHECK_STR(err.text, "a?]0;title??error: forged ??31m???b?");
	error_quote(&err, "%s", "\x1b[2J");
	CHECK_STR(err.private.text, "?[2J");
}
