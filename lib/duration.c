/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/duration.h"

#include <stdio.h>
#include <string.h>

#include "lib/macro.h"

/* From long to short; a text uses each unit at most once and in this order. */
static const struct {
	char letter;
	long seconds;
} units[] = { { 'd', 24 * 3600 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

static bool parse_number(const char **text, long *ret)
{
	size_t n = strspn(*text, "0123456789");
	long number = 0;

	if (n < 1 || n > 9)
		return false;
	for (; n > 0; n--)
		number = number * 10 + (*(*text)++ - '0');
	*ret = number;
	return true;
}

bool duration_parse(const char *text, long *ret_seconds)
{
	size_t unit = 0;
	long total = 0, number;

	if (!strcmp(text, "0")) {
		*ret_seconds = 0;
		return true;
	}
	do {
		if (!parse_number(&text, &number))
			return false;
		while (unit < ARRAY_SIZE(units) && units[unit].letter != *text)
			unit++;
		if (unit == ARRAY_SIZE(units) || number > (DURATION_MAX - total) / units[unit].seconds)
			return false;
		total += number * units[unit++].seconds;
	} while (*++text);
	*ret_seconds = total;
	return true;
}

const char *duration_text(long seconds, char buffer[DURATION_TEXT])
{
	int n = 0;

	if (seconds == 0)
		return strcpy(buffer, "0s");
	/* Go's parser has no days: start at hours. */
	for (size_t i = 1; i < ARRAY_SIZE(units); i++) {
		if (seconds >= units[i].seconds)
			n += snprintf(buffer + n, DURATION_TEXT - (size_t)n, "%ld%c", seconds / units[i].seconds,
				      units[i].letter);
		seconds %= units[i].seconds;
	}
	return buffer;
}
