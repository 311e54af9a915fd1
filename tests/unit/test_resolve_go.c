/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/resolve.h"

#include "lib/alloc.h"
#include "tests/unit/check.h"

static const char names[] = "golang-1.27-go\ngolang-1.24\ngolang-1.24-go\ngolang-1.26-go-shared\ngolang-1.26-go\n"
			    "golang-1.25-go\n";

static const struct {
	const char *series, *package;
} rows[] = {
	{ NULL, "golang-1.26-go" },
	{ "1.26", "golang-1.26-go" },
	{ "1.20", "golang-1.24-go" },
	{ "1.27", "golang-1.27-go" },
	{ "1.28", NULL },
	{ "x", NULL },
};

TEST(resolve_go_choose_oldest_that_suffices)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(free_p) char *package = resolve_go_choose(names, rows[i].series);
		if (!rows[i].package)
			CHECK(!package);
		else
			CHECK_STR(package, rows[i].package);
	}
}

TEST(resolve_go_choose_only_one)
{
	CLEANUP(free_p)
	char *package = resolve_go_choose("golang-1.24-go\n", NULL), *none = resolve_go_choose("", NULL);

	CHECK_STR(package, "golang-1.24-go");
	CHECK(!none);
}
