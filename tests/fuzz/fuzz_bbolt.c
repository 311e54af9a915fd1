/* SPDX-License-Identifier: Apache-2.0 */
/* The database that containerd wrote while images were preloaded. What can be read at all can be written again with the same content; and
 * reading takes no more memory than the file has, wherever its pages point. */
#include <stdint.h>
#include <string.h>

#include "builder/oci/bbolt.h"
#include "builder/oci/bbolt_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No fuzzer guesses a checksum: both metas get theirs. */
static void sum_metas(struct text *file)
{
	struct bbolt_meta meta;

	for (size_t at = sizeof(struct bbolt_page); at + sizeof meta <= file->len && at < 2 * BBOLT_PAGE;
	     at += BBOLT_PAGE) {
		memcpy(&meta, file->data + at, sizeof meta);
		meta.checksum = bbolt_checksum(&meta);
		memcpy(file->data + at, &meta, sizeof meta);
	}
}

/* The bytes that its keys and values take, and a number for each. */
static size_t weight(const struct bbolt_bucket *bucket)
{
	size_t sum = 0;

	for (size_t i = 0; i < bucket->items.n; i++) {
		const struct bbolt_item *item = &bucket->items.at[i];
		sum += sizeof(struct bbolt_leaf) + item->key.len + item->value.len;
		sum += item->bucket ? weight(item->bucket) : 0;
	}
	return sum;
}

static bool same(const struct text *a, const struct text *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(bbolt_done) struct bbolt_bucket root = { 0 }, again = { 0 };
	CLEANUP(text_done) struct text file = { 0 }, written = { 0 }, rewritten = { 0 };
	struct error err = { 0 };

	text_addn(&file, data, size);
	sum_metas(&file);
	if (bbolt_read(file.data ? file.data : "", file.len, &root, &err) < 0) {
		if (!err.text[0])
			__builtin_trap(); /* a failure without a sentence */
		return 0;
	}
	if (weight(&root) > file.len)
		__builtin_trap();
	bbolt_write(&root, &written);
	if (bbolt_read(written.data, written.len, &again, &err) < 0)
		__builtin_trap();
	bbolt_write(&again, &rewritten);
	if (!same(&written, &rewritten))
		__builtin_trap();
	return 0;
}
