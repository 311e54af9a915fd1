/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/login.h"
#include "lib/yaml.h"

int yaml_take_url(struct yaml *map, const char *key, char **ret, struct error *err)
{
	const struct yaml *found = yaml_find(map, key);
	struct error why = { 0 };

	if (yaml_take_string(map, key, ret, err) < 0)
		return -1;
	if (login_split(ret, key, &why) < 0)
		return yaml_error(found, err, "%s", why.text);
	return 0;
}
