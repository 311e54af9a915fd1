/* SPDX-License-Identifier: Apache-2.0 */
/* A run ends, whatever its steps do: each row is what happens to its steps, again and again. */
#include "builder/pve/pve_guard.h"
#include "tests/unit/pve_stub.h"

#define ROUNDS_MAX 1000

/* "a b! -": step a succeeds, b fails, the state cannot be read. Returns how often the steps were begun, until the guard ends it. */
static int rounds(const char *words, double *ret_seconds, struct error *err)
{
	CLEANUP(pve_guard_free) struct pve_guard g = { 0 };
	CLEANUP(strings_done) struct strings steps = { 0 };
	int begun = 0;

	for (const char *at = words; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' '))
		strings_own(&steps, xstrndup(at, strcspn(at, " ")));
	pve_stub_reset();
	*err = (struct error){ 0 };
	for (size_t i = 0; begun < ROUNDS_MAX; i = (i + 1) % steps.n) {
		const char *step = steps.at[i];
		bool fails = text_ends(step, "!") || !strcmp(step, "-");
		pve_guard_look(&g);
		if (strcmp(step, "-") != 0 && pve_guard_begin(&g, step, err) < 0)
			break;
		begun++;
		if (!fails)
			pve_guard_done(&g);
		else if (!pve_guard_again(&g))
			break;
	}
	*ret_seconds = pve_stub.now;
	return begun;
}

TEST(pve_guard_ends_each_run)
{
	static const struct {
		const char *steps;
		int begun;
		double least, most; /* seconds */
	} rows[] = {
		{ "a", 4, 6, 8 },          /* 1 2 4, and the fifth is not begun */
		{ "a b", 8, 13, 15 },      /* in a circle */
		{ "a!", 8, 90, 95 },       /* 1 2 4 8 16 30 30 */
		{ "-", 8, 90, 95 },        /* the state */
		{ "a b!", 16, 90, 95 },    /* what comes before the failed step is done again */
		{ "a! b!", 15, 180, 190 }, /* by turns */
		{ "a - b -", 16, 21, 23 }, /* a reading that fails is no progress */
		{ "a - b! -", 31, 105, 107 },
	};
	struct error err;
	double seconds;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int begun = rounds(rows[i].steps, &seconds, &err);
		printf("# %s: %d, %.0f s\n", rows[i].steps, begun, seconds);
		CHECK(begun == rows[i].begun && seconds >= rows[i].least && seconds <= rows[i].most);
	}
	CHECK(rounds("upload~x", &seconds, &err) == 4 && err.class == ERROR_TARGET);
	CHECK_STR(err.text,
		  "`upload~x` was done 4 times and is still to do: Proxmox VE does not show its result, or something "
		  "undoes it; look at the tasks there, then run the command again");
}

TEST(pve_guard_lets_progress_be)
{
	CLEANUP(pve_guard_free) struct pve_guard g = { 0 };
	struct error err = { 0 };

	pve_stub_reset();
	for (int i = 0; i < ROUNDS_MAX; i++) {
		CLEANUP(free_p) char *step = xasprintf("step %d", i);
		CHECK(pve_guard_begin(&g, step, &err) == 0);
		pve_guard_done(&g);
	}
	CHECK(pve_stub.now < 1);
}
