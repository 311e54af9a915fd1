/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/text.h"

/* A new text: what an older error quoted does not belong to it. */
PRINTF(2, 0) static void set_text(struct error *err, const char *fmt, va_list ap)
{
	err->private.text[0] = '\0';
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	text_make_printable(err->text);
}

int error_set(struct error *err, enum error_class class, const char *fmt, ...)
{
	va_list ap;

	err->class = class;
	va_start(ap, fmt);
	set_text(err, fmt, ap);
	va_end(ap);
	return -1;
}

int error_errno(struct error *err, int errnum, const char *fmt, ...)
{
	bool full = errnum == ENOSPC || errnum == EDQUOT;
	va_list ap;

	err->class = full ? ERROR_SPACE : ERROR_FAILED;
	va_start(ap, fmt);
	set_text(err, fmt, ap);
	va_end(ap);
	size_t n = strlen(err->text);
	snprintf(err->text + n, sizeof err->text - n, ": %s%s", strerror(errnum),
		 full ? "; free some space and try again" : "");
	return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	struct error inner = *err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	size_t n = strlen(err->text);
	snprintf(err->text + n, sizeof err->text - n, ": %s", inner.text);
	text_make_printable(err->text);
	return -1;
}

int error_quote(struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->private.text, sizeof err->private.text, fmt, ap);
	va_end(ap);
	text_make_printable(err->private.text);
	return -1;
}

char *error_full(const struct error *err)
{
	return xasprintf("%s%s%s", err->text, *err->private.text ? ": " : "", err->private.text);
}
