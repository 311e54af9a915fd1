/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "builder/apt/apt_solve.h"
#include "lib/file.h"

#define LIMIT (1 << 20)

/* A recorded answer of apt. */
static void read_answer(struct text *uris, struct text *stanzas)
{
	struct error err = { 0 };

	if (file_read(AT_FDCWD, "tests/golden/apt/conntrack.uris", LIMIT, uris, &err) < 0 ||
	    file_read(AT_FDCWD, "tests/golden/apt/conntrack.stanzas", LIMIT, stanzas, &err) < 0)
		printf("# %s\n", err.text);
}

TEST(apt_solve_read_sorts_the_group)
{
	CLEANUP(text_done) struct text uris = { 0 }, stanzas = { 0 }, status = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct error err = { 0 };

	read_answer(&uris, &stanzas);
	CHECK(apt_solve_read(uris.data, stanzas.data, &lock, LOCK_VM, &status, &err) == 0);
	CHECK(lock.group[LOCK_VM].n == 9 && lock.group[LOCK_BASE].n == 0);
	for (size_t i = 1; i < lock.group[LOCK_VM].n; i++)
		CHECK(strcmp(lock.group[LOCK_VM].at[i - 1].name, lock.group[LOCK_VM].at[i].name) < 0);
	const struct lock_package *p = lock_find(&lock, LOCK_VM, "conntrack");
	CHECK(p != NULL);
	CHECK_STR(p->version, "1:1.4.7-1+b2");
	CHECK(p->size == 35240 && p->installed == 117 * 1024);
}

TEST(apt_solve_read_status_is_installed)
{
	CLEANUP(text_done) struct text uris = { 0 }, stanzas = { 0 }, status = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct error err = { 0 };
	int installed = 0;

	read_answer(&uris, &stanzas);
	CHECK(apt_solve_read(uris.data, stanzas.data, &lock, LOCK_BASE, &status, &err) == 0);
	for (const char *at = status.data; (at = strstr(at, "Status: install ok installed\nPackage: ")); at++)
		installed++;
	CHECK(installed == 9);
}

TEST(apt_solve_read_needs_every_stanza)
{
	CLEANUP(text_done) struct text uris = { 0 }, stanzas = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct error err = { 0 };

	read_answer(&uris, &stanzas);
	CHECK(apt_solve_read(uris.data, "Package: netbase\nVersion: 1\n", &lock, LOCK_BASE, NULL, &err) == -1);
	CHECK(err.class == ERROR_FAILED);
}
