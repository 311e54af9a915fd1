/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Small files of the guest, such as those of /proc and /sys, by their paths below the root. One that cannot be read is NULL. */
#include "lib/macro.h"

/* The content; owned by the caller. */
char *guest_text(int rootfd, const char *path) MUST_CHECK;
/* The same, trimmed of white space; NULL also when nothing remains. */
char *guest_word(int rootfd, const char *path) MUST_CHECK;
