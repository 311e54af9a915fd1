/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Loads, makes and saves the layers of a build and the base's compressed chunks. Most are jobs, in this order;
 * build_graph.c has their dependencies.
 */
#include "builder/pipeline/build.h"

/* The group of the lock that a layer consists of; LOCK_GROUPS: none. */
enum lock_group build_layer_group(enum build_layer layer);
/* The layer below this one: the layer of the parent of its group; LAYERS: none. */
enum build_layer build_layer_under(enum build_layer layer);

/* Unpacks the layers that are in the cache into the scratch directory. */
int build_layers_load(struct build *b, struct error *err) MUST_CHECK;
int build_layers_base(struct build *b, struct error *err) MUST_CHECK;
int build_layers_configure_base(struct build *b, struct error *err) MUST_CHECK;
int build_layers_unpack(struct build *b, enum build_layer layer, struct error *err) MUST_CHECK;
int build_layers_images(struct build *b, struct error *err) MUST_CHECK;
/* Configures the layer on top of the layers below it, which are configured already. */
int build_layers_configure(struct build *b, enum build_layer layer, struct error *err) MUST_CHECK;
int build_layers_save(struct build *b, enum build_layer layer, struct error *err) MUST_CHECK;
/* Assembles all layers of an artifact at *ret_root (owned by the caller); changes there do not affect the layers. side:
 * LAYER_VM or LAYER_LXC. */
int build_layers_guest(struct build *b, enum build_layer side, char **ret_root, struct error *err) MUST_CHECK;
/* Asks kubeadm in root for the pause image that kubelet will use, into b->pause_image; the runtime must be configured
 * with the same one. */
int build_layers_pause_image(struct build *b, const char *root, struct error *err) MUST_CHECK;

/* Compresses the base's files while dpkg configures them: most of them do not change any more. */
int build_chunks_make(struct build *b, struct error *err) MUST_CHECK;
/* Opens the result, unless b->chunks came from the cache with the base. */
int build_chunks_open(struct build *b, struct error *err) MUST_CHECK;
/* build_chunks_level(): the level that chunks are compressed with. The other: the base's chunks if they have the level
 * wanted, else NULL. */
int build_chunks_level(const struct build *b);
const struct chunks *build_chunks(const struct build *b, enum compression compression, int level);
