/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A tree, a cache and packages in the cache, in a temporary directory:
 *
 *	CLEANUP(tree_bench_done) struct tree_bench b;
 *	tree_bench_open(&b);
 *	tree_bench_add(&b, "one", "", members);
 *	CHECK(tree_bench_unpack(&b, false, 1, &err) == 0);
 */
#include <stdlib.h>

#include "builder/tree/tree.h"
#include "lib/hash.h"
#include "tests/unit/deb_maker.h"

struct tree_bench {
	char path[32];
	int dir;
	struct cache cache;
	VEC(struct lock_package) packages;
	char *root;
	int rootfd;
};

UNUSED static void tree_bench_tree(struct tree_bench *b, const char *name)
{
	struct error err = { 0 };

	free(b->root);
	close_p(&b->rootfd);
	b->root = xasprintf("%s/%s", b->path, name);
	if (dir_make(AT_FDCWD, b->root, 0755, &err) < 0)
		abort();
	b->rootfd = dir_open(AT_FDCWD, b->root, &err);
}

UNUSED static void tree_bench_open(struct tree_bench *b)
{
	struct error err = { 0 };

	*b = (struct tree_bench){ .rootfd = -1 };
	strcpy(b->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(b->path))
		abort();
	b->dir = dir_open(AT_FDCWD, b->path, &err);
	CLEANUP(free_p) char *cache = xasprintf("%s/cache", b->path), *key = xasprintf("%s/cache.key", b->path);
	setenv("NODEKILN_CACHE", cache, 1);
	setenv("NODEKILN_CACHE_KEY", key, 1);
	if (cache_open(&b->cache, &err) < 0)
		abort();
	tree_bench_tree(b, "tree");
}

UNUSED static void tree_bench_done(struct tree_bench *b)
{
	struct error err = { 0 };

	for (size_t i = 0; i < b->packages.n; i++) {
		free(b->packages.at[i].name);
		free(b->packages.at[i].sha256);
	}
	vec_done(&b->packages);
	cache_close(&b->cache);
	free(b->root);
	close_p(&b->rootfd);
	close_p(&b->dir);
	if (tree_remove(AT_FDCWD, b->path, &err) < 0)
		printf("# %s\n", err.text);
}

/* Puts the bytes of deb into the cache as package NAME 1.0 (all). */
UNUSED static void tree_bench_put(struct tree_bench *b, const char *name, const struct text *deb)
{
	struct error err = { 0 };
	char hex[SHA256_HEX];

	sha256_hex(deb->data, deb->len, hex);
	CLEANUP(free_p) char *file = xasprintf("files/%s", hex);
	if (file_write(b->cache.fd, file, deb->data, deb->len, 0644, &err) < 0)
		abort();
	vec_push(&b->packages, (struct lock_package){ .name = xstrdup(name),
						      .version = (char *)"1.0",
						      .architecture = (char *)"all",
						      .sha256 = xstrdup(hex),
						      .size = deb->len });
}

UNUSED static void tree_bench_add(struct tree_bench *b, const char *name, const char *fields,
				  const struct maker_member *data)
{
	CLEANUP(text_done) struct text deb = { 0 };
	CLEANUP(free_p)
	char *control = xasprintf("Package: %s\nVersion: 1.0\nArchitecture: all\n%sDescription: d\n", name, fields);
	struct maker_member members[] = {
		{ .path = "./control", .content = control },
		{ .path = "./conffiles", .content = "/etc/conf\n" },
		{ .path = "./triggers", .content = "interest-noawait /usr/watched\ninterest named\n" },
		{ .path = "./postinst", .content = "#!/bin/sh\n", .mode = S_IFREG | 0755 },
		{ 0 },
	};

	maker_deb(members, data, &deb);
	tree_bench_put(b, name, &deb);
}

UNUSED static int tree_bench_unpack(struct tree_bench *b, bool layer, unsigned threads, struct error *err)
{
	return tree_unpack(b->root, (struct tree_packages){ b->packages.at, b->packages.n }, &b->cache, layer, threads,
			   err);
}

UNUSED static char *tree_bench_content(struct tree_bench *b, const char *path)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	return file_read_in(b->rootfd, path, 1 << 20, &t, &err) < 0 ? xstrdup("(missing)") : text_take(&t);
}

#define CHECK_CONTENT(b, path, want)                                                                                   \
	do {                                                                                                           \
		CLEANUP(free_p) char *content_ = tree_bench_content(b, path);                                          \
		CHECK_STR(content_, want);                                                                             \
	} while (0)
