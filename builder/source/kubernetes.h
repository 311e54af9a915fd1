/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where kubelet, kubeadm and kubectl come from (recipe: kubernetes.source).
 *
 *	packages	apt packages like any other (package_request.c adds the names)
 *	binaries	release files by url and sha256, installed into the tree; also in addition to packages
 *	debian-source	compiled from Debian's source package in a toolchain tree, cached under artifacts/KEY/: bin/ and images/
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"
#include "lib/hash.h"

struct kubernetes {
	char *artifacts;           /* absolute path of the finished directory; NULL for other sources */
	struct strings images;     /* archives to preload, absolute paths */
	struct strings references; /* of the images in them */
};

/* debian-source: finds the artifacts in the cache or compiles them. Downloads what is needed. line gets the compiler's
 * output. */
int kubernetes_make(const struct recipe *recipe, const struct lock *lock, struct cache *cache,
		    void (*line)(void *context, const char *line), void *context, struct kubernetes *ret,
		    struct error *err) MUST_CHECK;
/* debian-source: the cache key of the compiled artifacts. */
void kubernetes_artifacts_key(const struct recipe *recipe, const struct lock *lock, char ret_hex[SHA256_HEX]);
/* debian-source: compiles the artifacts in an open toolchain, whose lock has the source, and publishes them under this key. */
int kubernetes_artifacts_make(const struct recipe *recipe, const struct toolchain *t, const char *key,
			      struct error *err) MUST_CHECK;
/* Installs the programs into the tree; for debian-source and binaries also the kubelet unit and the kubeadm drop-in, which are
 * otherwise part of the packages. */
int kubernetes_install(const struct recipe *recipe, const struct lock *lock, const struct kubernetes *k,
		       struct cache *cache, const char *root, struct error *err) MUST_CHECK;
/* Installs the files of the kubelet and kubeadm packages that are no programs: the unit, kubeadm's drop-in for it, and
 * directories. Existing files stay. */
int kubernetes_install_units(int rootfd, struct error *err) MUST_CHECK;
/* The pause image that this version uses, as reported by the tree's own kubeadm. *ret is owned by the caller. */
int kubernetes_pause_image(const char *root, const char *version, char **ret, struct error *err) MUST_CHECK;
void kubernetes_done(struct kubernetes *k);
