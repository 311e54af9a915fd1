/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A seed: the files of cloud-init's NoCloud data source, and the ISO (labelled cidata) that brings them. What is made here never
 * lies in a file: genisoimage reads it from memory, and the ISO comes back in memory.
 */
#include "lib/error.h"
#include "lib/text.h"

struct seed {
	const char
		*directory; /* borrowed; holds user-data and meta-data, maybe network-config and vendor-data; NULL = */
	const char *hostname;          /* borrowed; made from these; NULL = none */
	struct strings keys;           /* ssh public keys, one line each */
	const char *instance_id;       /* borrowed */
	const char *user_data;         /* borrowed; instead of what hostname and keys make; NULL = that */
	const char *cni_bridge_config; /* borrowed; NULL = none, which means DHCP */
};

/* Pure; names and keys are judged: ERROR_USAGE. */
int seed_user_data(const struct seed *seed, struct text *ret, struct error *err) MUST_CHECK;
int seed_meta_data(const struct seed *seed, struct text *ret, struct error *err) MUST_CHECK;

/* Reads the keys of an id_*.pub or authorized_keys file: lines that are neither empty nor comments. */
int seed_read_keys(const char *file, struct strings *ret, struct error *err) MUST_CHECK;
/* The ISO's bytes. In it, what is made here belongs to root and nobody else may read it. */
int seed_iso(const struct seed *seed, struct text *ret, struct error *err) MUST_CHECK;
