/* SPDX-License-Identifier: Apache-2.0 */
/* Placeholders in the texts of a component. */
#include <string.h>

#include "builder/component/component_internal.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/validate.h"

enum placeholder { VERSION, MINOR, MAJOR_NUMBER, MINOR_NUMBER, PATCH_NUMBER, DATE, PLACEHOLDERS };
static const char *const placeholders[] = {
	[VERSION] = "{version}",           [MINOR] = "{minor}",
	[MAJOR_NUMBER] = "{major-number}", [MINOR_NUMBER] = "{minor-number}",
	[PATCH_NUMBER] = "{patch-number}", [DATE] = "{date}",
};

/* The placeholder that the text begins with; PLACEHOLDERS: none. */
static enum placeholder begins_with(const char *text)
{
	enum placeholder p = VERSION;

	while (p < PLACEHOLDERS && !text_starts(text, placeholders[p]))
		p++;
	return p;
}

bool component_text_is_valid(const char *text)
{
	for (const char *brace = text; (brace = strchr(brace, '{')); brace++)
		if (begins_with(brace) == PLACEHOLDERS)
			return false;
	return true;
}

static void add_value(enum placeholder p, const char *version, int64_t date, struct text *ret)
{
	int major = 0, minor = 0, patch = -1;
	char buffer[CLOCK_TEXT_MAX];

	if (p == VERSION)
		text_add(ret, version);
	if (p == DATE)
		text_add(ret, clock_text((time_t)date, buffer));
	if (!kubernetes_release_parse(version, &major, &minor, &patch))
		return;
	if (p == MINOR)
		text_addf(ret, "%d.%d", major, minor);
	if (p == MAJOR_NUMBER)
		text_addf(ret, "%d", major);
	if (p == MINOR_NUMBER)
		text_addf(ret, "%d", minor);
	if (p == PATCH_NUMBER && patch >= 0)
		text_addf(ret, "%d", patch);
}

char *component_expand(const char *text, const char *version, int64_t date)
{
	struct text t = { 0 };

	while (*text) {
		enum placeholder p = begins_with(text);
		size_t n = p == PLACEHOLDERS ? 1 + strcspn(text + 1, "{") : strlen(placeholders[p]);

		if (p == PLACEHOLDERS)
			text_addn(&t, text, n);
		else
			add_value(p, version, date, &t);
		text += n;
	}
	return text_take(&t);
}

char *component_minor(const char *version)
{
	return component_expand("{minor}", version, 0);
}
