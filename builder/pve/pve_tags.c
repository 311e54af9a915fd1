/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_tags.h"

#include <string.h>

static bool has_tag(const char *tags, const char *tag, size_t len)
{
	static const char separators[] = ";, ";

	for (tags += strspn(tags, separators); *tags; tags += strspn(tags, separators)) {
		size_t n = strcspn(tags, separators);
		if (n == len && !strncasecmp(tags, tag, len))
			return true;
		tags += n;
	}
	return false;
}

bool pve_tags_has(const char *tags, const char *wanted)
{
	for (size_t n; *wanted; wanted += n + (wanted[n] == ';')) {
		n = strcspn(wanted, ";");
		if (!has_tag(tags ? tags : "", wanted, n))
			return false;
	}
	return true;
}
