/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Between the files that fill struct machine; nobody else includes it. Each fills its own fields and never fails: what is not
 * there stays empty.
 */
#include "agent/machine.h"

#define MACHINE_IMAGE_FILE "etc/nodekiln/image.json" /* what the builder says of this image */

/* The whole of a small file below the root, or NULL. */
char *machine_text(int rootfd, const char *path) MUST_CHECK;
/* The same without white space at its ends; NULL also when nothing is left. */
char *machine_word(int rootfd, const char *path) MUST_CHECK;

void machine_container(int rootfd,
		       struct machine *m); /* machine_container.c: what its host lets it do; after the software */
void machine_identity(int rootfd, struct machine *m); /* machine_identity.c: uuid, macs, address, ports */
void machine_software(int rootfd, struct machine *m); /* machine_software.c: kubeadm, runtime, image, leftovers */
