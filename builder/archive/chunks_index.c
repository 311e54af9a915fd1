/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/archive/chunks.h"
#include "builder/archive/chunks_format.h"
#include "lib/file.h"

size_t chunks_index_add(struct chunks_index *index, const char *path, const struct stat *st)
{
	size_t first = index->frames.n, n = (size_t)st->st_size >> CHUNK_BITS;

	vec_push(&index->files, ((struct chunks_file){ .inode = st->st_ino,
						       .size = (uint64_t)st->st_size,
						       .changed = st->st_ctim.tv_sec,
						       .changed_ns = st->st_ctim.tv_nsec,
						       .frame = first,
						       .path = index->paths.len }));
	text_addn(&index->paths, path, strlen(path) + 1);
	for (size_t i = 0; i < n; i++)
		vec_push(&index->frames, ((struct chunks_frame){ 0 }));
	return first;
}

int chunks_index_write(const struct chunks_index *index, int fd, struct error *err)
{
	size_t files = index->files.n * sizeof *index->files.at, frames = index->frames.n * sizeof *index->frames.at;
	struct chunks_trailer trailer = { index->files.n, index->frames.n, index->paths.len, index->level,
					  CHUNKS_MAGIC };
	uint64_t size = files + frames + index->paths.len + sizeof trailer;
	struct chunks_skippable header = { CHUNKS_SKIPPABLE, (uint32_t)size };
	CLEANUP(text_done) struct text out = { 0 };

	if (size > CHUNKS_INDEX_MAX)
		return error_set(err, ERROR_FAILED, "the index of compressed chunks would have %s", text_bytes(size));
	text_addn(&out, &header, sizeof header);
	if (files)
		text_addn(&out, index->files.at, files);
	if (frames)
		text_addn(&out, index->frames.at, frames);
	if (index->paths.len)
		text_addn(&out, index->paths.data, index->paths.len);
	text_addn(&out, &trailer, sizeof trailer);
	if (lseek(fd, 0, SEEK_END) < 0 || write_all(fd, out.data, out.len) < 0)
		return error_errno(err, errno, "write the index of compressed chunks");
	return 0;
}

void chunks_index_done(struct chunks_index *index)
{
	vec_done(&index->files);
	vec_done(&index->frames);
	text_done(&index->paths);
}
