/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Turns a configured tree into this recipe's guest. It adds overlays, the agent, enabled units, and
 * /etc/nodekiln/image.json, which describes the image to tools and users.
 */
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "builder/source/source.h"
#include "lib/error.h"

struct customize {
	const struct recipe *recipe; /* borrowed, as all of these */
	const struct lock *lock;
	struct cache *cache;              /* may be NULL where the recipe has no archives of binaries */
	const struct source_set *sources; /* may be NULL */
	const struct strings *images;     /* preloaded */
	const char *agent;                /* path of its tree; NULL = none */
	const char *pause_image;          /* NULL without Kubernetes */
	const char *key;                  /* of the build */
	enum set set;                     /* SET_VM or SET_LXC */
};

/* root: absolute path of the tree; its own systemctl is run in the sandbox. */
int customize_tree(const struct customize *g, const char *root, struct error *err) MUST_CHECK;
struct json *customize_image_json(const struct customize *g) MUST_CHECK;
