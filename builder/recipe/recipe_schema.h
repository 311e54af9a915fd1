/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The keys of a recipe, for documentation; recipe_read.c reads them. */
#include "lib/schema.h"

extern const struct schema recipe_schema;
