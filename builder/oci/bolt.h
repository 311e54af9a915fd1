/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A bbolt database (go.etcd.io/bbolt, file format 2), which is how containerd keeps its records: buckets of keys, each with a value or a
 * bucket below. One is read into memory whole and written anew: what was free, and the order in which it grew, is gone, so that equal
 * records are equal bytes.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define BOLT_SIZE_MAX (256u << 20)
#define BOLT_DEPTH_MAX 32 /* buckets and pages below each other */

struct bolt_bucket;

struct bolt_item {
	struct text key, value;
	struct bolt_bucket *bucket; /* owned; NULL = a value */
};

struct bolt_bucket {
	uint64_t sequence;
	VEC(struct bolt_item) items; /* sorted by key, as in the file */
};

/* Nothing is taken for granted: a damaged file is ERROR_FAILED. */
int bolt_read(const void *file, size_t len, struct bolt_bucket *ret, struct error *err) MUST_CHECK;
/* The item of that name, NULL when there is none. */
struct bolt_item *bolt_find(struct bolt_bucket *bucket, const char *key);
void bolt_write(const struct bolt_bucket *root, struct text *ret_file);
void bolt_done(struct bolt_bucket *bucket);
