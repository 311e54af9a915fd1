/* SPDX-License-Identifier: Apache-2.0 */
/* What cloud-init hands over, in its three forms: whatever the text is, no reader falls, and no secret comes out of meta-data. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/config_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_tree(struct yaml *tree)
{
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct error err = { 0 };

	if (tree && node_config_read(tree, &node, &err) < 0 && !*err.text)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const readers[])(const char *, const char *, size_t, struct yaml **, struct error *) = {
		config_source_instance_data,
		config_source_meta_data,
		config_source_user_data,
	};

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		struct yaml *tree = NULL;
		struct error err = { 0 };

		if (readers[i]("fuzz", (const char *)data, size, &tree, &err) < 0) {
			if (tree || !*err.text)
				abort();
			continue;
		}
		if (tree && readers[i] != config_source_user_data && node_config_holds_secrets(tree))
			abort();
		read_tree(tree);
	}
	return 0;
}
