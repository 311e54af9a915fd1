/* SPDX-License-Identifier: Apache-2.0 */
/* Which packages are recompressed, and what happens with a damaged package or cache. (tests/e2e/packages.py compares real
 * packages with dpkg-deb.) */
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
