/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A seed: the files of cloud-init's NoCloud data source, and the ISO (labelled cidata) that carries them. No secret is
 * written to a file: genisoimage reads the files from memory, and the ISO is returned in memory.
 */
#include "lib/error.h"
#include "lib/text.h"

#define SEED_ISO_LABEL "cidata" /* the label that cloud-init and ds-identify look for */

struct seed {
	/* borrowed; has user-data, meta-data and optionally network-config, vendor-data; NULL: they are made from the
	 * fields below */
	const char *directory;
	const char *hostname;    /* borrowed; a host name; NULL = none */
	struct strings keys;     /* ssh public keys, one line each */
	const char *instance_id; /* borrowed */
	const char *node;        /* borrowed; the text of NODE_CONFIG_SEED, which cloud-init never reads; NULL = none */
	const char *user_data;   /* borrowed; instead of one made from hostname and keys; NULL = none */
	const char *network_config; /* borrowed; NULL = none, which means DHCP */
};

/* Pure; checks names and keys: ERROR_USAGE. */
int seed_user_data(const struct seed *seed, struct text *ret, struct error *err) MUST_CHECK;
int seed_meta_data(const struct seed *seed, struct text *ret, struct error *err) MUST_CHECK;

/* A digest of the content: cloud-init runs again when a seed has another. The caller frees it. */
char *seed_instance_id(const struct seed *seed) MUST_CHECK;

/* Reads the keys of an id_*.pub or authorized_keys file: lines that are neither empty nor comments. */
int seed_read_keys(const char *file, struct strings *ret, struct error *err) MUST_CHECK;
/* Makes the ISO, in memory. Its generated files belong to root and are readable only by root. */
int seed_iso(const struct seed *seed, struct text *ret, struct error *err) MUST_CHECK;
