/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lengths of time as people write them, in whole seconds: "24h", "1h30m", "90s", "7d", "0". A bare number other than 0 is
 * refused: nobody knows which unit it has.
 */
#include <stdbool.h>

#define DURATION_MAX (10L * 365 * 24 * 3600)
#define DURATION_TEXT 32

bool duration_parse(const char *text, long *ret_seconds);
/* As Go and kubeadm read it ("24h", "1h30m", "0s"), into buffer. */
const char *duration_text(long seconds, char buffer[DURATION_TEXT]);
