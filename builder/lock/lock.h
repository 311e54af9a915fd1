/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A lock names exactly the bytes that an image is made of. `nodekiln lock` writes it as NAME.lock.json, `build --locked`
 * uses it. Packages are grouped by purpose and sorted by name within a group. lock_format.h documents the file.
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/component/component.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/vec.h"

enum lock_group {
	LOCK_BASE,      /* SET_BASE's packages, closed under dependencies */
	LOCK_VM,        /* the additions of SET_VM to base */
	LOCK_LXC,       /* the additions of SET_LXC to base */
	LOCK_EXTRA_VM,  /* the additions of packages.extra to base and vm */
	LOCK_EXTRA_LXC, /* the additions of packages.extra to base and lxc */
	LOCK_TOOLCHAIN, /* the tree with the compilers, for the agent and for debian-source */
	LOCK_IMAGE,     /* the Debian layer of preloaded images (etcd, kube-proxy) */
	LOCK_GO, /* the tree in which Go programs are compiled: Debian 13, Go from its backports, for every suite */
	LOCK_GROUPS,
	LOCK_GUEST_GROUPS = LOCK_TOOLCHAIN /* the groups before it are installed in guests */
};
extern const char *const lock_group_names[LOCK_GROUPS + 1];
/* The group that this one is installed on top of; LOCK_GROUPS: none. A parent is before its children in the enum. */
enum lock_group lock_group_parent(enum lock_group group);
/* True when other groups are installed on top of this one. */
bool lock_group_is_parent(enum lock_group group);
/* True for the groups of packages.extra. */
bool lock_group_is_extra(enum lock_group group);

struct lock_package {
	char *name, *version, *architecture;
	char *url;          /* absolute; the lock file stores it as its repository's URL and a path */
	char *sha256;       /* 64 hex digits */
	uint64_t size;      /* bytes of the .deb */
	uint64_t installed; /* bytes, from Installed-Size; 0 when unknown */
};

/* A file that is not a binary package: a part of a source package, or a release binary. */
struct lock_file {
	char *name, *url, *sha256;
	uint64_t size; /* 0 = unknown */
};
struct lock_files {
	VEC(struct lock_file) list;
};

/* A source package of the distribution; the programs compiled from it have its version. */
struct lock_source {
	char *name, *version; /* version: without the epoch, as in the names of its files */
	struct lock_files files;
};

/* A Go module: two hashes as in go.sum, "h1:BASE64=". */
struct lock_module {
	char *path, *version; /* "k8s.io/api", "v0.37.2" */
	char *sum;            /* of the zip's content; NULL: only its go.mod is needed */
	char *mod_sum;        /* of its go.mod */
};

/* A component (builder/component/component.h) at one version. */
struct lock_component {
	char *name, *version; /* "kubernetes", "1.37.2" */
	enum component_source source;
	int64_t date;     /* of the release, seconds since 1970; 0 = unknown */
	char *go_package; /* go-modules: the package of LOCK_GO with the Go that compiles it, "golang-1.26-go" */
	char *go_mod;     /* go-modules: the text of the main module's go.mod */
	VEC(struct lock_module) modules; /* go-modules: sorted by path and version; go.sum follows from them */
};

struct lock {
	VEC(struct lock_component) components; /* sorted by name */
	VEC(struct lock_package) group[LOCK_GROUPS];
	VEC(struct lock_source) sources; /* sorted by name */
	struct lock_files binaries;      /* of Kubernetes; in the recipe's order */
	char *kubernetes_version;        /* as resolved, "1.20.2"; NULL when the recipe has none */
	char *recipe_digest;             /* sha256 of recipe_json(): lock_belongs() compares it */
};

int lock_parse(const char *file, const char *text, size_t len, struct lock *ret, struct error *err) MUST_CHECK;
int lock_load(const char *file, struct lock *ret, struct error *err) MUST_CHECK;
/* Refuses to write a lock where another file than a lock is: ERROR_USAGE. An empty file is none. */
int lock_check_output(const char *file, struct error *err) MUST_CHECK;
struct json *lock_json(const struct lock *lock) MUST_CHECK;
void lock_done(struct lock *lock);
/* The default path of a recipe's lock file: NAME.lock.json in the current directory; owned by the caller. */
char *lock_default_path(const struct recipe *recipe) MUST_CHECK;
/* ERROR_INPUT when the lock was made for another state of the recipe. file: name of the lock file, for the message. */
int lock_belongs(const struct lock *lock, const char *file, const struct recipe *recipe, struct error *err) MUST_CHECK;
/* NULL when the group has no package of that name. */
const struct lock_package *lock_find(const struct lock *lock, enum lock_group group, const char *name);
/* NULL when the lock has no component of that name. */
const struct lock_component *lock_component(const struct lock *lock, const char *name);
/* NULL when the lock has no source package of that name. */
const struct lock_source *lock_source(const struct lock *lock, const char *name);
/* Digest over the names, versions, architectures and hashes of a group: part of the cache key of a tree made of it. */
void lock_group_digest(const struct lock *lock, enum lock_group group, char ret_hex[65]);
