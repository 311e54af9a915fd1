/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Between the files that fill struct facts; nobody else includes it. Each fills its own fields and never fails: what is not
 * there stays empty.
 */
#include "agent/facts.h"

#define FACTS_IMAGE_FILE "etc/nodekiln/image.json" /* what the builder says of this image */

/* The whole of a small file below the root, or NULL. */
char *facts_text(int rootfd, const char *path) MUST_CHECK;
/* The same without white space at its ends; NULL also when nothing is left. */
char *facts_word(int rootfd, const char *path) MUST_CHECK;

void facts_container(int rootfd, struct facts *m); /* facts_container.c: what its host lets it do; after the software */
void facts_identity(int rootfd, struct facts *m);  /* facts_identity.c: uuid, macs, address, ports */
void facts_software(int rootfd, struct facts *m);  /* facts_software.c: kubeadm, runtime, image, leftovers */
