/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Tags of a guest as PVE stores them: separated by ';', ',' or a space; case does not matter. Pure. */
#include <stdbool.h>

/* True when tags contain every tag of wanted, which is joined by ';'. tags NULL = none. */
bool pve_tags_has(const char *tags, const char *wanted);
