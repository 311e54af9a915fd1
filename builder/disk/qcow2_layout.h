/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The layout of a new qcow2 file; arithmetic and encoding only, no I/O.
 *
 *	0		header, one cluster
 *	...		data in guest order: compressed clusters packed byte to byte, plain ones on cluster boundaries
 *	tables_at	L2 tables (only those with an entry), L1 table, refcount blocks, refcount table
 *
 * The tables come last, because their sizes are known only then; QEMU accepts that.
 */
#include <stdint.h>

#include "builder/recipe/recipe.h"
#include "lib/text.h"

#define QCOW2_CLUSTER_BITS 16u
#define QCOW2_CLUSTER (1u << QCOW2_CLUSTER_BITS)

struct qcow2_layout {
	uint64_t size;     /* virtual bytes */
	uint64_t clusters; /* guest clusters; the last may be partial */
	uint64_t *entry;   /* owned; the L2 entry of each guest cluster, 0 = reads as zeros */
	uint64_t end;      /* byte offset of the first free host cluster */
	/* The next compressed cluster goes to fill if it ends by packed_end, or if packed_end is end. */
	uint64_t fill, packed_end;
};

void qcow2_layout_init(struct qcow2_layout *l, uint64_t size);
void qcow2_layout_done(struct qcow2_layout *l);

/* Give a guest cluster its place and return the host offset. Call in guest order: the places depend on the order of
 * calls. */
uint64_t qcow2_layout_packed(struct qcow2_layout *l, uint64_t cluster, uint32_t len);
uint64_t qcow2_layout_plain(struct qcow2_layout *l, uint64_t cluster);

/* Encodes everything except the data: what belongs at offset 0, and what belongs at *ret_tables_at up to the file's
 * end. */
void qcow2_layout_encode(const struct qcow2_layout *l, enum compression compression, struct text *ret_header,
			 struct text *ret_tables, uint64_t *ret_tables_at);
