/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One apt repository that a recipe names beside the distribution's own. A flat one has suite "/" and no components.
 */
#include "lib/text.h"

struct repository {
	char *url, *suite; /* owned, as all */
	struct strings components;
	char *key_url, *keyring; /* where its armored key is fetched from, or a file; the other is NULL */
	char *key_fingerprint;   /* 40 hex digits; apt accepts only signatures by this key */
};
