/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs the same function in several threads, of which the caller is one. The function must lock the data
 * that its threads share.
 */

/* The number of threads to use: one per usable core when wanted is 0. */
unsigned workers_size(unsigned wanted);
/* Returns when work has returned in all threads. The system may refuse some of the threads: the work is then
 * only slower. */
void workers_run(unsigned threads, void (*work)(void *context), void *context);
