/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A few threads that do the same work, the caller being one of them. What is shared, the work function locks itself.
 */

/* One per usable core when wanted is 0. */
unsigned workers_size(unsigned wanted);
/* Returns when all of them have returned. With fewer threads than asked for (the system may refuse) the work is only
 * slower. */
void workers_run(unsigned threads, void (*work)(void *context), void *context);
