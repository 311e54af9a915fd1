/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Container images preloaded at build time into the store of the guest's own runtime, unpacked, so that no boot pays for it.
 *
 * The tree's runtime does that itself, inside the sandbox and with nothing but its store (container_images_engine.h). containerd forgets the
 * archives once they are unpacked: the CRI plugin runs containers from snapshots, and an image would hold each layer twice.
 * What the runtimes choose at random or date by the clock is replaced by what follows from the images: equal images give equal stores.
 */
#include "builder/recipe/recipe.h"
#include "lib/error.h"
#include "lib/text.h"

/* Where a runtime keeps its images, from the root without a leading '/'; NULL for RUNTIME_NONE. */
const char *container_images_store(enum runtime runtime);
/* Runs the tree's runtime in the sandbox with the directory store shown as container_images_store(), and imports every archive (absolute
 * paths). The store may not be on an overlayfs. Nothing else of root changes. */
int container_images_preload(const char *root, enum runtime runtime, const char *store, const struct strings *archives,
			     struct error *err) MUST_CHECK;
/* The names of an archive's images, added to *ret; an archive without any that the runtime would find is ERROR_INPUT. */
int container_images_names(const char *archive, enum runtime runtime, struct strings *ret, struct error *err)
	MUST_CHECK;
