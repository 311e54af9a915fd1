/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The keys of a component's file, for documentation; component_read.c reads them. */
#include "lib/schema.h"

extern const struct schema component_schema;
