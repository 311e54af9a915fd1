/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Container images: packed from programs as OCI archives (oci.c), and preloaded into the guest's containerd at build time,
 * unpacked into its overlayfs snapshotter, so that no boot pays for it.
 */
#include "builder/cache.h"
#include "lib/error.h"
#include "lib/text.h"

/* One image to pack. */
struct oci_image {
	const char *reference;	   /* "k8s.gcr.io/pause:3.2" */
	const char *architecture;  /* "amd64" */
	const char *base;	   /* absolute path of a tree to be the first layer, NULL = none */
	const char *program;	   /* absolute path of a program to add as /usr/local/bin/NAME (or as it is named by path), NULL = none */
	const char *program_path;  /* absolute path inside the image */
	const char *const *entrypoint; /* NULL-ended */
	int64_t epoch;		   /* of the created field and all mtimes */
};
/* Writes one OCI image-layout archive (with docker's manifest.json beside, so that `docker load` takes it too). */
int oci_write(const struct oci_image *images, size_t n, int fd, struct error *err) MUST_CHECK;

/* Starts the tree's containerd in the sandbox with store (absolute path of an empty directory) bound at /var/lib/containerd,
 * imports every archive into namespace k8s.io, unpacks, pins, stops it again. The tree itself is not changed; dpkg may be
 * configuring it at the same time. */
int images_preload(const char *root, const char *store, const struct strings *archives, struct error *err) MUST_CHECK;
