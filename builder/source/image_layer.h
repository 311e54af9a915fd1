/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Debian layer below the programs of some container images: lock group `image`, without the packages that only
 * maintainer scripts need. kube-proxy, which runs other programs, and Debian's etcd are on top of it.
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/text.h"

/* Paths of the layer's packages that no program reads, for struct oci_image.base_without. */
extern const char *const image_layer_unwanted[];

/* Unpacks the layer into tree (absolute path; it is made) and runs its programs. packages: those that images need, which
 * the lock was made for. The packages must be in the cache. */
int image_layer_make(const struct lock *lock, struct cache *cache, const char *const *packages, size_t n,
		     const char *tree, struct error *err) MUST_CHECK;

/* Pure. False for packages that are only dependencies of maintainer scripts, which never run in the layer. */
bool image_layer_wants(const char *package);
