/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The keys of a target file, for documentation; target_read.c reads them. */
#include "lib/schema.h"

extern const struct schema target_schema;
