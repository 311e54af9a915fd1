/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small test harness: each TEST() registers itself; main() runs them all and prints a line per test, "ok NAME", "not ok NAME"
 * after the failed condition, or "skip NAME: why". It exits with 1 if any failed. A test returns at its first failed check.
 * Names begin with the module's: TEST(cache_publish_first_wins).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_test {
	const char *name;
	void (*run)(void);
	struct check_test *next;
};

static struct check_test *check_first, **check_last = &check_first;
static int check_failed;
static const char *check_skipped; /* why */

#define TEST(fn)                                                                                                       \
	static void fn(void);                                                                                          \
	static struct check_test check_##fn = { #fn, fn, NULL };                                                       \
	__attribute__((constructor)) static void check_register_##fn(void)                                             \
	{                                                                                                              \
		*check_last = &check_##fn;                                                                             \
		check_last = &check_##fn.next;                                                                         \
	}                                                                                                              \
	static void fn(void)

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                                       \
			check_failed = 1;                                                                              \
			return;                                                                                        \
		}                                                                                                      \
	} while (0)

#define CHECK_STR(got, want)                                                                                           \
	do {                                                                                                           \
		const char *got_ = (got), *want_ = (want);                                                             \
		if (!got_ || !want_ || strcmp(got_, want_) != 0) {                                                     \
			printf("# %s:%d: got \"%s\", want \"%s\"\n", __FILE__, __LINE__, got_ ? got_ : "(null)",       \
			       want_ ? want_ : "(null)");                                                              \
			check_failed = 1;                                                                              \
			return;                                                                                        \
		}                                                                                                      \
	} while (0)

/* Ends the test without a result: why is what the host or the user lacks. tests/run counts it. */
#define SKIP(why)                                                                                                      \
	do {                                                                                                           \
		check_skipped = (why);                                                                                 \
		return;                                                                                                \
	} while (0)

static void check_report(const struct check_test *t)
{
	if (check_failed)
		printf("not ok %s\n", t->name);
	else if (check_skipped)
		printf("skip %s: %s\n", t->name, check_skipped);
	else
		printf("ok %s\n", t->name);
}

int main(void)
{
	int failed = 0;

	for (struct check_test *t = check_first; t; t = t->next) {
		check_failed = 0;
		check_skipped = NULL;
		t->run();
		check_report(t);
		failed |= check_failed;
	}
	return failed;
}
