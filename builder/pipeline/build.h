/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One build, from recipe to published artifacts. The order of work, and what runs in parallel:
 *
 *	recipe -> lock -> agent, components (compiled once, cached) -> fetch
 *	base: unpack -> configure	| its files compressed; images preloaded; vm and lxc layers unpacked
 *	vm: layer configured -> extra -> customize -> seal -> disk -> qcow2
 *					| lxc: layer configured -> extra -> customize -> seal -> tarball
 *	metadata -> publish		| the trees removed
 *
 * base, vm, lxc, images and the packages.extra of vm and of lxc are layers (layer_cache.h). Layers that are in the
 * cache are not made; the others are saved to the cache while the artifacts are made. To seal a tree is to apply
 * sysprep.h. build_graph.c has the dependencies. A build whose key equals that of the published manifest does
 * nothing. When SHA256SUMS is to be signed, it must be signed already by the same key and the artifacts must have its digests:
 * who can change the manifest can also copy its key.
 */
#include <stdbool.h>

#include "builder/apt/mirror.h"
#include "builder/artifacts/artifacts.h"
#include "builder/cache/cache.h"
#include "builder/cache/scratch.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "builder/source/source.h"
#include "lib/error.h"
#include "lib/hash.h"

/* SHA256SUMS will be signed by the caller, outside of the build's namespaces. */
struct build_signing {
	struct text keyring; /* owned; signature_keyring() */
	int sums;            /* owned; build_run() writes the bytes to sign there; none: what is published is signed */
};

struct build_options {
	const char *recipe; /* name or file */
	struct strings set; /* KEY=VALUE overrides */
	const char *out;    /* directory */
	const char *lock;   /* use exactly this lock file; NULL = resolve now */
	struct mirror_options mirror;
	bool update;  /* refresh the package indices first */
	bool offline; /* use the cache only; the process has no network (sandbox_no_network) */
	bool force;   /* build even if nothing changed */
	enum scratch_kind scratch;
	const struct build_signing *signing; /* borrowed; NULL = SHA256SUMS is not signed */
};

enum build_layer { LAYER_BASE, LAYER_VM, LAYER_LXC, LAYER_EXTRA_VM, LAYER_EXTRA_LXC, LAYER_IMAGES, LAYERS };

/* A layer of this build: loaded from the cache, or made and later saved. */
struct build_tree {
	char *path; /* owned; in the scratch */
	char key[SHA256_HEX];
	bool wanted, cached;
};

/* The state that the steps share, filled from top to bottom. A job is a child process, so it changes its own copy. */
struct build {
	const struct build_options *options; /* borrowed */
	struct recipe recipe;
	uint64_t overlay_bytes; /* of all overlays */
	int64_t started;        /* files with a later mtime were made by this build */
	int64_t epoch;          /* SOURCE_DATE_EPOCH, else now */
	struct cache cache;
	struct artifacts outputs;
	struct lock lock;
	char *agent; /* owned; path of its tree in the cache */
	struct source_set sources;
	struct strings archives; /* of images to preload */
	struct strings images;   /* their names */
	char *pause_image;       /* owned; as kubeadm prints it; NULL without Kubernetes */
	char key[SHA256_HEX];    /* of all inputs of the artifacts */
	struct scratch scratch;
	struct build_tree layer[LAYERS];
	struct chunks *chunks; /* owned; of the base; build_chunks_open() */
};

int build_run(const struct build_options *options, struct error *err) MUST_CHECK;
/* The part of build_run() that follows once recipe, lock and programs are there: compares the key with what is
 * published, and makes and publishes the artifacts. */
int build_finish(struct build *b, struct error *err) MUST_CHECK;
void build_done(struct build *b); /* accepts an empty build: see BUILD_EMPTY */

/* Initial value: no file is open. */
#define BUILD_EMPTY .cache.fd = -1, .outputs.dirfd = -1, .outputs.stagefd = -1, .scratch.fd = -1

/* build_key.c: fills in the keys of the layers and of the build, and which layers are wanted. */
int build_keys(struct build *b, struct error *err) MUST_CHECK;
/* build_graph.c: everything that follows, up to finished artifacts in the staging directory, in parallel. */
int build_graph_run(struct build *b, struct error *err) MUST_CHECK;
/* build_artifact.c: customize, seal and write one artifact into the staging directory. */
int build_artifact_vm(struct build *b, struct error *err) MUST_CHECK;
int build_artifact_lxc(struct build *b, struct error *err) MUST_CHECK;
