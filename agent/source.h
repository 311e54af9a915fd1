/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where the node's configuration comes from: NODE_CONFIG_FILE over the map `nodekiln:` of cloud-init's meta-data
 * (ds.meta_data.nodekiln in /run/cloud-init/instance-data.json). Without cloud-init (not installed, or disabled for this boot) and
 * without NODE_CONFIG_FILE, the volume labelled cidata is found with libblkid and mounted read-only with libmount: its meta-data's
 * `nodekiln:` map, and the file NODE_CONFIG_FILE among the write_files of its user-data or vendor-data.
 */
#include "lib/node.h"

enum source_answer {
	SOURCE_NONE,  /* there is none: this guest is not meant to be a node */
	SOURCE_LATER, /* cloud-init is still at work and may bring one */
	SOURCE_FOUND,
};
/* Returns a source_answer, or -1. */
int source_read(const char *root, struct node *ret, struct error *err) MUST_CHECK;
/* Parts, pure, for tests and fuzzing: instance-data.json, and cloud-config of a volume. *ret is NULL when nothing is in it. */
int source_instance_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
	MUST_CHECK;
int source_user_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err) MUST_CHECK;
