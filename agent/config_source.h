/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reads the node's configuration: NODE_CONFIG_FILE, else the file NODE_CONFIG_SEED of the volume labelled cidata,
 * merged over the map `nodekiln:` of cloud-init's meta-data (ds.meta_data.nodekiln in
 * /run/cloud-init/instance-data.json). The volume is found with libblkid and mounted read-only. Nothing copies
 * NODE_CONFIG_SEED onto the root disk: secrets belong there. Without cloud-init (not installed, or disabled for this
 * boot) the volume also replaces what cloud-init would have read: its meta-data's `nodekiln:` map, and the file
 * NODE_CONFIG_FILE among the write_files of its user-data or vendor-data.
 *
 * NODE_CONFIG_FILE must belong to root, and no other user may be able to write it. When it holds secrets and
 * other users can read it, the agent makes it private and logs a warning. A missing `permissions` in
 * write_files is therefore not fatal: on a first boot no other user was logged in to read the file.
 */
#include "lib/node_config.h"

enum config_source_answer {
	CONFIG_SOURCE_NONE, /* no configuration: this guest is not meant to be a node */
	CONFIG_SOURCE_LATER, /* cloud-init is still running and may write a configuration, or the file that overrides it */
	CONFIG_SOURCE_FOUND,
};
/* Returns a config_source_answer, or -1. */
int config_source_read(const char *root, struct node_config *ret, struct error *err) MUST_CHECK;
/* What the volume at that directory holds. alone: there is no cloud-init, so its files are read as well. ret_base
 * and ret_over stay as they are where nothing is found. */
int config_source_volume(int volume, bool alone, struct yaml **ret_base, struct yaml **ret_over, struct error *err)
	MUST_CHECK;
/* The pure parts of config_source_read(), public for tests and fuzzing. *ret is NULL when the
 * document holds no configuration; file is for messages. */
/* instance-data.json; secrets are refused. */
int config_source_instance_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
	MUST_CHECK;
/* A volume's meta-data; secrets are refused. */
int config_source_meta_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
	MUST_CHECK;
/* A volume's user-data or vendor-data: NODE_CONFIG_FILE in the write_files of a #cloud-config. Other kinds of
 * user-data hold no configuration. */
int config_source_user_data(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
	MUST_CHECK;
