/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The layers of a build on their way, and the base's compressed chunks. For jobs, in this order; build_graph.c has who needs whom.
 */
#include "builder/pipeline/build.h"

/* What is in the cache comes into the scratch. */
int build_layers_load(struct build *b, struct error *err) MUST_CHECK;
int build_layers_base(struct build *b, struct error *err) MUST_CHECK;
int build_layers_configure_base(struct build *b, struct error *err) MUST_CHECK;
int build_layers_unpack(struct build *b, enum build_layer layer, struct error *err) MUST_CHECK;
int build_layers_images(struct build *b, struct error *err) MUST_CHECK;
/* Upon those under it, which are configured. */
int build_layers_configure(struct build *b, enum build_layer layer, struct error *err) MUST_CHECK;
int build_layers_save(struct build *b, enum build_layer layer, struct error *err) MUST_CHECK;
/* All of an artifact's layers, to be changed at will, stand at *ret_root (owned by the caller). side: LAYER_VM or LAYER_LXC. */
int build_layers_guest(struct build *b, enum build_layer side, char **ret_root, struct error *err) MUST_CHECK;
/* kubeadm itself, in root, says which pause image its kubelet will ask for; the runtime must be told the same one. */
int build_layers_pause_image(struct build *b, const char *root, struct error *err) MUST_CHECK;

/* Compresses the base's files, most of which are what they will be, beside dpkg. */
int build_chunks_make(struct build *b, struct error *err) MUST_CHECK;
/* What that made, or what came with the base from the cache, into b->chunks. */
int build_chunks_open(struct build *b, struct error *err) MUST_CHECK;
/* The level that chunks are compressed with, and those of the base when that is the level wanted. */
int build_chunks_level(const struct build *b);
const struct chunks *build_chunks(const struct build *b, enum compression compression, int level);
