/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/apt_solve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/apt/apt_text.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define INSTALLED_UNIT 1024 /* Installed-Size counts KiB */

static int run_solver(const struct apt_solve *s, struct text *ret_uris, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "apt-get", "-q", "-oAcquire::ForceHash=SHA256", "--print-uris", NULL);
	if (s->status) {
		/* The state's package cache belongs to the empty status; for another one apt builds the cache in memory. */
		strings_addf(&argv, "-oDir::State::status=%s", s->status);
		strings_add(&argv, "-oDir::Cache::pkgcache=");
	}
	strings_add_all(&argv, "install", "--", NULL);
	strings_append(&argv, &s->packages);
	return apt_run(s->apt->path, strings_argv(&argv), ret_uris, err);
}

static int run_show(const struct apt_solve *s, const char *uris, struct text *ret_stanzas, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(apt_uris_done) struct apt_uris list = { 0 };

	if (apt_uris_parse(uris, &list, err) < 0)
		return -1;
	strings_add_all(&argv, "apt-cache", "-q", "show", "--", NULL);
	for (size_t i = 0; i < list.list.n; i++) {
		CLEANUP(free_p) char *name = NULL, *version = NULL, *architecture = NULL;
		if (apt_deb_name(list.list.at[i].file, &name, &version, &architecture))
			strings_addf(&argv, "%s=%s", name, version);
	}
	return list.list.n ? apt_run(s->apt->path, strings_argv(&argv), ret_stanzas, err) : 0;
}

/* The job: writes both texts into the memory file, separated by a NUL. */
static int apt_solve_job(void *context, struct error *err)
{
	const struct apt_solve *s = context;
	CLEANUP(text_done) struct text answer = { 0 }, stanzas = { 0 };

	text_add(&answer, "");
	if (run_solver(s, &answer, err) < 0 || run_show(s, answer.data, &stanzas, err) < 0)
		return -1;
	text_addn(&answer, "", 1);
	text_addn(&answer, stanzas.data, stanzas.len);
	if (pwrite_all(s->answer, answer.data, answer.len, 0) < 0)
		return error_errno(err, errno, "store the result of apt's solver");
	return 0;
}

int apt_solve_start(struct apt_solve *s, struct error *err)
{
	s->answer = memfd_create("solution", MFD_CLOEXEC);
	if (s->answer < 0)
		return error_errno(err, errno, "create a memory file for the result of apt's solver");
	return job_start(&s->job, apt_solve_job, s, err);
}

static int add_package(struct lock *lock, enum lock_group group, struct apt_uri *uri, struct error *err)
{
	struct lock_package p = { .size = uri->size };

	if (!apt_deb_name(uri->file, &p.name, &p.version, &p.architecture))
		return error_set(err, ERROR_FAILED, "apt lists %s, which is not the name of a package file", uri->file);
	p.url = TAKE(uri->url);
	p.sha256 = TAKE(uri->sha256);
	vec_push(&lock->group[group], p);
	return 0;
}

static int compare_packages(const void *a, const void *b)
{
	const struct lock_package *x = a, *y = b;
	int by_name = strcmp(x->name, y->name);

	return by_name ? by_name : strcmp(x->architecture, y->architecture);
}

static int add_packages(const char *text, struct lock *lock, enum lock_group group, struct error *err)
{
	CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };

	if (apt_uris_parse(text, &uris, err) < 0)
		return -1;
	for (size_t i = 0; i < uris.list.n; i++)
		if (add_package(lock, group, &uris.list.at[i], err) < 0)
			return -1;
	if (uris.list.n)
		qsort(lock->group[group].at, lock->group[group].n, sizeof *lock->group[group].at, compare_packages);
	return 0;
}

/* Index of the package that a stanza describes; the group's size when it describes none of the group. */
static size_t find_described(const struct lock *lock, enum lock_group group, const struct apt_stanza *stanza)
{
	CLEANUP(free_p)
	char *name = apt_stanza_field(stanza, "Package"), *version = apt_stanza_field(stanza, "Version");
	size_t i = 0;

	while (i < lock->group[group].n && (!text_same(lock->group[group].at[i].name, name) ||
					    !text_same(lock->group[group].at[i].version, version)))
		i++;
	return i;
}

/* The same version may be in two suites: only its first stanza counts. */
static int describe_packages(const char *stanzas, struct lock *lock, enum lock_group group, struct text *ret_status,
			     struct error *err)
{
	CLEANUP(free_p) bool *seen = xcalloc(lock->group[group].n + 1, sizeof *seen);
	struct apt_stanza stanza;

	while (apt_stanza_next(&stanzas, &stanza)) {
		size_t i = find_described(lock, group, &stanza);
		if (i == lock->group[group].n || seen[i])
			continue;
		CLEANUP(free_p) char *size = apt_stanza_field(&stanza, "Installed-Size");
		lock->group[group].at[i].installed = size ? strtoull(size, NULL, 10) * INSTALLED_UNIT : 0;
		seen[i] = true;
		if (ret_status)
			apt_stanza_status(&stanza, ret_status);
	}
	for (size_t i = 0; i < lock->group[group].n; i++)
		if (!seen[i])
			return error_set(err, ERROR_FAILED, "apt chose %s but `apt-cache show` does not print it",
					 lock->group[group].at[i].name);
	return 0;
}

int apt_solve_read(const char *uris, const char *stanzas, struct lock *lock, enum lock_group group,
		   struct text *ret_status, struct error *err)
{
	if (add_packages(uris, lock, group, err) < 0)
		return -1;
	return describe_packages(stanzas, lock, group, ret_status, err);
}

int apt_solve_wait(struct apt_solve *s, struct lock *lock, enum lock_group group, struct text *ret_status,
		   struct error *err)
{
	struct stat st;

	if (job_wait(&s->job, err) < 0)
		return -1;
	if (fstat(s->answer, &st) < 0)
		return error_errno(err, errno, "read the result of apt's solver");
	size_t size = (size_t)st.st_size;
	CLEANUP(free_p) char *answer = xcalloc(size + 2, 1); /* terminates both texts, whatever the job wrote */
	if (pread_all(s->answer, answer, size, 0) < 0)
		return error_errno(err, errno, "read the result of apt's solver");
	return apt_solve_read(answer, answer + strnlen(answer, size) + 1, lock, group, ret_status, err);
}

void apt_solve_done(struct apt_solve *s)
{
	if (!s->apt)
		return;
	job_stop(&s->job);
	strings_done(&s->packages);
	close_p(&s->answer);
	*s = (struct apt_solve){ .answer = -1 };
}
