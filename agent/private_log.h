/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What kubectl, the API server and other programs said when they failed. kubectl quotes Secrets, so their words go neither
 * into the journal nor into the state nor into notes, but into a file that only root reads, on a tmpfs: PRIVATE_LOG_FILE, 0600,
 * at most PRIVATE_LOG_MAX bytes, the newest.
 */
#include "lib/error.h"

#define PRIVATE_LOG_FILE "/run/nodekiln/private.log"
#define PRIVATE_LOG_MAX (64 << 10)

/* Adds one line: the time, the error's text and its private text. Does nothing when there is none. */
void private_log(const char *root, const struct error *err);
