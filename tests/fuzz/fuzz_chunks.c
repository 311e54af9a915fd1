/* SPDX-License-Identifier: Apache-2.0 */
/* An index of compressed chunks, from a cache that others may write to: a chunk that it gives is inside the file. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/archive/chunks.h"
#include "lib/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECES 4

static void read_piece(const struct chunks *chunks, const struct chunks_file *file, uint64_t n)
{
	struct chunks_piece piece = { 0 };
	volatile unsigned sum = 0;

	if (!chunks_get(chunks, file, n, &piece))
		return;
	for (uint32_t i = 0; i < piece.len; i++)
		sum += ((const unsigned char *)piece.bytes)[i];
	(void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(close_p)
	int fd = memfd_create("chunks", MFD_CLOEXEC), root = open("tests/fuzz", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(chunks_close_p) struct chunks *chunks = NULL;
	struct error err = { 0 };
	struct stat st;

	if (fd < 0 || root < 0 || write_all(fd, data, size) < 0)
		abort();
	if (chunks_open(fd, &chunks, &err) < 0 || !chunks)
		return 0;
	chunks_locate(chunks, root);
	if (fstatat(root, "corpus.c", &st, 0) < 0)
		abort();
	const struct chunks_file *file = chunks_find(chunks, &st);
	for (uint64_t n = 0; file && n < PIECES; n++)
		read_piece(chunks, file, n);
	return 0;
}
