/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: anything is read or refused; what is read can be spoken of. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/pve/roles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(target_done) struct target target = { 0 };
	CLEANUP(text_done) struct text roles = { 0 };
	struct error err = { 0 };

	if (target_parse("fuzz", (const char *)data, size, &target, &err) < 0)
		return err.class == ERROR_INPUT ? 0 : (abort(), 0);
	if (!target.nodes.n || !target.bridge)
		abort();
	for (size_t i = 0; i < target.nodes.n; i++)
		for (size_t k = 0; k < TARGET_STORAGES; k++)
			if (!target.nodes.at[i].storages.at[k])
				abort();
	roles_print(&target, 9, &roles);
	/* The commands are typed into a shell: nothing in a target may end a quoted word. */
	for (const char *line = roles.data; (line = strstr(line, "pveum acl modify /")); line++)
		if (strcspn(line, "`$;&|<>\\\"") < strcspn(line, "\n"))
			abort();
	return 0;
}
