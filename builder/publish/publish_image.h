/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `publish` carries: the artifacts of one build, as its manifest (NAME.manifest.json, beside them) names them. The manifest's
 * digests go to Proxmox VE with the files, which checks what arrives: so each file is read once, while it is sent.
 */
#include <stdint.h>

#include "lib/error.h"
#include "lib/hash.h"

#define PUBLISH_VM 1u /* parts of an image */
#define PUBLISH_CT 2u

struct publish_file {
	char *path;   /* owned; NULL = this image has no such artifact, or nobody wants it */
	char *volume; /* owned; its name in a storage: STEM.qcow2, STEM.tar.zst */
	uint64_t size;
	char sha256[SHA256_HEX];
};

struct publish_image {
	char *name, *version;        /* owned */
	char *description, *warning; /* owned; NULL = none */
	char *stem;                  /* owned; of the VM's files, or the container's when there is no VM */
	struct publish_file vm, ct;
	uint64_t stored; /* guest bytes that the qcow2 holds: what its disk takes at least */
};

/* image: NAME.manifest.json, or any artifact beside it, or just .../NAME. parts: what is wanted of it; an image may have less, but
 * not nothing. ERROR_INPUT when a file is missing or is not what the manifest says. */
int publish_image_load(const char *image, unsigned parts, struct publish_image *ret, struct error *err) MUST_CHECK;
/* Reads a whole file again: ERROR_TRUST when it is not what the manifest says. */
int publish_file_verify(const struct publish_file *file, struct error *err) MUST_CHECK;
void publish_image_done(struct publish_image *image);
