/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of whatever text; a tree equals itself. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(yaml_node_free_p) struct yaml *root = NULL;
	struct error err = { 0 };

	if (yaml_parse("fuzz", (const char *)data, size, &root, &err) < 0)
		return 0;
	if (!yaml_same(root, root))
		abort();
	if (root->children && root->kind == YAML_MAP && yaml_check_all_taken(root, &err) == 0)
		abort();
	return 0;
}
