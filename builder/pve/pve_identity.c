/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_identity.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The value of a key in "a=b,key=value,..". */
static char *value_of(const char *list, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = list; at && *at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, key, n) != 0 || at[n] != '=')
			continue;
		char *value = xstrndup(at + n + 1, strcspn(at + n + 1, ","));
		for (char *c = value; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		return value;
	}
	return NULL;
}

char *pve_identity(const struct json *config, enum pve_kind kind)
{
	return kind == PVE_LXC ? value_of(json_get_string(config, "net0"), "hwaddr")
			       : value_of(json_get_string(config, "smbios1"), "uuid");
}
