/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Go in the open tree of LOCK_GO. Without the network it gets modules only from directories; with it, the host's resolver,
 * CAs and the user's settings and credentials are copied into the tree, which is a scratch.
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/sandbox/sandbox_binds.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"
#include "lib/text.h"

/* Below the work directory; TOOLCHAIN_WORK inside. */
#define GO_TREE_MODULES "modules" /* GOMODCACHE */
#define GO_TREE_DOWNLOADS GO_TREE_MODULES "/cache/download"
#define GO_TREE_PROXY "proxy" /* the file: proxy of a build */

struct go_tree {
	struct toolchain toolchain;
	char *work;                 /* owned; absolute */
	int workfd;                 /* owned */
	struct strings environment; /* for every run */
	struct strings settings;    /* of the user (go_settings.h), for runs with the network */
	char *proxies;              /* owned; the user's GOPROXY, for messages; NULL: Go's default */
	struct sandbox_binds binds; /* for every run */
	char *kept;                 /* owned; the build cache in use, relative to cache->fd, or NULL */
	int keptfd;                 /* owned if kept; locked */
};

/* Opens the tree with `need` bytes for work; the caller has set toolchain.lock, .cache and .line. cgo: C code is compiled as
 * well. Moves the process into private namespaces: call it in a job. */
int go_tree_open(struct go_tree *g, uint64_t need, struct error *err) MUST_CHECK;
void go_tree_close(struct go_tree *g);
/* Prepares runs with the network. */
int go_tree_online(struct go_tree *g, struct error *err) MUST_CHECK;
/* Uses the build cache that nodekiln keeps, until go_tree_close() seals it. */
int go_tree_keep_cache(struct go_tree *g, struct error *err) MUST_CHECK;
void go_tree_seal_cache(struct go_tree *g);

struct go_run {
	const char *directory;       /* relative to the work directory */
	const struct strings *argv;  /* "go" as the first argument is the tree's Go */
	const struct strings *extra; /* more environment; may be NULL */
	bool network;
	struct text *output; /* may be NULL */
};
/* Go has no rights over the network of the host, nor over anything else than the files in the tree. */
int go_tree_run(struct go_tree *g, const struct go_run *run, struct error *err) MUST_CHECK;
/* The value of GOPROXY: the user's, else the default of this Go. Owned by the caller. */
int go_tree_proxy(struct go_tree *g, char **ret, struct error *err) MUST_CHECK;

/* The package of the lock's tree with Go, "golang-1.26-go", borrowed; NULL when there is none. */
const char *go_tree_package(const struct lock *lock);
