/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where kubelet, kubeadm and kubectl come from (recipe: kubernetes.source).
 *
 *	packages	they are apt packages like others (resolve.c adds the names)
 *	binaries	release files by url and sha256, installed into the tree; also beside packages, for what these lack
 *	debian-source	compiled from Debian's source package in a toolchain tree, cached under artifacts/KEY/: bin/ and images/
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "lib/error.h"

struct kubernetes {
	char *artifacts;           /* absolute path of the finished directory; NULL for other sources */
	struct strings images;     /* archives to preload, absolute paths */
	struct strings references; /* of the images in them */
};

/* Compiles (debian-source) or finds it in the cache, and downloads what that takes; line gets the compiler's output. */
int kubernetes_make(const struct recipe *recipe, const struct lock *lock, struct cache *cache,
		    void (*line)(void *context, const char *line), void *context, struct kubernetes *ret,
		    struct error *err) MUST_CHECK;
/* Puts the programs (and for debian-source and binaries the kubelet unit and kubeadm drop-in that packages would bring) into
 * the tree. */
int kubernetes_install(const struct recipe *recipe, const struct lock *lock, const struct kubernetes *k,
		       struct cache *cache, const char *root, struct error *err) MUST_CHECK;
/* Which pause image the kubelet of this version asks for: the tree's own kubeadm says it. *ret is owned by the caller. */
int kubernetes_pause_image(const char *root, const char *version, char **ret, struct error *err) MUST_CHECK;
void kubernetes_done(struct kubernetes *k);
