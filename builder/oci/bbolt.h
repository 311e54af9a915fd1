/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A bbolt database (go.etcd.io/bbolt, file format 2), in which containerd keeps its records: buckets of keys, each
 * with a value or a nested bucket. A database is read into memory as a whole and written from scratch, without free
 * pages and independent of the order in which it grew, so that equal records give equal bytes.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

#define BBOLT_SIZE_MAX (256u << 20)
#define BBOLT_DEPTH_MAX 32 /* nesting of buckets and of pages */

struct bbolt_bucket;

struct bbolt_item {
	struct text key, value;
	struct bbolt_bucket *bucket; /* owned; NULL = a value */
};

struct bbolt_bucket {
	uint64_t sequence;
	VEC(struct bbolt_item) items; /* sorted by key, as in the file */
};

/* Checks everything: a damaged file is ERROR_FAILED. */
int bbolt_read(const void *file, size_t len, struct bbolt_bucket *ret, struct error *err) MUST_CHECK;
/* The item of that name, NULL when there is none. */
struct bbolt_item *bbolt_find(struct bbolt_bucket *bucket, const char *key);
void bbolt_write(const struct bbolt_bucket *root, struct text *ret_file);
void bbolt_done(struct bbolt_bucket *bucket);
