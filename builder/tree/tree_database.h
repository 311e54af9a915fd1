/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Paths of dpkg's database in a tree, and the files in which a layer saves its part of the database until
 * tree_join_status(). For tree*.c.
 */
#include "lib/error.h"

#define DPKG "var/lib/dpkg"
#define DPKG_INFO DPKG "/info"
#define DPKG_STATUS DPKG "/status"
#define DPKG_TRIGGERS DPKG "/triggers"

/* A layer's status stanzas and trigger interests (dpkgdb_interests). Under dpkg's own names they would hide the base's
 * files. */
#define LAYER_STATUS DPKG "/layer-status"
#define LAYER_INTERESTS DPKG "/layer-interests"

#define TRIGGERS_MAX (16u << 20)

/* Appends text to a file, which is created if it does not exist. */
int tree_append(int rootfd, const char *path, const char *text, struct error *err) MUST_CHECK;
/* Adds "TRIGGER ID" lines to triggers/File and triggers/TRIGGER. */
int tree_add_interests(int rootfd, const char *interests, struct error *err) MUST_CHECK;
