/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The images of debian-source's control plane. The image of a static program without dependencies contains only that
 * program; kube-proxy and Debian's etcd are on top of the Debian layer (image_layer.h).
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

/* Pure. Adds the names of the compiled programs that the images need, as they are in control_plane.programs. */
void control_plane_images_programs(struct strings *ret);
/* Writes an OCI archive to fd and adds the names of the images in it to *ret. */
int control_plane_images_write(const struct control_plane *c, int fd, struct strings *ret, struct error *err)
	MUST_CHECK;
