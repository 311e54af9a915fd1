/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keys of a configuration file as data. `nodekiln help` prints manual pages and Markdown tables from it. A schema only
 * describes: the reader in the same folder decides what is accepted, and tests/unit/test_schema.c compares the two sets of
 * keys.
 */
#include <stddef.h>

#define SCHEMA_REQUIRED "required"

struct schema_key {
	const char *path;   /* "disk.size"; "nodes[].name" for a key of a list's items */
	const char *values; /* what is allowed, e.g. "true, false" */
	const char *preset; /* the default; SCHEMA_REQUIRED; NULL = none */
	const char *text;   /* one sentence without its full stop; `x` is literal */
};

struct schema {
	const char *name;               /* "recipe": the page is nodekiln-recipe(5) */
	const char *file;               /* "RECIPE.yaml" */
	const char *summary;            /* one line */
	const char *const *description; /* paragraphs; ends with NULL */
	const char *example;            /* a complete file */
	const struct schema_key *keys;
	size_t n;
};
