/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Container images preloaded into the guest's containerd at build time, unpacked into its overlayfs snapshotter, so that no boot
 * pays for it. Once unpacked, the layers' archives are dropped from the content store: the CRI plugin runs containers from
 * snapshots, and an image would hold each layer twice.
 */
#include "lib/error.h"
#include "lib/text.h"

/* Runs the tree's own containerd in the sandbox with the directory store shown as /var/lib/containerd, and imports every archive
 * (docker or OCI; absolute paths) into namespace k8s.io. The store may not be on an overlayfs. Nothing else of root changes. */
int images_preload(const char *root, const char *store, const struct strings *archives, struct error *err) MUST_CHECK;
/* The names of an archive's images, added to *ret; an archive without any is ERROR_RECIPE. */
int images_names(const char *archive, struct strings *ret, struct error *err) MUST_CHECK;
