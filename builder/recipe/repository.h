/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One apt repository that a recipe uses in addition to the distribution's. A flat repository has suite "/" and no components.
 */
#include <stdbool.h>

#include "lib/text.h"

struct repository {
	char *url, *suite; /* owned, as all fields */
	struct strings components;
	char *key_url, *keyring; /* URL of its armored key, or a keyring file; the other is NULL */
	char *key_fingerprint;   /* 40 hex digits; apt accepts only signatures by this key */
	bool expired;            /* as of the distribution */
};
