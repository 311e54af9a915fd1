/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/dpkg_error.h"
#include "tests/unit/check.h"

TEST(dpkg_error_keeps_first)
{
	static const char *const log[] = { "one",
					   "two",
					   "three",
					   "four",
					   "the script says why",
					   "dpkg: error processing package a (--configure):",
					   " script returned 1",
					   "Setting up b",
					   "more",
					   "dpkg: error processing package c (--configure):",
					   "end" };
	struct dpkg_error e = { 0 };

	dpkg_error_line(&e, "fine");
	CHECK(!e.text.len);
	for (size_t i = 0; i < ARRAY_SIZE(log); i++)
		dpkg_error_line(&e, log[i]);
	CHECK_STR(e.text.data,
		  "two | three | four | the script says why | dpkg: error processing package a (--configure): | "
		  "script returned 1 | Setting up b | more");
	dpkg_error_done(&e);
}
