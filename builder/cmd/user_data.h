/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Warnings about a user's cloud-config: builder/seed/seed_user_data.h with the modules that our images run. */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

/* file: the name of text in messages; NULL = there is none. keys: ssh keys are given apart from it. */
int user_data_warn(const char *file, const struct text *text, bool keys, struct error *err) MUST_CHECK;
