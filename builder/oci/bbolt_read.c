/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "builder/oci/bbolt.h"
#include "builder/oci/bbolt_format.h"
#include "lib/alloc.h"

#define LOOP "its pages form a cycle"

/* The bytes that are read: the whole file, or the one page of an inline bucket. */
struct region {
	const unsigned char *data;
	size_t len;
};

struct bbolt_reader {
	struct region file;
	struct bbolt_meta meta;
	size_t unread; /* remaining bytes: a valid file uses nothing twice, so reading more means a cycle */
	struct error *err;
};

static int damaged(const struct bbolt_reader *r, const char *what)
{
	return error_set(r->err, ERROR_FAILED, "the database is damaged: %s", what);
}

/* Copies n bytes at offset to out; structs in the file need not be aligned. */
static bool copy_out(struct region from, size_t offset, void *to, size_t n)
{
	if (offset > from.len || n > from.len - offset)
		return false;
	memcpy(to, from.data + offset, n);
	return true;
}

static bool read_meta(struct region file, size_t page, struct bbolt_meta *ret)
{
	return copy_out(file, page * BBOLT_PAGE + sizeof(struct bbolt_page), ret, sizeof *ret) &&
	       ret->magic == BBOLT_MAGIC && ret->version == BBOLT_VERSION && ret->page_size == BBOLT_PAGE &&
	       ret->checksum == bbolt_checksum(ret);
}

static bool choose_meta(struct region file, struct bbolt_meta *ret)
{
	struct bbolt_meta second;
	bool first_good = read_meta(file, 0, ret), second_good = read_meta(file, 1, &second);

	if (second_good && (!first_good || second.txid > ret->txid))
		*ret = second;
	return first_good || second_good;
}

static bool cut(struct region from, size_t offset, size_t n, struct region *ret)
{
	if (offset > from.len || n > from.len - offset)
		return false;
	*ret = (struct region){ from.data + offset, n };
	return true;
}

static bool spend(struct bbolt_reader *r, size_t n)
{
	if (n > r->unread)
		return false;
	r->unread -= n;
	return true;
}

static int read_page(struct bbolt_reader *r, struct region page, unsigned depth, struct bbolt_bucket *ret);

static int read_page_number(struct bbolt_reader *r, uint64_t number, unsigned depth, struct bbolt_bucket *ret)
{
	struct bbolt_page head;

	if (number < 2 || number > r->file.len / BBOLT_PAGE ||
	    !copy_out(r->file, (size_t)number * BBOLT_PAGE, &head, sizeof head))
		return damaged(r, "a page is outside of the file");
	size_t start = (size_t)number * BBOLT_PAGE, most = r->file.len - start;
	size_t len = ((size_t)head.overflow + 1) * BBOLT_PAGE;
	return read_page(r, (struct region){ r->file.data + start, len < most ? len : most }, depth, ret);
}

static int read_bucket(struct bbolt_reader *r, struct region value, unsigned depth, struct bbolt_bucket *ret)
{
	struct bbolt_ref ref;

	if (!copy_out(value, 0, &ref, sizeof ref))
		return damaged(r, "a bucket is too short");
	struct region page = { value.data + sizeof ref, value.len - sizeof ref };
	ret->sequence = ref.sequence;
	return ref.root ? read_page_number(r, ref.root, depth + 1, ret) : read_page(r, page, depth + 1, ret);
}

static int read_leaf(struct bbolt_reader *r, struct region page, size_t at, unsigned depth, struct bbolt_bucket *ret)
{
	struct region key, value;
	struct bbolt_leaf leaf;

	if (!copy_out(page, at, &leaf, sizeof leaf))
		return damaged(r, "a page is too short");
	if (!cut(page, at + leaf.pos, leaf.key_size, &key) ||
	    !cut(page, at + leaf.pos + leaf.key_size, leaf.value_size, &value))
		return damaged(r, "a value is outside of its page");
	bool is_bucket = leaf.flags & BBOLT_IS_BUCKET;
	if (!spend(r, sizeof leaf + key.len + (is_bucket ? sizeof(struct bbolt_ref) : value.len)))
		return damaged(r, LOOP);
	vec_push(&ret->items, (struct bbolt_item){ 0 });
	struct bbolt_item *item = &ret->items.at[ret->items.n - 1];
	text_addn(&item->key, key.data, key.len);
	if (is_bucket) {
		item->bucket = xcalloc(1, sizeof *item->bucket);
		return read_bucket(r, value, depth, item->bucket);
	}
	text_addn(&item->value, value.data, value.len);
	return 0;
}

static int read_branch(struct bbolt_reader *r, struct region page, size_t at, unsigned depth, struct bbolt_bucket *ret)
{
	struct bbolt_branch branch;

	if (!copy_out(page, at, &branch, sizeof branch))
		return damaged(r, "a page is too short");
	return read_page_number(r, branch.page, depth + 1, ret);
}

static int read_page(struct bbolt_reader *r, struct region page, unsigned depth, struct bbolt_bucket *ret)
{
	struct bbolt_page head;

	if (depth > BBOLT_DEPTH_MAX || !spend(r, sizeof head))
		return damaged(r, LOOP);
	if (!copy_out(page, 0, &head, sizeof head) || !(head.flags & (BBOLT_LEAF | BBOLT_BRANCH)))
		return damaged(r, "a page is of another kind");
	for (size_t i = 0; i < head.count; i++) {
		size_t at = sizeof head + i * sizeof(struct bbolt_leaf);
		if ((head.flags & BBOLT_LEAF ? read_leaf : read_branch)(r, page, at, depth, ret) < 0)
			return -1;
	}
	return 0;
}

int bbolt_read(const void *file, size_t len, struct bbolt_bucket *ret, struct error *err)
{
	struct bbolt_reader r = { .file = { file, len }, .unread = len, .err = err };
	CLEANUP(bbolt_done) struct bbolt_bucket root = { 0 };

	if (len > BBOLT_SIZE_MAX || !choose_meta(r.file, &r.meta))
		return error_set(err, ERROR_FAILED, "this is not a bbolt database of format %d in pages of %u bytes",
				 BBOLT_VERSION, BBOLT_PAGE);
	root.sequence = r.meta.root.sequence;
	if (read_page_number(&r, r.meta.root.root, 0, &root) < 0)
		return -1;
	*ret = TAKE(root);
	return 0;
}

struct bbolt_item *bbolt_find(struct bbolt_bucket *bucket, const char *key)
{
	for (size_t i = 0; i < bucket->items.n; i++) {
		struct bbolt_item *item = &bucket->items.at[i];
		if (item->key.len == strlen(key) && !memcmp(item->key.data, key, item->key.len))
			return item;
	}
	return NULL;
}

void bbolt_done(struct bbolt_bucket *bucket)
{
	for (size_t i = 0; i < bucket->items.n; i++) {
		struct bbolt_item *item = &bucket->items.at[i];
		text_done(&item->key);
		text_done(&item->value);
		if (item->bucket)
			bbolt_done(item->bucket);
		free(item->bucket);
	}
	vec_done(&bucket->items);
}
