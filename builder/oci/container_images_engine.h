/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The interface of a runtime for container_images.c, which starts the daemon, imports every archive, and ends the
 * daemon. All of this runs inside the sandbox, where / is the tree, and /run and /tmp are removed afterwards. Each
 * engine is in a file of its own.
 */
#include <sys/types.h>

#include "builder/sandbox/sandbox.h"
#include "lib/error.h"

struct container_images_engine {
	const char *name;
	const char *store; /* absolute */
	mode_t mode;       /* of the store, as the daemon itself would make it */
	enum sandbox_rights rights;
	char *const *argv;  /* of the daemon */
	const char *socket; /* made by the daemon */
	/* Optional except import. */
	int (*prepare)(struct error *err); /* before the daemon starts */
	int (*answers)(struct error *err); /* 0 when its store is open; NULL: the existence of the socket is enough */
	int (*import)(const char *archive, struct error *err); /* an absolute path inside */
	int (*finish)(struct error *err);                      /* after the imports, while the daemon still runs */
	/* After the daemon has ended: removes what belongs to one machine or one run. */
	int (*settle)(struct error *err);
};

extern const struct container_images_engine container_images_containerd, container_images_docker;

/* container_images_docker_names.c: replaces the random names of layers, in a store that no dockerd uses, by
 * derived ones. */
int container_images_docker_rename(int storefd, struct error *err) MUST_CHECK;
/* container_images_containerd_dates.c: makes the databases the same for the same images, whenever and on
 * whatever file system they were made. */
int container_images_containerd_undate(int storefd, struct error *err) MUST_CHECK;
