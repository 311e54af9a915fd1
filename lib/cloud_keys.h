/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keys at the top of a cloud-config, with the module of cloud-init that carries each out: from cloud-init's schema
 * (config/schemas/schema-cloud-config-v1.json, versions 22.4 of Debian 12 and 25.1 of Debian 13) and what its modules read in addition.
 */
#include <stdbool.h>

struct cloud_key {
	const char *name;   /* with underscores; cloud-config may have dashes */
	const char *module; /* with dashes; NULL: cloud-init itself, always */
	const char *advice; /* for a node of nodekiln, when it is not carried out or does harm; "" = none */
	bool harmful;       /* what the module does hinders a node */
};

extern const struct cloud_key cloud_keys[]; /* ends with a row without a name */
