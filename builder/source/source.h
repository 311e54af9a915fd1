/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where the software of a node comes from that no package of the distribution has, behind one interface. A component
 * (component.h) has one of these sources:
 *
 *	go-modules	compiled from Go modules (gomod.h)
 *	c		one C file of ours (c_programs.h)
 *	packages	packages like any other; nothing is made here
 *	binaries	released files, which kubernetes.h installs
 *	debian-source	compiled from the distribution's source package (debian_source.h)
 *
 * What is compiled is in the cache, as artifacts/KEY/bin/NAME.
 */
#include "builder/cache/cache.h"
#include "builder/component/component.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "builder/source/kubernetes.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"
#include "lib/vec.h"

/* The compiled programs of one component. */
struct source_programs {
	const struct component *component; /* borrowed; of the recipe */
	char *version;                     /* owned */
	int64_t date;                      /* of the release, seconds since 1970; 0 = unknown */
	char *directory;                   /* owned; absolute, in the cache; has bin/NAME */
};

/* What a build gets from them. */
struct source_set {
	VEC(struct source_programs) programs; /* of components that are compiled; in the recipe's order */
	char *images;                         /* owned; directory of the components' images in the cache; NULL: none */
	struct strings archives;              /* of images to preload, absolute paths */
	struct strings references;            /* of the images in them */
	struct strings image_tags;            /* "NAME=TAG" of images whose tag is not the one that kubeadm names */
};

/* Finds everything in the cache or makes it. Downloads what is needed. line gets the compilers' output. recipe must live as
 * long as ret. */
int source_make(const struct recipe *recipe, const struct lock *lock, struct cache *cache,
		void (*line)(void *context, const char *line), void *context, struct source_set *ret, struct error *err)
	MUST_CHECK;
/* Installs programs, and units that are otherwise part of packages, into the tree at root. */
int source_install(const struct recipe *recipe, const struct source_set *s, struct cache *cache, const char *root,
		   struct error *err) MUST_CHECK;
/* Adds the absolute paths of what source_install() installs, for the list in image.json. */
int source_paths(const struct recipe *recipe, const struct source_set *s, struct cache *cache, struct strings *ret,
		 struct error *err) MUST_CHECK;
void source_done(struct source_set *s);

/* Pure. Whether something in addition to the agent is compiled, unless it is cached. */
bool source_compiles(const struct recipe *recipe);
/* Pure. Whether the images that a component's file names are packed from its programs. */
bool source_packs_images(const struct component *c);
/* Pure. Whether components have such images, which are preloaded into the recipe's container runtime. */
bool source_has_images(const struct recipe *recipe);
/* Pure. The source that a recipe's Kubernetes comes from, as image.json and the plan name it: "none", "go-modules",
 * "debian-source" ... */
const char *source_of_kubernetes(const struct recipe *recipe);
/* Pure. The version of Kubernetes, as resolved; NULL when there is none. */
const char *source_kubernetes_version(const struct lock *lock);
/* Pure. The cache key of the programs: a digest of everything that they depend on. */
const char *source_programs_key(const struct source_programs *p);
/* Pure. NULL when this component is not compiled. */
const struct source_programs *source_programs(const struct source_set *s, const char *component);
