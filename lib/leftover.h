/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A file that is made before it has any content, and that is removed when a signal ends the program until then. There is one at a time.
 */

/* NULL = none. The path is copied; one that is too long is none. */
void leftover_set(const char *path);
/* For signal handlers. */
void leftover_remove(void);
