/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Makes guests that exist the guests of a cluster because the user names them by VMID (deploy --adopt NODE=VMID): their
 * notes get a signed line, and they are recorded. For clusters of versions that did not sign, and after the file of secrets
 * was lost or is an old copy.
 */
#include "builder/deploy/deploy_session.h"

/* Before anything is written, each guest is looked at, and guests that claim to be of a cluster that was not deployed with
 * these secrets must all be named. Does nothing without --adopt. said: one line for each guest in a dry run. */
int deploy_adopt(struct deploy_session *job, struct text *said, struct error *err) MUST_CHECK;
/* The word of a guest that is not ours: "--adopt cp1=101". */
char *deploy_adopt_word(const struct deploy_guest *g) MUST_CHECK;
