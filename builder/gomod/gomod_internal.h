/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the gomod_* files.
 */
#include "builder/gomod/go_tree.h"
#include "builder/gomod/gomod.h"

/* Space for work: the modules of Kubernetes, unpacked, its programs, and what Go has in GOTMPDIR meanwhile. */
#define GOMOD_NEED (5ull << 30)

/* Directories of components below the work directory, apart from those of Go (go_tree.h): a component may have any name. */
#define GOMOD_MAIN "main"         /* NAME/: its main module */
#define GOMOD_OUT "out"           /* NAME/: what `go build` writes */
#define GOMOD_PROGRAMS "programs" /* NAME/: its programs by their names */

/* What is done in the open tree of a lock; its results are in the cache. */
typedef int gomod_work(const struct gomod *g, const struct lock *lock, struct go_tree *t, struct error *err);
/* Opens the tree, and closes it after the work. Runs as a job, because the scratch is a mount in a private namespace. */
int gomod_in_tree(const struct gomod *g, const struct lock *lock, gomod_work *work, struct error *err) MUST_CHECK;

/* The directory with a component's own main package, owned by the caller; NULL when it has none. */
char *gomod_main_directory(const struct component *c) MUST_CHECK;
/* Makes GOMOD_MAIN/NAME/ in the work directory with the main module: go.mod, a file that imports the programs' packages, and the
 * component's own main package. */
int gomod_main_module(struct go_tree *g, const struct component *c, const char *go_mod, struct error *err) MUST_CHECK;
/* The module's version of a component's release, owned by the caller. */
char *gomod_tag(const struct component *c, const char *version) MUST_CHECK;

#define GOMOD_MODULES "/modules" /* the cache's modules, inside; only where mounts are possible */
/* Compiles the component, whose modules are in the cache, and publishes it under this key of `artifacts`. */
int gomod_compile(struct go_tree *g, const struct component *c, const struct lock_component *locked, const char *key,
		  struct error *err) MUST_CHECK;

/* Copies the file `name` below `from`, which may be written by others, to the new file `copy` below `to`. */
int gomod_copy_program(int from, const char *name, int to, const char *copy, struct error *err) MUST_CHECK;
/* Copies into the directory `to` of the cache: the programs, and the licences of those of the lock's modules that are linked
 * ("PATH@VERSION"; others are ignored). */
int gomod_keep(const struct go_tree *g, const struct component *c, const struct lock_component *locked,
	       const struct strings *linked, int to, struct error *err) MUST_CHECK;

/* Fetches the modules of all these components that the cache lacks, from the user's GOPROXY. */
int gomod_fetch(struct go_tree *g, const struct lock_component *const *list, size_t n, struct error *err) MUST_CHECK;

/* What a lock found out, in the cache: the newest release of a component, and its solution.
 * The release that is requested, when it is known without the network; owned by the caller, else NULL. */
char *gomod_solution_release(const struct gomod *g, const struct component *c) MUST_CHECK;
/* 1 with the solution; 0 when there is none. An unreadable file counts as none. */
int gomod_solution_load(const struct gomod *g, const struct component *c, const char *version,
			struct lock_component *ret);
int gomod_solution_store(const struct gomod *g, const struct component *c, const struct lock_component *solution,
			 struct error *err) MUST_CHECK;
/* True for "1.37.2", false for "1.37". */
bool gomod_is_release(const char *version);
