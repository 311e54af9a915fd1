/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "builder/oci/bolt.h"
#include "builder/oci/bolt_format.h"

static struct bolt_item *put(struct bolt_bucket *bucket, const char *key, const char *value)
{
	struct bolt_item item = { 0 };

	text_add(&item.key, key);
	if (value)
		text_add(&item.value, value);
	else
		item.bucket = xcalloc(1, sizeof *item.bucket);
	vec_push(&bucket->items, item);
	return &bucket->items.at[bucket->items.n - 1];
}

/* Everything a file can hold: inline and paged buckets, one level below another, an empty one, a value larger than a page, and enough keys
 * for three levels of pages. */
static void fill(struct bolt_bucket *root)
{
	struct bolt_item *many = put(root, "many", NULL);
	struct text large = { 0 };

	many->bucket->sequence = 7;
	for (int i = 0; i < 20000; i++) {
		CLEANUP(free_p)
		char *key = xasprintf("key-%06d-with-some-length-so-that-branches-fill-up-too-%060d", i, i);
		put(many->bucket, key, key + 4);
	}
	struct bolt_item *nested = put(root, "nested", NULL);
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

static bool same(const struct bolt_bucket *a, const struct bolt_bucket *b)
{
	if (a->sequence != b->sequence || a->items.n != b->items.n)
		return false;
	for (size_t i = 0; i < a->items.n; i++) {
		const struct bolt_item *x = &a->items.at[i], *y = &b->items.at[i];
		if (!same_text(&x->key, &y->key) || !same_text(&x->value, &y->value) || !x->bucket != !y->bucket ||
		    (x->bucket && !same(x->bucket, y->bucket)))
			return false;
	}
	return true;
}

TEST(what_is_written_is_read_again)
{
	CLEANUP(bolt_done) struct bolt_bucket before = { 0 }, after = { 0 };
	CLEANUP(text_done) struct text file = { 0 }, again = { 0 };
	struct error err = { 0 };

	fill(&before);
	bolt_write(&before, &file);
	CHECK(file.len % BOLT_PAGE == 0 && bolt_read(file.data, file.len, &after, &err) == 0);
	CHECK(same(&before, &after));
	bolt_write(&after, &again);
	CHECK(same_text(&file, &again));
	struct bolt_item *nested = bolt_find(&after, "nested");
	CHECK(nested && nested->bucket && bolt_find(nested->bucket, "inline") && !bolt_find(nested->bucket, "inlin"));
}

TEST(an_empty_database_is_one)
{
	CLEANUP(bolt_done) struct bolt_bucket before = { 0 }, after = { 0 };
	CLEANUP(text_done) struct text file = { 0 };
	struct error err = { 0 };

	bolt_write(&before, &file);
	CHECK(file.len == 4 * BOLT_PAGE && bolt_read(file.data, file.len, &after, &err) == 0 && after.items.n == 0);
}

/* bbolt writes the two in turn; one may be torn. */
TEST(the_younger_whole_meta_counts)
{
	CLEANUP(bolt_done) struct bolt_bucket empty = { 0 }, after = { 0 };
	CLEANUP(text_done) struct text file = { 0 };
	struct error err = { 0 };

	bolt_write(&empty, &file);
	file.data[BOLT_PAGE + sizeof(struct bolt_page) + 60] ^= 1;
	CHECK(bolt_read(file.data, file.len, &after, &err) == 0);
	file.data[sizeof(struct bolt_page) + 60] ^= 1;
	CHECK(bolt_read(file.data, file.len, &after, &err) == -1 && strstr(err.text, "no bbolt database"));
}

/* Whatever byte is changed, reading ends, with a database or an error; ASan watches. */
TEST(damage_is_no_crash)
{
	CLEANUP(bolt_done) struct bolt_bucket before = { 0 };
	CLEANUP(text_done) struct text file = { 0 };
	size_t refused = 0;

	put(put(&before, "outer", NULL)->bucket, "key", "value");
	struct bolt_item *paged = put(&before, "paged", NULL);
	for (int i = 0; i < 80; i++)
		put(paged->bucket, "a key of some length", "a value of some length");
	bolt_write(&before, &file);
	for (size_t i = 0; i < file.len; i++) {
		CLEANUP(bolt_done) struct bolt_bucket after = { 0 };
		struct error err = { 0 };
		file.data[i] ^= 0xff;
		refused += bolt_read(file.data, file.len, &after, &err) < 0;
		file.data[i] ^= 0xff;
	}
	CHECK(refused > 100);
	for (size_t len = 0; len <= file.len - BOLT_PAGE; len += 64) {
		CLEANUP(bolt_done) struct bolt_bucket after = { 0 };
		struct error err = { 0 };
		CHECK(bolt_read(file.data, len, &after, &err) == -1);
	}
}
