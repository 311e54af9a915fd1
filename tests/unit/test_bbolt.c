/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "builder/oci/bbolt.h"
#include "builder/oci/bbolt_format.h"

static struct bbolt_item *put(struct bbolt_bucket *bucket, const char *key, const char *value)
{
	struct bbolt_item item = { 0 };

	text_add(&item.key, key);
	if (value)
		text_add(&item.value, value);
	else
		item.bucket = xcalloc(1, sizeof *item.bucket);
	vec_push(&bucket->items, item);
	return &bucket->items.at[bucket->items.n - 1];
}

/* Everything that a file can contain: inline and paged buckets, nested ones, an empty one, a value larger than a page,
 * and enough keys for three levels of pages. */
static void fill(struct bbolt_bucket *root)
{
	struct bbolt_item *many = put(root, "many", NULL);
	struct text large = { 0 };

	many->bucket->sequence = 7;
	for (int i = 0; i < 20000; i++) {
		CLEANUP(free_p)
		char *key = xasprintf("key-%06d-with-some-length-so-that-branches-fill-up-too-%060d", i, i);
		put(many->bucket, key, key + 4);
	}
	struct bbolt_item *nested = put(root, "nested", NULL);
	put(nested->bucket, "empty", NULL);
	put(put(nested->bucket, "inline", NULL)->bucket, "a", "1");
	for (int i = 0; i < 10000; i++)
		text_add(&large, "large");
	put(nested->bucket, "large", large.data);
	text_done(&large);
	put(root, "value", "v");
}

static bool same_text(const struct text *a, const struct text *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static bool same(const struct bbolt_bucket *a, const struct bbolt_bucket *b)
{
	if (a->sequence != b->sequence || a->items.n != b->items.n)
		return false;
	for (size_t i = 0; i < a->items.n; i++) {
		const struct bbolt_item *x = &a->items.at[i], *y = &b->items.at[i];
		if (!same_text(&x->key, &y->key) || !same_text(&x->value, &y->value) || !x->bucket != !y->bucket ||
		    (x->bucket && !same(x->bucket, y->bucket)))
			return false;
	}
	return true;
}

TEST(bbolt_read_returns_what_was_written)
{
	CLEANUP(bbolt_done) struct bbolt_bucket before = { 0 }, after = { 0 };
	CLEANUP(text_done) struct text file = { 0 }, again = { 0 };
	struct error err = { 0 };

	fill(&before);
	bbolt_write(&before, &file);
	CHECK(file.len % BBOLT_PAGE == 0 && bbolt_read(file.data, file.len, &after, &err) == 0);
	CHECK(same(&before, &after));
	bbolt_write(&after, &again);
	CHECK(same_text(&file, &again));
	struct bbolt_item *nested = bbolt_find(&after, "nested");
	CHECK(nested && nested->bucket && bbolt_find(nested->bucket, "inline") && !bbolt_find(nested->bucket, "inlin"));
}

TEST(bbolt_write_empty_database)
{
	CLEANUP(bbolt_done) struct bbolt_bucket before = { 0 }, after = { 0 };
	CLEANUP(text_done) struct text file = { 0 };
	struct error err = { 0 };

	bbolt_write(&before, &file);
	CHECK(file.len == 4 * BBOLT_PAGE && bbolt_read(file.data, file.len, &after, &err) == 0 && after.items.n == 0);
}

/* bbolt writes the two in turn; one may be torn. */
TEST(bbolt_read_takes_the_newer_meta)
{
	CLEANUP(bbolt_done) struct bbolt_bucket empty = { 0 }, after = { 0 };
	CLEANUP(text_done) struct text file = { 0 };
	struct error err = { 0 };

	bbolt_write(&empty, &file);
	file.data[BBOLT_PAGE + sizeof(struct bbolt_page) + 60] ^= 1;
	CHECK(bbolt_read(file.data, file.len, &after, &err) == 0);
	file.data[sizeof(struct bbolt_page) + 60] ^= 1;
	CHECK(bbolt_read(file.data, file.len, &after, &err) == -1 && strstr(err.text, "not a bbolt database"));
}

/* Whatever byte is changed, reading ends with a database or an error; AddressSanitizer checks the accesses. */
TEST(bbolt_read_survives_damage)
{
	CLEANUP(bbolt_done) struct bbolt_bucket before = { 0 };
	CLEANUP(text_done) struct text file = { 0 };
	size_t refused = 0;

	put(put(&before, "outer", NULL)->bucket, "key", "value");
	struct bbolt_item *paged = put(&before, "paged", NULL);
	for (int i = 0; i < 80; i++)
		put(paged->bucket, "a key of some length", "a value of some length");
	bbolt_write(&before, &file);
	for (size_t i = 0; i < file.len; i++) {
		CLEANUP(bbolt_done) struct bbolt_bucket after = { 0 };
		struct error err = { 0 };
		file.data[i] ^= 0xff;
		refused += bbolt_read(file.data, file.len, &after, &err) < 0;
		file.data[i] ^= 0xff;
	}
	CHECK(refused > 100);
	for (size_t len = 0; len <= file.len - BBOLT_PAGE; len += 64) {
		CLEANUP(bbolt_done) struct bbolt_bucket after = { 0 };
		struct error err = { 0 };
		CHECK(bbolt_read(file.data, len, &after, &err) == -1);
	}
}
