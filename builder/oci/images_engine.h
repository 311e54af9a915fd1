/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A runtime as container_images.c drives it: its daemon is started, asked to import every archive, and ended. All of it inside the sandbox,
 * where / is the tree and /run and /tmp are gone afterwards; one file an engine.
 */
#include <sys/types.h>

#include "lib/error.h"

struct container_images_engine {
	const char *name;
	const char *store;  /* absolute */
	mode_t mode;        /* of the store, as the daemon itself would make it */
	char *const *argv;  /* of the daemon */
	const char *socket; /* made by the daemon */
	/* All but import may be NULL. */
	int (*prepare)(struct error *err); /* before the daemon starts */
	int (*answers)(struct error *err); /* 0 when its store is open; by default the socket tells */
	int (*import)(const char *archive, struct error *err); /* an absolute path inside */
	int (*finish)(struct error *err);                      /* everything is in, the daemon still runs */
	int (*settle)(struct error *err); /* it has ended: what belongs to one machine or one run goes */
};

extern const struct container_images_engine container_images_containerd, container_images_docker;

/* container_images_docker_names.c: in place of the random names of layers in a store that no dockerd uses, names that follow from them. */
int container_images_docker_rename(int storefd, struct error *err) MUST_CHECK;
/* container_images_containerd_dates.c: databases that are the same for the same images, whenever and on whatever file system they were made. */
int container_images_containerd_undate(int storefd, struct error *err) MUST_CHECK;
