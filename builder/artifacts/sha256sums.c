/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/artifacts/sha256sums.h"

#include <stdio.h>
#include <string.h>

#include "lib/hash.h"

#define HEX_DIGITS (SHA256_HEX - 1)

static struct sha256sums_line *find(const struct sha256sums *s, const char *name)
{
	for (size_t i = 0; i < s->line.n; i++)
		if (!strcmp(s->line.at[i].name, name))
			return &s->line.at[i];
	return NULL;
}

void sha256sums_set(struct sha256sums *s, const char *name, const char *sha256)
{
	struct sha256sums_line *sum = find(s, name);

	if (!sum) {
		vec_push(&s->line, (struct sha256sums_line){ .name = xstrdup(name) });
		sum = &s->line.at[s->line.n - 1];
	}
	snprintf(sum->sha256, sizeof sum->sha256, "%s", sha256);
}

void sha256sums_drop(struct sha256sums *s, const char *name)
{
	struct sha256sums_line *sum = find(s, name);

	if (!sum)
		return;
	free(sum->name);
	*sum = s->line.at[--s->line.n];
}

const char *sha256sums_find(const struct sha256sums *s, const char *name)
{
	const struct sha256sums_line *sum = find(s, name);

	return sum ? sum->sha256 : NULL;
}

/* "HEX  NAME", or "HEX *NAME" as `sha256sum --binary` writes it. */
static void parse_line(char *line, struct sha256sums *s)
{
	if (strspn(line, "0123456789abcdef") != HEX_DIGITS || line[HEX_DIGITS] != ' ')
		return;
	if (!strchr(" *", line[HEX_DIGITS + 1]) || strlen(line) < HEX_DIGITS + 3)
		return;
	line[HEX_DIGITS] = '\0';
	sha256sums_set(s, line + HEX_DIGITS + 2, line);
}

void sha256sums_parse(const char *text, struct sha256sums *ret)
{
	CLEANUP(free_p) char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		parse_line(line, ret);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct sha256sums_line *)a)->name, ((const struct sha256sums_line *)b)->name);
}

void sha256sums_print(const struct sha256sums *s, struct text *ret)
{
	if (s->line.n > 1)
		qsort(s->line.at, s->line.n, sizeof *s->line.at, compare);
	for (size_t i = 0; i < s->line.n; i++)
		text_addf(ret, "%s  %s\n", s->line.at[i].sha256, s->line.at[i].name);
}

void sha256sums_done(struct sha256sums *s)
{
	for (size_t i = 0; i < s->line.n; i++)
		free(s->line.at[i].name);
	vec_done(&s->line);
}
