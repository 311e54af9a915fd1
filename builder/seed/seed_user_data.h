/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a user's cloud-config asks for and a node does not do: keys that cloud-init of the images does not carry out
 * (lib/cloud_config.h), and users that cannot log in. A seed with it is made all the same, with warnings.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

struct seed_user_data {
	const char *file;        /* borrowed; its name in messages; NULL = there is no cloud-config of the user's */
	const struct text *text; /* borrowed */
	const char *cloud_cfg;   /* borrowed; the file of cloud.cfg.d with the images' modules */
	bool keys;               /* ssh keys are given apart from it */
};

/* Appends a sentence per finding. A text that is no cloud-config has none. */
int seed_user_data_check(const struct seed_user_data *given, struct strings *ret, struct error *err) MUST_CHECK;
