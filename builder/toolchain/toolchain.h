/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trees with compilers, made like any other tree, cached, and used in the sandbox. That of lock group `toolchain` is of the
 * guest's suite, so that the agent fits the guest's libraries; debian-source compiles Kubernetes there. That of lock group
 * `go` compiles static programs for every suite.
 */
#include "builder/cache/cache.h"
#include "builder/cache/scratch.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "builder/sandbox/sandbox_binds.h"
#include "lib/error.h"
#include "lib/hash.h"

struct toolchain_step;

/* An open toolchain tree, in its own scratch. */
struct toolchain {
	enum lock_group group; /* LOCK_TOOLCHAIN or LOCK_GO */
	struct scratch scratch;
	char *root;                                    /* owned; absolute path of the tree */
	const struct lock *lock;                       /* borrowed */
	struct cache *cache;                           /* borrowed */
	void (*line)(void *context, const char *line); /* gets the output of the programs inside; may be NULL */
	void *line_context;
	/* Runs a step; NULL: in the sandbox. Tests replace it. */
	int (*run)(const struct toolchain *t, const struct toolchain_step *step, struct error *err);
};

/* Makes the tree in t->scratch, from the cache if possible, with `need` more bytes of space for work. The caller sets group,
 * lock, cache and line. Moves the calling process into a private mount namespace, so call it in a job. */
int toolchain_open(struct toolchain *t, uint64_t need, struct error *err) MUST_CHECK;
void toolchain_close(struct toolchain *t);

/* One program to run in the tree. All borrowed. */
struct toolchain_step {
	const char *work; /* absolute path outside; TOOLCHAIN_WORK inside */
	const char
		*directory; /* relative to work: the program's working directory; NULL: /, and the tree may be empty */
	const struct strings *argv;
	const struct strings *environment; /* additional variables; may be NULL */
	const struct sandbox_binds *binds; /* more of the host; may be NULL */
	bool network;                      /* with the host's network */
	bool unprivileged;                 /* as in struct sandbox */
	struct text *output;               /* gets stdout; NULL: it goes to t->line */
};
#define TOOLCHAIN_WORK "/build"
int toolchain_run(const struct toolchain *t, const struct toolchain_step *step, struct error *err) MUST_CHECK;

/* Compiles the agent for the guest or finds it in the cache. *ret_path (owned by the caller) is a tree in the cache with
 * the program and its libcurl, to be copied over the guest's tree. */
int toolchain_agent(const struct lock *lock, struct cache *cache, char **ret_path, struct error *err) MUST_CHECK;
/* The cache key: compilers, libcurl, flags and the agent's source. */
int toolchain_agent_key(const struct lock *lock, char ret_hex[SHA256_HEX], struct error *err) MUST_CHECK;
/* Compiles it in an open toolchain and publishes it under this key. */
int toolchain_agent_make(const struct toolchain *t, const char *key, struct error *err) MUST_CHECK;
