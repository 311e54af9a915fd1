/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A layer: a part of a guest's tree that depends on nothing but its key, kept in the cache as trees/KEY.tar.zst.
 */
#include "builder/cache.h"
#include "lib/error.h"

/* 1: unpacked into path (an empty directory). 0: the cache does not have it. */
int layer_load(struct cache *cache, const char *key, const char *path, struct error *err) MUST_CHECK;
int layer_save(struct cache *cache, const char *key, const char *path, struct error *err) MUST_CHECK;
