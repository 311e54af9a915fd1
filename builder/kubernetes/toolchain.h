/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree with compilers inside (lock group `toolchain`), made like any other tree, cached, and used in the sandbox: the agent
 * is compiled in the target suite, so that it fits the guest's libraries, and debian-source compiles Kubernetes there.
 */
#include "builder/cache/cache.h"
#include "builder/cache/scratch.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

/* The tree at work, in a scratch of its own. */
struct toolchain {
	struct scratch scratch;
	char *root;                                    /* owned; absolute path of the tree */
	const struct lock *lock;                       /* borrowed */
	struct cache *cache;                           /* borrowed */
	void (*line)(void *context, const char *line); /* what the programs inside say; may be NULL */
	void *line_context;
};

/* Makes the tree in t->scratch (from the cache when it can), for `need` bytes of work beside it; t has lock, cache and line. Puts
 * the calling process into a private mount namespace: call it in a job. */
int toolchain_open(struct toolchain *t, uint64_t need, struct error *err) MUST_CHECK;
void toolchain_close(struct toolchain *t);

/* A program of the tree at work. All borrowed. */
struct toolchain_step {
	const char *work;      /* absolute, outside; shown as TOOLCHAIN_WORK */
	const char *directory; /* in it: where the program starts */
	const struct strings *argv;
	const struct strings *environment; /* NULL: nothing more */
	struct text *output;               /* NULL: it goes to t->line */
};
#define TOOLCHAIN_WORK "/build"
int toolchain_run(const struct toolchain *t, const struct toolchain_step *step, struct error *err) MUST_CHECK;

/* The agent, compiled for the guest: *ret_path (owned by the caller) is a tree in the cache that goes over the guest's, with the
 * program and its libcurl. */
int toolchain_agent(const struct lock *lock, struct cache *cache, char **ret_path, struct error *err) MUST_CHECK;
