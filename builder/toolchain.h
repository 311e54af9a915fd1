/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree with compilers inside (lock group `toolchain`), made like any other tree, cached, and used in the sandbox: the agent
 * is compiled in the target suite, so that it fits the guest's libraries, and debian-source compiles Kubernetes there.
 */
#include "builder/cache.h"
#include "builder/lock.h"
#include "builder/recipe.h"
#include "builder/scratch.h"
#include "lib/error.h"

/* The packages that lock group `toolchain` must be made of, beside what is essential: a C compiler and the agent's libraries;
 * for debian-source Go as well. None when nothing is to be compiled. */
void toolchain_packages(const struct recipe *recipe, struct strings *ret);

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
/* Runs a program of the tree with directory (absolute, outside) shown as TOOLCHAIN_WORK; output may be NULL. environment may be
 * NULL. */
#define TOOLCHAIN_WORK "/build"
int toolchain_run(const struct toolchain *t, const char *directory, const struct strings *environment,
		  char *const *argv, struct text *output, struct error *err) MUST_CHECK;
void toolchain_close(struct toolchain *t);

/* The agent, compiled for the guest: *ret_path is the cached binary (owned by the caller). */
int toolchain_agent(const struct recipe *recipe, const struct lock *lock, struct cache *cache, char **ret_path,
		    struct error *err) MUST_CHECK;
