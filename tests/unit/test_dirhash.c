/* SPDX-License-Identifier: Apache-2.0 */
/* The sums are what `go mod download -json` printed for tests/golden/gomod. */
#include "builder/gomod/dirhash.h"

#include "lib/file.h"
#include "tests/unit/check.h"

#define FILES "tests/golden/gomod/example.com/!mod/@v/v1.0.0"

TEST(dirhash_zip_as_go)
{
	CLEANUP(close_p) int fd = open(FILES ".zip", O_RDONLY | O_CLOEXEC);
	char sum[DIRHASH_SIZE];
	struct error err = { 0 };

	CHECK_STR(dirhash_zip(fd, "x", sum, &err) < 0 ? err.text : "", "");
	CHECK_STR(sum, "h1:dTypyqAt00po70YfAFeOZiB8cwn/dCt4SLzt6lLP89g=");
}

TEST(dirhash_go_mod_as_go)
{
	CLEANUP(text_done) struct text text = { 0 };
	char sum[DIRHASH_SIZE];
	struct error err = { 0 };

	CHECK(file_read(AT_FDCWD, FILES ".mod", 1000, &text, &err) == 0);
	dirhash_go_mod(text.data, text.len, sum);
	CHECK_STR(sum, "h1:sQewaGo904ul4jGhS7sNXimxej+4HHBjgu5G1eX3KbM=");
}

TEST(dirhash_zip_refuses_damage)
{
	CLEANUP(close_p) int fd = open(FILES ".mod", O_RDONLY | O_CLOEXEC);
	char sum[DIRHASH_SIZE];
	struct error err = { 0 };

	CHECK(dirhash_zip(fd, "module x", sum, &err) < 0 && err.class == ERROR_TRUST);
	CHECK(text_starts(err.text, "read module x: the archive is damaged"));
}
