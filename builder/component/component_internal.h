/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The stages of component_load(), in this order. Only component*.c and their tests include this header.
 *
 *	file -> component_read (every section of the file) -> component_choose (version and source) -> component_check
 */
#include "builder/component/component.h"

#define COMPONENT_NAME_MAX 63

/* component_read.c: fills the struct from the file's tree. Unknown keys are errors. ret_parts[0]: the part of a recipe of any
 * source, ret_parts[1 + SOURCE]: of a source; owned by the caller, NULL when the file has none. */
int component_read(struct yaml *tree, struct component *ret, struct yaml *ret_parts[1 + COMPONENT_SOURCES],
		   struct error *err) MUST_CHECK;
/* component.c: sets version and source. wanted: as in component_load(). */
int component_choose(struct yaml *wanted, struct component *c, struct error *err) MUST_CHECK;
/* component_check.c: every rule beyond the kind of a single value. The tree provides file and line. */
int component_check(const struct component *c, const struct yaml *tree, struct error *err) MUST_CHECK;
/* component_expand.c: false when the text has a brace that does not begin a placeholder. */
bool component_text_is_valid(const char *text);
