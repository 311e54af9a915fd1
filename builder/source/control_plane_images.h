/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Makes the control plane's images from compiled programs. The image of a static program without dependencies contains
 * only that program; kube-proxy, which runs other programs, and etcd, which comes from Debian, are on top of a small
 * Debian layer (lock group `image`).
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/text.h"

struct control_plane {
	const struct lock *lock;          /* borrowed */
	struct cache *cache;              /* borrowed */
	const char *architecture;         /* borrowed */
	const struct strings *references; /* borrowed; the image names that kubeadm uses */
	const char *programs;             /* borrowed; absolute path of the directory with the compiled programs */
	const char *scratch;              /* borrowed; absolute path of an empty directory */
	int64_t epoch;                    /* time stamp of the images, seconds since 1970 */
};

/* Writes an OCI archive to fd and adds the names of the images in it to *ret. */
int control_plane_images_write(const struct control_plane *c, int fd, struct strings *ret, struct error *err)
	MUST_CHECK;

/* Pure. False for packages that are only dependencies of maintainer scripts, which never run in the layer. */
bool control_plane_images_wants(const char *package);
