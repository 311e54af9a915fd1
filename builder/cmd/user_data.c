/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cmd/user_data.h"

#include "builder/recipe/recipe.h"
#include "builder/seed/seed_user_data.h"
#include "lib/alloc.h"
#include "lib/log.h"

#define CLOUD_CFG "rootfs-overlays/vm/etc/cloud/cloud.cfg.d/90_nodekiln.cfg"

int user_data_warn(const char *file, const struct text *text, bool keys, struct error *err)
{
	CLEANUP(strings_done) struct strings found = { 0 };
	CLEANUP(free_p) char *modules = xasprintf("%s/" CLOUD_CFG, data_directory());
	const struct seed_user_data given = { file, text, modules, keys };

	if (seed_user_data_check(&given, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.n; i++)
		log_warning("%s", found.at[i]);
	return 0;
}
