/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SIGINT, SIGTERM and SIGHUP: the program says what it leaves, and ends by the signal, as shells expect; as process 1 of a container it exits
 * with 128 and the signal's number.
 */
#include "lib/job.h"

/* From now on such a signal removes what is empty (lib/leftover.h), writes "interrupted: WORDS" and ends the program. words: static. */
void interrupt_say(const char *words);
/* Runs fn in a job, which such a signal kills with all of its processes; then tidy runs in another one, which further signals do not
 * disturb, the words are written, and the program ends by the signal. */
int interrupt_run(job_fn *fn, job_fn *tidy, void *context, const char *words, struct error *err) MUST_CHECK;
