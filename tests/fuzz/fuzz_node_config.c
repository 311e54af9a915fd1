/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two node configurations, with a line "%%" between them: the second is put over the first, then the whole is read and checked.
 * What passes must read back from what is printed of it; no message may hold what the canary marks as secret.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/node_config.h"

#define SECRET "c0ffee.c0ffeec0ffeec0ff"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct error *err)
{
	if (!strstr(err->text, SECRET))
		return;
	puts(err->text);
	abort();
}

static struct yaml *parse(const char *text, size_t len)
{
	struct yaml *tree = NULL;
	struct error err = { 0 };

	if (node_config_parse("fuzz.yaml", text, len, &tree, &err) < 0)
		check_message(&err);
	return tree;
}

static struct yaml *merged(const char *text, size_t len)
{
	static const char separator[] = "\n%%\n";
	const char *found = memmem(text, len, separator, strlen(separator));
	CLEANUP(yaml_node_free_p) struct yaml *base = parse(text, found ? (size_t)(found - text) : len);
	struct yaml *over;
	struct error err = { 0 };

	if (!base || !found)
		return TAKE(base);
	if (node_config_refuse_secrets(base, &err) < 0)
		check_message(&err);
	found += strlen(separator);
	over = parse(found, len - (size_t)(found - text));
	if (over)
		node_config_merge(base, over);
	return TAKE(base);
}

static int read_printed(const struct text *printed, struct node_config *ret, struct error *err)
{
	struct yaml *tree;

	return node_config_parse("printed", printed->data, printed->len, &tree, err) < 0
		       ? -1
		       : node_config_read(tree, ret, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml *tree = merged((const char *)data, size);
	CLEANUP(node_config_done) struct node_config node = { 0 };
	CLEANUP(node_config_done) struct node_config again = { 0 };
	CLEANUP(text_done) struct text first = { 0 };
	CLEANUP(text_done) struct text second = { 0 };
	struct error err = { 0 };

	if (!tree)
		return 0;
	if (node_config_read(tree, &node, &err) < 0) {
		check_message(&err);
		return 0;
	}
	node_config_print(&node, true, &first);
	if (read_printed(&first, &again, &err) < 0) {
		puts(err.text);
		abort();
	}
	node_config_print(&again, true, &second);
	if (!text_same(first.data, second.data))
		abort();
	return 0;
}
