/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One build, from recipe to published artifacts. The order of work, and what runs side by side:
 *
 *	recipe -> lock -> fetch -> agent, Kubernetes (compiled once, cached)
 *	base: unpack -> configure          | beside it: its files compressed, images preloaded, vm and lxc layers unpacked
 *	vm:  layer configured -> extra -> guest -> seal -> disk -> qcow2  | beside it: lxc: layer -> extra -> guest -> seal -> tarball
 *	papers -> publish                 | beside it: the trees removed
 *
 * base, vm, lxc, images and what packages.extra puts above vm and lxc are layers (layer_cache.h): a build that finds them in the cache
 * starts behind them. What is not cached is saved beside the artifacts' making. build_graph.c has who needs whom. A build whose key
 * equals the published manifest's does nothing.
 */
#include <stdbool.h>

#include "builder/artifacts/artifacts.h"
#include "builder/cache/cache.h"
#include "builder/cache/scratch.h"
#include "builder/kubernetes/kubernetes.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/hash.h"

struct build_options {
	const char *recipe; /* name or file */
	struct strings set; /* KEY=VALUE overrides */
	const char *out;    /* directory */
	const char *lock;   /* use exactly this lock file; NULL = resolve now */
	const char *mirror; /* NULL = the recipe's, else the host's */
	bool update;        /* refresh the package indices first */
	bool offline;       /* the cache alone; the process has no network to ask (sandbox_no_network) */
	bool force;         /* build even when nothing changed */
	enum scratch_kind scratch;
};

enum build_layer { LAYER_BASE, LAYER_VM, LAYER_LXC, LAYER_EXTRA_VM, LAYER_EXTRA_LXC, LAYER_IMAGES, LAYERS };

/* A layer on its way: loaded from the cache, or made now and saved later. */
struct build_tree {
	char *path; /* owned; in the scratch */
	char key[SHA256_HEX];
	bool wanted, cached;
};

/* Everything that the steps share. Filled from top to bottom; jobs work on their own copy. */
struct build {
	const struct build_options *options; /* borrowed */
	struct recipe recipe;
	uint64_t overlay_bytes; /* of all overlays */
	int64_t started;        /* what has a later mtime was made by us */
	int64_t epoch;          /* SOURCE_DATE_EPOCH, else now */
	struct cache cache;
	struct artifacts outputs;
	struct lock lock;
	char *agent; /* owned; its tree in the cache */
	struct kubernetes kubernetes;
	struct strings archives; /* of images to preload */
	struct strings images;   /* what these are called */
	char *pause_image;       /* owned; what kubeadm says; NULL without Kubernetes */
	char key[SHA256_HEX];    /* of all that goes into the artifacts */
	struct scratch scratch;
	struct build_tree layer[LAYERS];
	struct chunks *chunks; /* owned; of the base; build_chunks_open() */
};

int build_run(const struct build_options *options, struct error *err) MUST_CHECK;

/* build_key.c: the digests that name the layers and the whole. */
int build_keys(struct build *b, struct error *err) MUST_CHECK;
/* build_graph.c: then everything up to finished artifacts in the stage, side by side. */
int build_graph_run(struct build *b, struct error *err) MUST_CHECK;
/* build_artifact.c */
int build_artifact_vm(struct build *b, struct error *err) MUST_CHECK;
int build_artifact_lxc(struct build *b, struct error *err) MUST_CHECK;
