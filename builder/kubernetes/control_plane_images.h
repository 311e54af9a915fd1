/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The control plane's images, made of compiled programs: from nothing where the program is static and needs nothing, on a small
 * Debian layer (lock group `image`) where it runs other programs (kube-proxy) or comes from Debian (etcd).
 */
#include "builder/cache/cache.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/text.h"

struct control_plane {
	const struct lock *lock;          /* borrowed */
	struct cache *cache;              /* borrowed */
	const char *architecture;         /* borrowed */
	const struct strings *references; /* borrowed; what kubeadm calls the images */
	const char *programs;             /* borrowed; absolute path of the directory with the compiled ones */
	const char *scratch;              /* borrowed; absolute path of an empty directory */
	int64_t epoch;
};

/* The archive goes to fd; *ret gets the names of the images in it. */
int control_plane_images_write(const struct control_plane *c, int fd, struct strings *ret, struct error *err)
	MUST_CHECK;

/* Pure: false for packages that came along for others' maintainer scripts, which never run in the layer. */
bool control_plane_images_wants(const char *package);
