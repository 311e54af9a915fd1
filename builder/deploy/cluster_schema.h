/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The keys of a cluster file, for documentation; cluster_read.c reads them. */
#include "lib/schema.h"

extern const struct schema cluster_schema;
