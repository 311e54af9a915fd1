/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a build adds to a configured tree to make it this recipe's guest: overlays, the agent, enabled units, and
 * /etc/nodekiln/image.json, which says to tools and people what the image is.
 */
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

struct customize {
	const struct recipe *recipe; /* borrowed, as all of these */
	const struct lock *lock;
	const struct strings *images; /* preloaded */
	const char *agent;            /* the tree that brings it; NULL = none */
	const char *pause_image;      /* NULL without Kubernetes */
	const char *key;              /* of the build */
	enum set set;                 /* SET_VM or SET_LXC */
};

int customize_tree(const struct customize *g, const char *root, struct error *err) MUST_CHECK;
struct json *customize_image_json(const struct customize *g) MUST_CHECK;
