/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The source debian-source: the component kubernetes is compiled from Debian's source package in the toolchain tree
 * (kubernetes_compile.h), with the control plane, and is cached as artifacts/KEY/: bin/ has kubelet, kubeadm and kubectl;
 * images/ has one archive of the control plane, etcd and pause when the recipe has images.control_plane.
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "builder/recipe/recipe.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"

/* Finds the artifacts in the cache or compiles them. Downloads what is needed. line gets the compiler's output.
 * *ret_directory, absolute and owned by the caller, has bin/NAME. */
int debian_source_make(const struct recipe *recipe, const struct component *c, const struct lock *lock,
		       struct cache *cache, void (*line)(void *context, const char *line), void *context,
		       char **ret_directory, struct error *err) MUST_CHECK;
/* Adds the archives of images (absolute paths) in such a directory, and the references of the images in them. */
int debian_source_images(const struct recipe *recipe, const char *directory, struct strings *ret_archives,
			 struct strings *ret_references, struct error *err) MUST_CHECK;
/* The cache key of the compiled artifacts. */
void debian_source_key(const struct recipe *recipe, const struct lock *lock, char ret_hex[SHA256_HEX]);
/* Compiles the artifacts in an open toolchain, whose lock has the source, and publishes them under this key. */
int debian_source_compile(const struct recipe *recipe, const struct toolchain *t, const char *key, struct error *err)
	MUST_CHECK;
