/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where dpkg's database stands in a tree, and what a layer keeps aside until it is joined with its base. For tree*.c.
 */
#include "lib/error.h"

#define DPKG "var/lib/dpkg"
#define DPKG_INFO DPKG "/info"
#define DPKG_STATUS DPKG "/status"
#define DPKG_TRIGGERS DPKG "/triggers"

/* A layer's own stanzas and interests (dpkgdb_interests): the base has files of dpkg's names, and these must not hide them. */
#define LAYER_STATUS DPKG "/layer-status"
#define LAYER_INTERESTS DPKG "/layer-interests"

#define TRIGGERS_MAX (16u << 20)

/* Puts text behind what a file has, if it is there. */
int tree_append(int rootfd, const char *path, const char *text, struct error *err) MUST_CHECK;
/* Adds "TRIGGER ID" lines to triggers/File and triggers/TRIGGER. */
int tree_add_interests(int rootfd, const char *interests, struct error *err) MUST_CHECK;
