/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Durations as people write them, in whole seconds: "24h", "1h30m", "90s", "7d", "0". A bare number other than 0 is refused,
 * because its unit is ambiguous.
 */
#include <stdbool.h>

#define DURATION_MAX (10L * 365 * 24 * 3600)
#define DURATION_TEXT 32

/* False for any other text and beyond DURATION_MAX; *ret_seconds is then unchanged. */
bool duration_parse(const char *text, long *ret_seconds);
/* As Go and kubeadm read it ("24h", "1h30m", "0s"), into buffer, which it returns. */
const char *duration_text(long seconds, char buffer[DURATION_TEXT]);
