/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The network cards of this machine: the interfaces that have a device, in the order of their places on the buses. Proxmox VE puts
 * net0, net1, .. into slots of rising numbers, so the N-th card here is netN, whatever its name is.
 */
#include <stdbool.h>

#include "lib/vec.h"

struct card {
	char *name;  /* owned, as all of these; "ens18" */
	char *mac;   /* in lower case; NULL = could not be read */
	char *place; /* the device's path in sysfs */
};

struct cards {
	VEC(struct card);
};

/* A container's interfaces have no device; there every interface counts, except those made by a bridge or a container runtime. */
void cards_read(int rootfd, bool container, struct cards *ret);
void cards_done(struct cards *cards);
