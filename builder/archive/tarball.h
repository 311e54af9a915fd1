/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree as a tar file: members `./...` sorted by name, numeric ids, pax headers with xattrs and nanosecond-free
 * times, hard links kept, sockets left out, zstd with larger files in frames of their own (chunks.h). The same tree gives the same
 * bytes.
 * A zstd one ends in a frame of its own (tar.h), so that a node's seed can be added without compressing the rest again.
 * For LXC templates this follows pve-container: ids 0..65535, no device nodes (an error names the entry that is in the way).
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "builder/archive/chunks.h"
#include "builder/archive/codec.h"
#include "lib/error.h"

struct tarball {
	int rootfd; /* borrowed */
	enum compression compression;
	int level;
	time_t newest;                /* later mtimes become stamp (SOURCE_DATE_EPOCH); 0 = leave */
	time_t stamp;                 /* 0 = newest */
	bool strict;                  /* LXC template rules: refuse device nodes and large ids */
	const char *const *leave_out; /* NULL-ended; paths from the root without "./", whole subtrees; may be NULL */
	const struct chunks *chunks;  /* borrowed; frames of the same level to be copied; may be NULL */
	struct chunks_index *index;   /* borrowed; is told where the frames are; may be NULL */
};

/* Writes to fd. *ret_members may be NULL. */
int tarball_write(const struct tarball *t, int fd, uint64_t *ret_members, struct error *err) MUST_CHECK;
/* Unpacks a tar (any compression) below rootfd with ids, modes, times and xattrs; paths never leave rootfd. */
int tarball_unpack(int fd, const char *name, int rootfd, struct error *err) MUST_CHECK;
