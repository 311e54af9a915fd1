/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A program that holds secrets leaves no copy of its memory: no core dump, of itself or of its children, and no other process
 * of the same user reads its memory or attaches to it. Call it before the first secret is read.
 */
void core_dump_disable(void);
