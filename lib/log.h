/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Messages to people, on stderr, one line each: control characters, which may come from outside, are replaced. errno is kept. The levels are named as in syslog(3); `debug` needs --verbose.
 */
#include <stdbool.h>

#include "lib/macro.h"

void log_set_verbose(bool verbose);
bool log_verbose(void);
/* Called before and after each line, so that a progress bar can be erased and redrawn. NULL = nothing. */
void log_set_hooks(void (*before)(void), void (*after)(void));

void log_debug(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_warning(const char *fmt, ...) PRINTF(1, 2);
void log_error(const char *fmt, ...) PRINTF(1, 2);
