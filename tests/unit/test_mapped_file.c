/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping files, and those that are refused. */
#include "builder/cache/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

TEST(mapped_file_open_reads_content)
{
	CLEANUP(mapped_file_done) struct mapped_file m = { 0 };
	int fd = memfd_create("mapped", MFD_CLOEXEC);
	struct error err = { 0 };

	CHECK(write_all(fd, "content", 7) == 0);
	CHECK(mapped_file_open(fd, "it", &m, &err) == 0);
	close(fd);
	CHECK(m.n == 7 && !memcmp(m.bytes, "content", 7));
	mapped_file_done(&m);
	CHECK(m.n == 0 && !m.bytes);
}

TEST(mapped_file_open_refuses_sizes)
{
	CLEANUP(close_p) int fd = memfd_create("mapped", MFD_CLOEXEC);
	struct mapped_file m = { 0 };
	struct error err = { 0 };

	CHECK(mapped_file_open(fd, "it", &m, &err) < 0 && err.class == ERROR_FAILED);
	CHECK_STR(err.text, "it is empty or larger than 8.0 GiB");
	CHECK(ftruncate(fd, (off_t)MAPPED_FILE_MAX + 1) == 0);
	CHECK(mapped_file_open(fd, "it", &m, &err) < 0 && m.n == 0);
	CHECK(mapped_file_open(-1, "it", &m, &err) < 0);
	CHECK(strstr(err.text, "look at it"));
}
