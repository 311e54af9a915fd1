/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Container images preloaded at build time into the store of the guest's own runtime, and unpacked there, so
 * that no boot has to do it.
 *
 * The tree's own runtime imports them, inside the sandbox, with access to nothing except its store
 * (container_images_engine.h). containerd drops the archives' blobs once they are unpacked: the CRI plugin runs
 * containers from snapshots, and the blobs would store each layer twice. Random names and dates in the store are
 * replaced by values derived from the images: equal images give equal stores.
 */
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/text.h"

/* Where a runtime keeps its images, relative to the root, without a leading '/'; NULL for RUNTIME_NONE. */
const char *container_images_store(enum runtime runtime);
/* Runs the tree's runtime in the sandbox, with the directory store mounted at container_images_store(), and imports
 * every archive (absolute paths). The store must not be on an overlayfs. Nothing else in root changes. */
int container_images_preload(const char *root, enum runtime runtime, const char *store, const struct strings *archives,
			     struct error *err) MUST_CHECK;
/* Adds the names of an archive's images to *ret; an archive without any name that the runtime would use is
 * ERROR_INPUT. */
int container_images_names(const char *archive, enum runtime runtime, struct strings *ret, struct error *err)
	MUST_CHECK;
