/* SPDX-License-Identifier: Apache-2.0 */
/* Until when a component's minor versions are supported. */
#include <string.h>

#include "builder/component/component.h"
#include "lib/alloc.h"
#include "lib/clock.h"

#define DAY (24 * 60 * 60)

static const struct component_minor *find_minor(const struct component *c, const char *version)
{
	CLEANUP(free_p) char *minor = component_minor(version);

	for (size_t i = 0; i < c->minors.n; i++)
		if (strcmp(c->minors.at[i].minor, minor) == 0)
			return &c->minors.at[i];
	return NULL;
}

int64_t component_end_of_life(const struct component *c, const char *version)
{
	const struct component_minor *m = find_minor(c, version);

	return m ? m->end_of_life : 0;
}

char *component_life_warning(const struct component *c, const char *version, int64_t now)
{
	const struct component_minor *m = find_minor(c, version);
	CLEANUP(free_p) char *minor = component_minor(version);
	char text[CLOCK_TEXT_MAX];

	if (!m && c->minors.n > 0)
		return xasprintf("%s does not say until when %s %s is supported; look at the project's calendar",
				 c->file, c->name, minor);
	if (!m || !m->end_of_life || now < m->end_of_life + DAY)
		return NULL;
	clock_text((time_t)m->end_of_life, text);
	return xasprintf("%s %s has had no fixes since its end of life on %.10s; choose a newer one, e.g. with "
			 "--set components.%s=VERSION",
			 c->name, minor, text, c->name);
}

bool component_fit(struct component *c, const char *other, const char *minor)
{
	if (strcmp(c->version, COMPONENT_AUTO) != 0)
		return false;
	for (size_t i = 0; i < c->fits.n; i++) {
		const struct component_fit *f = &c->fits.at[i];

		if (strcmp(f->component, other) != 0 || strcmp(f->minor, minor) != 0)
			continue;
		free(c->version);
		c->version = xstrdup(f->version);
		return true;
	}
	return false;
}
