/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/disk/qcow2_layout.h"

#include <endian.h>
#include <stdlib.h>

#include "builder/disk/qcow2_format.h"
#include "lib/alloc.h"

#define ENTRIES (QCOW2_CLUSTER / sizeof(uint64_t))   /* of an L2 table or a cluster of the refcount table */
#define REFCOUNTS (QCOW2_CLUSTER / sizeof(uint16_t)) /* of a refcount block */
#define REFCOUNT_ORDER 4u                            /* 16 bits each */

static uint64_t divide_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

static uint64_t cluster_up(uint64_t offset)
{
	return divide_up(offset, QCOW2_CLUSTER) * QCOW2_CLUSTER;
}

void qcow2_layout_init(struct qcow2_layout *l, uint64_t size)
{
	*l = (struct qcow2_layout){ .size = size, .clusters = divide_up(size, QCOW2_CLUSTER), .end = QCOW2_CLUSTER };
	l->fill = l->packed_end = l->end;
	l->entry = xcalloc(l->clusters + 1, sizeof *l->entry);
}

void qcow2_layout_done(struct qcow2_layout *l)
{
	free(l->entry);
	*l = (struct qcow2_layout){ 0 };
}

uint64_t qcow2_layout_packed(struct qcow2_layout *l, uint64_t cluster, uint32_t len)
{
	uint64_t at, sectors;

	/* After a plain cluster was placed, packed bytes cannot continue across the boundary: leave the rest of the
	 * old cluster unused. */
	if (l->fill + len > l->packed_end && l->packed_end != l->end)
		l->fill = l->end;
	at = l->fill;
	l->fill += len;
	if (l->fill > l->packed_end || at == l->end) {
		l->end = cluster_up(l->fill);
		l->packed_end = l->end;
	}
	sectors = (at + len - 1) / QCOW2_SECTOR - at / QCOW2_SECTOR;
	l->entry[cluster] = QCOW2_COMPRESSED | sectors << QCOW2_SECTORS_SHIFT(QCOW2_CLUSTER_BITS) | at;
	return at;
}

uint64_t qcow2_layout_plain(struct qcow2_layout *l, uint64_t cluster)
{
	uint64_t at = l->end;

	l->end += QCOW2_CLUSTER;
	l->entry[cluster] = QCOW2_COPIED | at;
	return at;
}

/* The places of the tables, all in host clusters. */
struct qcow2_tables {
	uint64_t l2_at, l2, l1_at, l1, blocks_at, blocks, table_at, table, total;
	uint64_t l1_entries;
};

static bool l2_needed(const struct qcow2_layout *l, uint64_t index)
{
	uint64_t first = index * ENTRIES, last = first + ENTRIES < l->clusters ? first + ENTRIES : l->clusters;

	for (uint64_t i = first; i < last; i++) {
		if (l->entry[i])
			return true;
	}
	return false;
}

static void tables_place(const struct qcow2_layout *l, struct qcow2_tables *t)
{
	uint64_t before;

	*t = (struct qcow2_tables){ .l2_at = l->end / QCOW2_CLUSTER, .l1_entries = divide_up(l->clusters, ENTRIES) };
	for (uint64_t i = 0; i < t->l1_entries; i++)
		t->l2 += l2_needed(l, i);
	t->l1_at = t->l2_at + t->l2;
	t->l1 = divide_up(t->l1_entries ? t->l1_entries : 1, ENTRIES);
	t->blocks_at = t->l1_at + t->l1;
	/* Refcount blocks count themselves, too: repeat until the number is stable. */
	do {
		before = t->blocks;
		t->table = divide_up(t->blocks ? t->blocks : 1, ENTRIES);
		t->total = t->blocks_at + t->blocks + t->table;
		t->blocks = divide_up(t->total, REFCOUNTS);
	} while (t->blocks != before);
	t->table_at = t->blocks_at + t->blocks;
}

static void add_be64(struct text *out, uint64_t n)
{
	uint64_t be = htobe64(n);

	text_addn(out, &be, sizeof be);
}

static void add_zeros_to_cluster(struct text *out)
{
	static const char zeros[QCOW2_CLUSTER];

	text_addn(out, zeros, cluster_up(out->len) - out->len);
}

static void add_l2_tables(const struct qcow2_layout *l, const struct qcow2_tables *t, struct text *out)
{
	for (uint64_t i = 0; i < t->l1_entries; i++) {
		if (!l2_needed(l, i))
			continue;
		for (uint64_t j = i * ENTRIES; j < (i + 1) * ENTRIES && j < l->clusters; j++)
			add_be64(out, l->entry[j]);
		add_zeros_to_cluster(out);
	}
}

static void add_l1_table(const struct qcow2_layout *l, const struct qcow2_tables *t, struct text *out)
{
	uint64_t at = t->l2_at;

	for (uint64_t i = 0; i < t->l1_entries; i++)
		add_be64(out, l2_needed(l, i) ? QCOW2_COPIED | at++ * QCOW2_CLUSTER : 0);
	if (!t->l1_entries)
		add_be64(out, 0);
	add_zeros_to_cluster(out);
}

/* Counts a compressed cluster once in every host cluster that its sectors touch; a host cluster may hold parts of many.
 * */
static void count_references(uint16_t *count, uint64_t entry)
{
	unsigned shift = QCOW2_SECTORS_SHIFT(QCOW2_CLUSTER_BITS);
	uint64_t first, last;

	if (!entry)
		return;
	if (!(entry & QCOW2_COMPRESSED)) {
		count[(entry & QCOW2_OFFSET) / QCOW2_CLUSTER]++;
		return;
	}
	first = (entry & ((1ull << shift) - 1)) / QCOW2_SECTOR;
	last = first + ((entry & ~QCOW2_COMPRESSED) >> shift);
	for (uint64_t c = first * QCOW2_SECTOR / QCOW2_CLUSTER; c <= last * QCOW2_SECTOR / QCOW2_CLUSTER; c++)
		count[c]++;
}

static void add_refcounts(const struct qcow2_layout *l, const struct qcow2_tables *t, struct text *out)
{
	CLEANUP(free_p) uint16_t *count = xcalloc(t->total, sizeof *count);

	count[0] = 1;
	for (uint64_t i = 0; i < l->clusters; i++)
		count_references(count, l->entry[i]);
	for (uint64_t c = t->l2_at; c < t->total; c++)
		count[c] = 1;
	for (uint64_t c = 0; c < t->total; c++)
		count[c] = htobe16(count[c]);
	text_addn(out, count, t->total * sizeof *count);
	add_zeros_to_cluster(out);
	for (uint64_t i = 0; i < t->blocks; i++)
		add_be64(out, (t->blocks_at + i) * QCOW2_CLUSTER);
	add_zeros_to_cluster(out);
}

static void add_header(const struct qcow2_layout *l, const struct qcow2_tables *t, bool zstd, struct text *out)
{
	struct qcow2_header h = {
		.magic = htobe32(QCOW2_MAGIC),
		.version = htobe32(3),
		.cluster_bits = htobe32(QCOW2_CLUSTER_BITS),
		.size = htobe64(l->size),
		.l1_size = htobe32((uint32_t)t->l1_entries),
		.l1_offset = htobe64(t->l1_at * QCOW2_CLUSTER),
		.refcount_offset = htobe64(t->table_at * QCOW2_CLUSTER),
		.refcount_clusters = htobe32((uint32_t)t->table),
		.incompatible = htobe64(zstd ? QCOW2_INCOMPATIBLE_COMPRESSION : 0),
		.refcount_order = htobe32(REFCOUNT_ORDER),
		.header_length = htobe32(sizeof h),
		.compression_type = zstd ? QCOW2_TYPE_ZSTD : QCOW2_TYPE_ZLIB,
	};

	/* The zeros after it are the marker that ends the (empty) list of header extensions. */
	text_addn(out, &h, sizeof h);
	add_zeros_to_cluster(out);
}

void qcow2_layout_encode(const struct qcow2_layout *l, enum compression compression, struct text *ret_header,
			 struct text *ret_tables, uint64_t *ret_tables_at)
{
	struct qcow2_tables t;

	tables_place(l, &t);
	add_header(l, &t, compression == COMPRESSION_ZSTD, ret_header);
	add_l2_tables(l, &t, ret_tables);
	add_l1_table(l, &t, ret_tables);
	add_refcounts(l, &t, ret_tables);
	*ret_tables_at = l->end;
}
