/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Container images as one archive: an OCI image layout (OCI image specification 1.0) plus docker's manifest.json, so
 * that both `ctr images import` and `docker load` accept it. Blobs are named by their sha256, so images with the same
 * layer share it. The same input gives the same bytes.
 *
 *	index.json -> manifest -> config, layers			all in blobs/sha256/
 */
#include <stdint.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/text.h"

#define OCI_LAYERS_MAX 2

/* A blob of the layout. */
struct oci_blob {
	char digest[72]; /* "sha256:HEX" */
	int64_t size;
};

/* One image to pack: up to two layers, the base below the program. */
struct oci_image {
	const char *reference;           /* "k8s.gcr.io/pause:3.2" */
	const char *architecture;        /* the name that Debian and Go share: "amd64" */
	const char *base;                /* absolute path of a tree, NULL = none */
	const char *const *base_without; /* NULL-ended paths in base to leave out, without leading "/"; may be NULL */
	const char *program;             /* absolute path of a static program, NULL = none */
	const char *program_path;        /* its absolute path inside the image */
	const char *const *entrypoint;   /* NULL-ended */
	int64_t epoch;                   /* of the created field and all mtimes */
};

/* Writes the layouts into scratch (absolute path of an empty directory, not cleaned up) and the archive to fd. */
int oci_write(const struct oci_image *images, size_t n, const char *scratch, int fd, struct error *err) MUST_CHECK;

/* The documents (pure). Layers are uncompressed here, so a layer's digest is also its diff id. */
struct json *oci_config(const struct oci_image *image, const struct oci_blob *layer, size_t layers) MUST_CHECK;
struct json *oci_manifest(const struct oci_blob *config, const struct oci_blob *layer, size_t layers) MUST_CHECK;
struct json *oci_index_entry(const struct oci_image *image, const struct oci_blob *manifest) MUST_CHECK;
struct json *oci_docker_entry(const struct oci_image *image, const struct oci_blob *config,
			      const struct oci_blob *layer, size_t layers) MUST_CHECK;
