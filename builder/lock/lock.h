/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A lock: exactly which bytes an image is made of. Written by `nodekiln lock` as NAME.lock.json, used by `build --locked`.
 * Packages are grouped by what they are for; within a group sorted by name.
 */
#include <stdint.h>

#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/vec.h"

enum lock_group {
	LOCK_BASE,      /* SET_BASE's packages, closed under dependencies */
	LOCK_VM,        /* what SET_VM adds to base */
	LOCK_LXC,       /* what SET_LXC adds to base */
	LOCK_EXTRA_VM,  /* what packages.extra adds to base and vm */
	LOCK_EXTRA_LXC, /* what packages.extra adds to base and lxc */
	LOCK_TOOLCHAIN, /* debian-source and the agent: a tree with the compilers */
	LOCK_IMAGE,     /* the Debian layer of preloaded images (etcd, kube-proxy) */
	LOCK_GROUPS,
	LOCK_GUEST_GROUPS = LOCK_TOOLCHAIN /* those before it are of guests */
};
extern const char *const lock_group_names[LOCK_GROUPS + 1];

struct lock_package {
	char *name, *version, *architecture;
	char *url;     /* full address it was resolved to; the lock file keeps it relative to its repository's url */
	char *sha256;  /* 64 hex digits */
	uint64_t size; /* bytes of the .deb */
	uint64_t installed; /* bytes, from Installed-Size; 0 when unknown */
};

/* A file that is no package: a source package's part, a release binary. */
struct lock_file {
	char *name, *url, *sha256;
	uint64_t size; /* 0 = unknown */
};
struct lock_files {
	VEC(struct lock_file) list;
};

/* A source package of the distribution: what is compiled from it has its version. */
struct lock_source {
	char *name, *version; /* without the epoch, as its files are called */
	struct lock_files files;
};

struct lock {
	VEC(struct lock_package) group[LOCK_GROUPS];
	VEC(struct lock_source) sources; /* sorted by name */
	struct lock_files binaries;      /* of Kubernetes */
	char *kubernetes_version;        /* as resolved, "1.20.2"; NULL when the recipe has none */
	char *recipe_digest;             /* sha256 of recipe_json: a lock belongs to its recipe */
};

int lock_parse(const char *file, const char *text, size_t len, struct lock *ret, struct error *err) MUST_CHECK;
int lock_load(const char *file, struct lock *ret, struct error *err) MUST_CHECK;
struct json *lock_json(const struct lock *lock) MUST_CHECK;
void lock_done(struct lock *lock);
/* Where a recipe's lock file is looked for and written by default: NAME.lock.json in the current directory; owned by the caller. */
char *lock_default_path(const struct recipe *recipe) MUST_CHECK;
/* A lock belongs to its recipe: what was locked for another state of it is ERROR_INPUT. file: the lock's, for the sentence. */
int lock_belongs(const struct lock *lock, const char *file, const struct recipe *recipe, struct error *err) MUST_CHECK;
const struct lock_package *lock_find(const struct lock *lock, enum lock_group group, const char *name);
/* NULL when the lock has none of that name. */
const struct lock_source *lock_source(const struct lock *lock, const char *name);
/* Digest over the names, versions and hashes of a group: the key of a tree made of it. */
void lock_group_digest(const struct lock *lock, enum lock_group group, char ret_hex[65]);
