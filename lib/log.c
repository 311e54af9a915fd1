/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/text.h"

static bool verbose;
static void (*hook_before)(void), (*hook_after)(void);

void log_set_verbose(bool on)
{
	verbose = on;
}

bool log_verbose(void)
{
	return verbose;
}

void log_set_hooks(void (*before)(void), void (*after)(void))
{
	hook_before = before;
	hook_after = after;
}

/* One write(2) a line, so that lines of parallel jobs never mix. */
PRINTF(2, 0) static void log_line(const char *level, const char *fmt, va_list ap)
{
	int saved = errno;
	CLEANUP(free_p) char *text = xvasprintf(fmt, ap);
	text_make_printable(text);
	CLEANUP(free_p) char *line = xasprintf("%s%s\n", level, text);

	if (hook_before)
		hook_before();
	/* A failure of stderr cannot be reported. */
	if (write_all(STDERR_FILENO, line, strlen(line)) < 0)
		errno = 0;
	if (hook_after)
		hook_after();
	errno = saved;
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	log_line("debug: ", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("", fmt, ap);
	va_end(ap);
}

void log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("warning: ", fmt, ap);
	va_end(ap);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("error: ", fmt, ap);
	va_end(ap);
}
