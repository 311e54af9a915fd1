/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the gomod_* files.
 */
#include "builder/gomod/go_tree.h"
#include "builder/gomod/gomod.h"

/* Space for work: the modules of Kubernetes, unpacked, its programs, and what Go has in GOTMPDIR meanwhile. */
#define GOMOD_NEED (5ull << 30)

/* The directory with a component's own main package, owned by the caller; NULL when it has none. */
char *gomod_main_directory(const struct component *c) MUST_CHECK;
/* Makes NAME/ in the work directory with the main module: go.mod, a file that imports the programs' packages, and the
 * component's own main package. */
int gomod_main_module(struct go_tree *g, const struct component *c, const char *go_mod, struct error *err) MUST_CHECK;
/* The module's version of a component's release, owned by the caller. */
char *gomod_tag(const struct component *c, const char *version) MUST_CHECK;

/* Fetches the modules of all these components that the cache lacks, from the user's GOPROXY. */
int gomod_fetch(struct go_tree *g, const struct lock_component *const *list, size_t n, struct error *err) MUST_CHECK;
