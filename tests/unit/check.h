/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The smallest test harness that says enough: each TEST() registers itself; main() runs them all, prints "ok NAME" or
 * "not ok NAME" per test on stdout with the failed condition, and exits 1 if any failed. A test returns at its first
 * failed check.
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

int main(void)
{
	int failed = 0;

	for (struct check_test *t = check_first; t; t = t->next) {
		check_failed = 0;
		t->run();
		printf("%s %s\n", check_failed ? "not ok" : "ok", t->name);
		failed |= check_failed;
	}
	return failed;
}
