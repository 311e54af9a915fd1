/* SPDX-License-Identifier: Apache-2.0 */
/* Pages are written in sequence, children before the page that refers to them, the meta pages last. */
#include <string.h>

#include "builder/oci/bbolt.h"
#include "builder/oci/bbolt_format.h"
#include "lib/alloc.h"

#define FREELIST 2u /* the freelist's page: no page is free */
#define INLINE_MAX (BBOLT_PAGE / 4)

/* The minimum of elements in a page, however large they are, as in bbolt: with one element to a page, no level
 * would be smaller than the one below it, and the tree would have no root. */
#define PAGE_KEYS_MIN 2

/* An element of a page to be written; key and value are borrowed. */
struct element {
	const void *key, *value;
	uint32_t key_size, value_size, flags;
	uint64_t page; /* of a branch: the child */
};

typedef VEC(struct element) elements;

static size_t element_size(const struct element *e)
{
	return sizeof(struct bbolt_leaf) + e->key_size + e->value_size;
}

/* Appends one page's bytes, not padded. */
static void add_page(uint64_t id, uint16_t flags, const struct element *e, size_t n, uint32_t overflow,
		     struct text *ret)
{
	struct bbolt_page head = { .id = id, .flags = flags, .count = (uint16_t)n, .overflow = overflow };
	size_t data = n * sizeof(struct bbolt_leaf);

	text_addn(ret, &head, sizeof head);
	for (size_t i = 0; i < n; i++) {
		uint32_t pos = (uint32_t)(data - i * sizeof(struct bbolt_leaf));
		struct bbolt_leaf leaf = { e[i].flags, pos, e[i].key_size, e[i].value_size };
		struct bbolt_branch branch = { pos, e[i].key_size, e[i].page };
		text_addn(ret, flags == BBOLT_LEAF ? (void *)&leaf : (void *)&branch, sizeof leaf);
		data += e[i].key_size + e[i].value_size;
	}
	for (size_t i = 0; i < n; i++) {
		text_addn(ret, e[i].key, e[i].key_size);
		text_addn(ret, e[i].value, e[i].value_size);
	}
}

static void pad(struct text *file)
{
	static const char zeros[BBOLT_PAGE];
	size_t over = file->len % BBOLT_PAGE;

	if (over)
		text_addn(file, zeros, BBOLT_PAGE - over);
}

/* How many elements fit into one page. */
static size_t fill(const struct element *e, size_t n, size_t *ret_bytes)
{
	size_t bytes = sizeof(struct bbolt_page), count = 0;

	while (count < n && count < UINT16_MAX &&
	       (count < PAGE_KEYS_MIN || bytes + element_size(&e[count]) <= BBOLT_PAGE))
		bytes += element_size(&e[count++]);
	*ret_bytes = bytes;
	return count;
}

/* Writes one level of a tree, the pages of these elements; *above gets an element for each page. */
static void write_level(const elements *level, uint16_t flags, struct text *file, elements *above)
{
	for (size_t at = 0, count; at < level->n || !above->n; at += count) {
		static const struct element none = { .key = "" };
		const struct element *first = level->n ? &level->at[at] : &none;
		size_t bytes;
		uint64_t id = file->len / BBOLT_PAGE;
		count = fill(first, level->n - at, &bytes);
		add_page(id, flags, first, count, (uint32_t)((bytes - 1) / BBOLT_PAGE), file);
		pad(file);
		vec_push(above, (struct element){ .key = first->key, .key_size = first->key_size, .page = id });
	}
}

/* Writes a tree of all elements and returns its root page. */
static uint64_t write_tree(const elements *leaves, struct text *file)
{
	elements level = { 0 };
	uint64_t root;

	write_level(leaves, BBOLT_LEAF, file, &level);
	while (level.n > 1) {
		elements above = { 0 };
		write_level(&level, BBOLT_BRANCH, file, &above);
		vec_done(&level);
		level = above;
	}
	root = level.at[0].page;
	vec_done(&level);
	return root;
}

static uint64_t write_bucket(const struct bbolt_bucket *bucket, struct text *file, bool may_inline,
			     struct text *ret_value);

/* values[i] is the encoded value of item i when that is a bucket. */
static void collect(const struct bbolt_bucket *bucket, struct text *file, struct text *values, elements *ret)
{
	for (size_t i = 0; i < bucket->items.n; i++) {
		const struct bbolt_item *item = &bucket->items.at[i];
		if (item->bucket)
			write_bucket(item->bucket, file, true, &values[i]);
		const struct text *value = item->bucket ? &values[i] : &item->value;
		vec_push(ret, (struct element){ .key = item->key.data,
						.key_size = (uint32_t)item->key.len,
						.value = value->data,
						.value_size = (uint32_t)value->len,
						.flags = item->bucket ? BBOLT_IS_BUCKET : 0 });
	}
}

static bool fits_inline(const struct bbolt_bucket *bucket, const elements *leaves)
{
	size_t bytes = sizeof(struct bbolt_page);

	for (size_t i = 0; i < leaves->n; i++) {
		bytes += element_size(&leaves->at[i]);
		if (bucket->items.at[i].bucket || bytes > INLINE_MAX)
			return false;
	}
	return true;
}

/* Writes the bucket's pages and returns the first one; *ret_value is its encoded value in the parent bucket. */
static uint64_t write_bucket(const struct bbolt_bucket *bucket, struct text *file, bool may_inline,
			     struct text *ret_value)
{
	struct text *values = xcalloc(bucket->items.n + 1, sizeof *values);
	struct bbolt_ref ref = { .sequence = bucket->sequence };
	elements leaves = { 0 };

	collect(bucket, file, values, &leaves);
	bool inlined = may_inline && fits_inline(bucket, &leaves);
	if (!inlined)
		ref.root = write_tree(&leaves, file);
	text_addn(ret_value, &ref, sizeof ref);
	if (inlined)
		add_page(0, BBOLT_LEAF, leaves.at, leaves.n, 0, ret_value);
	vec_done(&leaves);
	for (size_t i = 0; i < bucket->items.n; i++)
		text_done(&values[i]);
	free(values);
	return ref.root;
}

static void put_meta(struct text *file, uint64_t id, struct bbolt_meta meta)
{
	struct bbolt_page head = { .id = id, .flags = BBOLT_META };

	meta.txid = id;
	meta.checksum = bbolt_checksum(&meta);
	memcpy(file->data + id * BBOLT_PAGE, &head, sizeof head);
	memcpy(file->data + id * BBOLT_PAGE + sizeof head, &meta, sizeof meta);
}

void bbolt_write(const struct bbolt_bucket *root, struct text *ret_file)
{
	static const char zeros[2 * BBOLT_PAGE];
	CLEANUP(text_done) struct text value = { 0 };
	struct bbolt_meta meta = { BBOLT_MAGIC, BBOLT_VERSION, BBOLT_PAGE, 0, { 0 }, FREELIST, 0, 0, 0 };

	text_addn(ret_file, zeros, sizeof zeros);
	add_page(FREELIST, BBOLT_FREELIST, NULL, 0, 0, ret_file);
	pad(ret_file);
	meta.root.root = write_bucket(root, ret_file, false, &value);
	meta.root.sequence = root->sequence;
	meta.pages = ret_file->len / BBOLT_PAGE;
	put_meta(ret_file, 0, meta);
	put_meta(ret_file, 1, meta);
}
