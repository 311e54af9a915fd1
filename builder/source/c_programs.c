/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/c_programs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/cache/cache_claim.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/macro.h"

/* Raise when the same files give other programs. */
#define FORMAT "1"
#define COMPILE_NEED (64ull << 20)
#define SOURCE_MAX (1 << 20)

static const char *const flags[] = { "-std=gnu17", "-Os", "-Wall", "-Werror", "-static", "-s" };

/* The recipe's version, when the lock has none: a C file has no other versions to choose from. */
static const char *version_of(const struct component *c, const struct lock *lock)
{
	const struct lock_component *locked = lock_component(lock, c->name);

	return locked ? locked->version : c->version;
}

/* The text of a program's file. */
static int read_source(const struct component *c, const struct component_program *p, struct text *ret,
		       struct error *err)
{
	const char *slash = c->file ? strrchr(c->file, '/') : NULL;
	CLEANUP(free_p)
	char *path = slash ? xasprintf("%.*s/%s", (int)(slash - c->file), c->file, p->package) : xstrdup(p->package);

	return file_read(AT_FDCWD, path, SOURCE_MAX, ret, err);
}

int c_programs_key(const struct component *c, const struct lock *lock, char ret_hex[SHA256_HEX], struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char group[SHA256_HEX];

	hash_field(h, "artifacts", "c");
	hash_field(h, "format", FORMAT);
	hash_field(h, "version", version_of(c, lock));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		hash_field(h, "flag", flags[i]);
	lock_group_digest(lock, LOCK_GO, group);
	hash_field(h, "toolchain", group);
	for (size_t i = 0; i < c->programs.n; i++) {
		CLEANUP(text_done) struct text text = { 0 };
		if (read_source(c, &c->programs.at[i], &text, err) < 0)
			return -1;
		hash_field(h, "program", c->programs.at[i].name);
		hash_field(h, "source", text.data);
	}
	hash_hex(h, ret_hex);
	return 0;
}

/* One compilation. */
struct compile {
	const struct component *component;
	const struct toolchain *toolchain;
	const char *version;
	const char *work; /* absolute path; TOOLCHAIN_WORK in the sandbox */
	int workfd, outfd;
};

static int run(const struct compile *m, const struct strings *argv, struct text *output, struct error *err)
{
	struct toolchain_step step = { .work = m->work, .directory = ".", .argv = argv, .output = output };

	return toolchain_run(m->toolchain, &step, err);
}

static int compile(const struct compile *m, const struct component_program *p, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s.c", p->name);
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(strings_done) struct strings argv = { 0 };

	if (read_source(m->component, p, &text, err) < 0 ||
	    file_write_in(m->workfd, file, text.data ? text.data : "", text.len, 0644, err) < 0)
		return -1;
	strings_add(&argv, "gcc");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		strings_add(&argv, flags[i]);
	strings_addf(&argv, "-DVERSION=\"%s\"", m->version);
	strings_add_all(&argv, "-o", p->name, file, NULL);
	return run(m, &argv, NULL, err);
}

/* It must start, and print what the component's file says. */
static int check(const struct compile *m, const struct component_program *p, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text printed = { 0 };

	if (!p->check.n)
		return 0;
	strings_addf(&argv, TOOLCHAIN_WORK "/%s", p->name);
	strings_append(&argv, &p->check);
	if (run(m, &argv, &printed, err) < 0)
		return error_wrap(err, "the compiled %s does not work", p->name);
	CLEANUP(free_p) char *wanted = p->output ? component_expand(p->output, m->version, 0) : NULL;
	if (!wanted || (printed.data && strstr(printed.data, wanted)))
		return 0;
	return error_set(err, ERROR_COMMAND, "the compiled %s prints '%s' for `%s %s`, not '%s'", p->name,
			 printed.data ? text_trim(printed.data) : "", p->name, p->check.at[0], wanted);
}

static int keep(const struct compile *m, const struct component_program *p, struct error *err)
{
	CLEANUP(free_p) char *to = xasprintf("bin/%s", p->name);
	CLEANUP(close_p) int in = file_open_in(m->workfd, p->name, O_RDONLY | O_NOFOLLOW, 0);
	CLEANUP(close_p) int out = openat(m->outfd, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	/* fchmod(), because the mode must not depend on the umask. */
	if (in < 0 || out < 0 || fchmod(out, 0755) < 0)
		return error_errno(err, errno, "copy the compiled %s into the cache", p->name);
	return copy_all(in, out, err);
}

static int compile_all(struct compile *m, struct error *err)
{
	const struct component *c = m->component;

	if (dir_make(m->outfd, "bin", 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < c->programs.n; i++) {
		const struct component_program *p = &c->programs.at[i];
		if (compile(m, p, err) < 0 || check(m, p, err) < 0 || keep(m, p, err) < 0)
			return error_wrap(err, "compile %s", p->package);
	}
	return 0;
}

int c_programs_compile(const struct component *c, const struct toolchain *t, const char *key, struct error *err)
{
	CLEANUP(free_p) char *work = NULL, *scratch = NULL;
	CLEANUP(close_p) int workfd = -1, outfd = -1;

	if (scratch_directory(&t->scratch, "work", &work, err) < 0)
		return -1;
	workfd = dir_open(AT_FDCWD, work, err);
	if (workfd < 0 || cache_scratch(t->cache, &scratch, &outfd, err) < 0)
		return -1;
	struct compile m = { .component = c,
			     .toolchain = t,
			     .version = version_of(c, t->lock),
			     .work = work,
			     .workfd = workfd,
			     .outfd = outfd };
	if (compile_all(&m, err) < 0)
		return -1;
	return cache_publish(t->cache, scratch, "artifacts", key, err);
}

/* The context of make_job(). */
struct c_programs_job {
	const struct component *component;
	struct toolchain toolchain;
	const char *key;
};

/* Runs as a job, because the scratch is a mount in a private namespace. */
static int make_job(void *context, struct error *err)
{
	struct c_programs_job *j = context;

	if (toolchain_open(&j->toolchain, COMPILE_NEED, err) < 0)
		return -1;
	int rc = c_programs_compile(j->component, &j->toolchain, j->key, err);
	toolchain_close(&j->toolchain);
	return rc;
}

static int make(struct c_programs_job *j, struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };

	if (job_start(&job, make_job, j, err) < 0)
		return -1;
	return job_wait(&job, err);
}

int c_programs_make(const struct component *c, const struct lock *lock, struct cache *cache,
		    void (*line)(void *context, const char *line), void *context, char **ret_directory,
		    struct error *err)
{
	struct c_programs_job j = { .component = c };
	CLEANUP(cache_claim_done) struct cache_claim claim = CACHE_CLAIM_NONE;
	char key[SHA256_HEX];

	j.toolchain = (struct toolchain){
		.group = LOCK_GO, .lock = lock, .cache = cache, .line = line, .line_context = context
	};
	if (c_programs_key(c, lock, key, err) < 0)
		return -1;
	j.key = key;
	if (cache_claim(cache, "artifacts", key, c->name, &claim, err) < 0 || (claim.needed && make(&j, err) < 0))
		return error_wrap(err, "component %s", c->name);
	*ret_directory = xasprintf("%s/artifacts/%s", cache->path, key);
	return 0;
}
