/* SPDX-License-Identifier: Apache-2.0 */
/* Which packages are recompressed, and what happens with a damaged package or cache. (tests/e2e/packages.py compares real
 * packages with dpkg-deb.) */
#include <archive.h>
#include <archive_entry.h>

#include "builder/archive/deb.h"
#include "builder/tree/deb_recompress.h"
#include "lib/hash.h"
#include "tests/unit/deb_maker.h"
#include "tests/unit/own_cache.h"

static const struct maker_member control[] = {
	{ .path = "./control", .content = "Package: tiny\nVersion: 1.0\nArchitecture: all\n" }, { 0 }
};
static const struct maker_member data[] = { { .path = "./usr/" }, { .path = "./usr/file", .content = "hello" }, { 0 } };

/* A package with this data archive. */
static void make_with(const char *name, const void *archive, size_t n, struct text *ret)
{
	CLEANUP(text_done) struct text c = { 0 };

	maker_tar(control, COMPRESSION_ZLIB, &c);
	text_add(ret, "!<arch>\n");
	maker_ar(ret, "debian-binary", "2.0\n", 4);
	maker_ar(ret, "control.tar.gz", c.data, c.len);
	maker_ar(ret, name, archive, n);
}

/* Puts a package into the cache's files/. */
static void store(struct own_cache *w, const struct text *package, char ret_sha256[SHA256_HEX])
{
	struct error err = { 0 };

	sha256_hex(package->data, package->len, ret_sha256);
	CLEANUP(free_p) char *name = xasprintf("files/%s", ret_sha256);
	if (file_write(w->cache.fd, name, package->data, package->len, 0644, &err) < 0)
		abort();
}

static bool is_recompressed(struct own_cache *w, const char *sha256)
{
	CLEANUP(free_p) char *name = xasprintf("repacked/%s", sha256);

	return file_exists_in(w->cache.fd, name);
}

static bool opens_as(struct own_cache *w, const char *sha256, const struct text *package)
{
	CLEANUP(mapped_file_done) struct mapped_file m = { 0 };
	struct error err = { 0 };

	return deb_recompress_open(&w->cache, sha256, "tiny", &m, &err) == 0 && m.n == package->len &&
	       !memcmp(m.bytes, package->data, m.n);
}

/* The members as tar.xz. */
static void maker_xz(const struct maker_member *members, struct text *ret)
{
	CLEANUP(text_done) struct text plain = { 0 };
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	static char buffer[1 << 20];
	size_t used = 0;

	maker_tar(members, COMPRESSION_NONE, &plain);
	archive_entry_set_filetype(entry, AE_IFREG);
	if (archive_write_set_format_raw(a) != ARCHIVE_OK || archive_write_add_filter_xz(a) != ARCHIVE_OK ||
	    archive_write_open_memory(a, buffer, sizeof buffer, &used) != ARCHIVE_OK ||
	    archive_write_header(a, entry) != ARCHIVE_OK ||
	    archive_write_data(a, plain.data, plain.len) != (la_ssize_t)plain.len ||
	    archive_write_close(a) != ARCHIVE_OK)
		abort();
	text_addn(ret, buffer, used);
	archive_entry_free(entry);
	archive_write_free(a);
}

/* The first file of the package's data archive; owned by the caller. */
static char *first_file(const struct mapped_file *package)
{
	CLEANUP(deb_done) struct deb deb = { 0 };
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	CLEANUP(text_done) struct text text = { 0 };
	const struct tar_entry *e;
	struct error err = { 0 };
	const void *block;
	size_t n;
	off_t offset;

	if (deb_open(package->bytes, package->n, "tiny", &deb, &err) < 0 || deb_data(&deb, &r, &err) < 0)
		return NULL;
	while (tar_read_next(r, &e, &err) > 0)
		while (S_ISREG(e->mode) && tar_read_data(r, &block, &n, &offset, &err) > 0)
			text_addn(&text, block, n);
	return text.len ? text_take(&text) : NULL;
}

TEST(deb_recompress_replaces_xz)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(text_done) struct text package = { 0 }, archive = { 0 };
	struct error err = { 0 };
	char sha256[SHA256_HEX];

	CHECK(own_cache_open(&w) == 0);
	maker_xz(data, &archive);
	make_with("data.tar.xz", archive.data, archive.len, &package);
	store(&w, &package, sha256);
	CHECK(!is_recompressed(&w, sha256));
	/* The second time from the cache: the same bytes. */
	CLEANUP(mapped_file_done) struct mapped_file first = { 0 }, second = { 0 };
	CHECK(deb_recompress_open(&w.cache, sha256, "tiny", &first, &err) == 0 && is_recompressed(&w, sha256));
	CHECK(deb_recompress_open(&w.cache, sha256, "tiny", &second, &err) == 0);
	CHECK(first.n == second.n && memcmp(first.bytes, second.bytes, first.n) == 0);
	CHECK(memmem(first.bytes, first.n, "data.tar.zst", 12) && !memmem(first.bytes, first.n, "data.tar.xz", 11));
	CLEANUP(free_p) char *content = first_file(&first);
	CHECK_STR(content, "hello");
	/* All that precedes the data archive is the same. */
	CHECK(memcmp(first.bytes, package.data, 8 + 60 + 4 + 60) == 0);
}

/* The package is used as it is if the cache cannot be written to. */
TEST(deb_recompress_without_scratch)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(text_done) struct text package = { 0 }, archive = { 0 };
	struct error err = { 0 };
	char sha256[SHA256_HEX];

	CHECK(own_cache_open(&w) == 0);
	maker_xz(data, &archive);
	make_with("data.tar.xz", archive.data, archive.len, &package);
	store(&w, &package, sha256);
	CHECK(tree_remove(w.cache.fd, "tmp", &err) == 0);
	CHECK(opens_as(&w, sha256, &package) && !is_recompressed(&w, sha256));
}

TEST(deb_recompress_keeps_zstd)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(text_done) struct text package = { 0 };
	char sha256[SHA256_HEX];

	CHECK(own_cache_open(&w) == 0);
	maker_deb(control, data, &package);
	store(&w, &package, sha256);
	CHECK(opens_as(&w, sha256, &package));
	CHECK(!is_recompressed(&w, sha256));
}

/* Unpacking it reports what is wrong; nothing is added to the cache. */
TEST(deb_recompress_keeps_damaged)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(text_done) struct text package = { 0 };
	char sha256[SHA256_HEX];

	CHECK(own_cache_open(&w) == 0);
	make_with("data.tar.xz",
		  "\xfd"
		  "7zXZ\0rubbish",
		  13, &package);
	store(&w, &package, sha256);
	CHECK(opens_as(&w, sha256, &package));
	CHECK(!is_recompressed(&w, sha256));
}

TEST(deb_recompress_replaces_empty_file)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(text_done) struct text package = { 0 };
	struct error err = { 0 };
	char sha256[SHA256_HEX];

	CHECK(own_cache_open(&w) == 0);
	maker_deb(control, data, &package);
	store(&w, &package, sha256);
	CLEANUP(free_p) char *name = xasprintf("repacked/%s", sha256);
	CHECK(file_write(w.cache.fd, name, "", 0, 0644, &err) == 0);
	CHECK(opens_as(&w, sha256, &package));
	CHECK(!is_recompressed(&w, sha256));
}

TEST(deb_recompress_needs_the_package)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(mapped_file_done) struct mapped_file m = { 0 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CHECK(deb_recompress_open(&w.cache, "0123", "tiny", &m, &err) < 0 && strstr(err.text, "files/0123"));
}
