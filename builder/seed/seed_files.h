/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The files that `nodekiln seed` writes. They hold secrets: nobody but their owner reads them. Each is written beside its place as
 * ".NAME.part"; all take their places together at the end, so that nodes that share secrets have seeds of one run.
 */
#include <stdbool.h>

#include "lib/error.h"

struct seed_file {
	char *path, *part; /* owned */
};

struct seed_files {
	struct seed_file *at; /* owned */
	size_t n, max;
};

/* Where NAME+suffix goes: out itself (a file, when it is the only one), or into the directory out; NULL is the working one. */
int seed_files_place(const char *out, const char *name, const char *suffix, bool only, char **ret, struct error *err)
	MUST_CHECK;
/* A new, empty part. Returns an fd that the caller closes. */
int seed_files_add(struct seed_files *files, const char *path, struct error *err) MUST_CHECK;
int seed_files_publish(struct seed_files *files, struct error *err) MUST_CHECK;
/* Removes parts that were not published. */
void seed_files_done(struct seed_files *files);
