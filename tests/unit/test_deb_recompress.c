/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed anew, what is left as it came, and what a damaged package or cache leads to. (tests/e2e/packages.py holds real packages
 * against dpkg-deb.) */
#include "builder/tree/deb_recompress.h"
#include "lib/hash.h"
#include "tests/unit/deb_maker.h"
#include "tests/unit/own_cache.h"

static const struct maker_member control[] = {
	{ .path = "./control", .content = "Package: tiny\nVersion: 1.0\nArchitecture: all\n" }, { 0 }
};
static const struct maker_member data[] = { { .path = "./usr/" }, { .path = "./usr/file", .content = "hello" }, { 0 } };

/* With this data archive instead of a sound one in zstd. */
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

static bool is_repacked(struct own_cache *w, const char *sha256)
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

TEST(what_is_quick_stays_as_it_came)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(text_done) struct text package = { 0 };
	char sha256[SHA256_HEX];

	CHECK(own_cache_open(&w) == 0);
	maker_deb(control, data, &package);
	store(&w, &package, sha256);
	CHECK(opens_as(&w, sha256, &package));
	CHECK(!is_repacked(&w, sha256));
}

/* Whoever unpacks it says what is wrong; nothing of it is kept. */
TEST(what_is_damaged_stays_as_it_came)
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
	CHECK(!is_repacked(&w, sha256));
}

TEST(what_a_power_cut_left_is_made_again)
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
	CHECK(!is_repacked(&w, sha256));
}

TEST(what_is_not_in_the_cache_is_an_error)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(mapped_file_done) struct mapped_file m = { 0 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0);
	CHECK(deb_recompress_open(&w.cache, "0123", "tiny", &m, &err) < 0 && strstr(err.text, "files/0123"));
}
