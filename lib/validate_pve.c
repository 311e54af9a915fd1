/* SPDX-License-Identifier: Apache-2.0 */
/* Validators for Proxmox VE's rules. */
#include <ctype.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/text.h"
#include "lib/validate.h"
#include "lib/validate_internal.h"

bool pve_url_is_valid(const char *s)
{
	static const char scheme[] = "https://";

	/* No path: the client appends its own. */
	return text_starts(s, scheme) && endpoint_is_valid(s + strlen(scheme));
}

bool pve_node_is_valid(const char *s)
{
	return validate_alnum(s[0]) && validate_chars(s, ALNUM "-") && strlen(s) <= LABEL_MAX && !text_ends(s, "-");
}

bool pve_region_is_valid(const char *s)
{
	return validate_alnum(s[0]) && validate_chars(s, ALNUM "-_.") && strlen(s) <= LABEL_MAX;
}

/* USER@REALM!NAME. PVE takes every character but white space, ':' and '/' in USER, '@' and '!' among them: realms of mail addresses have
 * such users. */
bool pve_token_id_is_valid(const char *s)
{
	const char *bang = strrchr(s, '!'), *at = bang ? memrchr(s, '@', (size_t)(bang - s)) : NULL;

	if (!at || at == s || !isalpha((unsigned char)bang[1]) || !validate_chars(bang + 1, ALNUM "-_."))
		return false;
	CLEANUP(free_p) char *realm = xstrndup(at + 1, (size_t)(bang - at - 1));
	for (const char *c = s; c < at; c++)
		if (!isgraph((unsigned char)*c) || strchr(":/", *c))
			return false;
	return validate_alnum(realm[0]) && validate_chars(realm, ALNUM "-_.");
}
