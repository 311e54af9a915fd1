/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The artifacts of one build, as named by its manifest NAME.manifest.json in the same directory. Their
 * digests are sent to PVE with the files, and PVE checks them: so each file is read only once, while it is
 * sent.
 */
#include <stdint.h>

#include "lib/error.h"
#include "lib/hash.h"

#define PUBLISH_VM 1u /* parts of an image */
#define PUBLISH_CT 2u

struct publish_file {
	char *path;   /* owned; NULL = the image has no such artifact, or it is not wanted */
	char *volume; /* owned; its name in a storage: STEM.qcow2, STEM.tar.zst */
	uint64_t size;
	char sha256[SHA256_HEX];
};

struct publish_image {
	char *name, *version;        /* owned */
	char *description, *warning; /* owned; NULL = none */
	char *stem;                  /* owned; of the VM's files, or the container's when there is no VM */
	struct publish_file vm, ct;
	uint64_t stored; /* allocated guest bytes of the qcow2: the least that its disk will use */
};

/* image: NAME.manifest.json, an artifact in its directory, or DIRECTORY/NAME. parts: those that are
 * wanted; the image must have at least one of them. ERROR_INPUT when a file is missing, ERROR_TRUST when
 * its size is not the manifest's. keyring: NULL, or SHA256SUMS must be signed by one of its keys and have the
 * manifest's digest and those of the artifacts, else ERROR_TRUST. */
int publish_image_load(const char *image, unsigned parts, const char *keyring, struct publish_image *ret,
		       struct error *err) MUST_CHECK;
/* Reads the whole file: ERROR_TRUST when its digest is not the manifest's. */
int publish_file_verify(const struct publish_file *file, struct error *err) MUST_CHECK;
void publish_image_done(struct publish_image *image);
