/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is accepted as a lock must be written so that it is accepted again, as the same text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/lock/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct lock *lock, struct text *ret)
{
	CLEANUP(json_free_p) struct json *json = lock_json(lock);

	json_print(json, true, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(lock_done) struct lock lock = { 0 }, back = { 0 };
	CLEANUP(text_done) struct text first = { 0 }, second = { 0 };
	struct error err = { 0 };

	if (lock_parse("fuzz", (const char *)data, size, &lock, &err) < 0)
		return 0;
	print(&lock, &first);
	if (lock_parse("fuzz", first.data, first.len, &back, &err) < 0)
		abort();
	print(&back, &second);
	if (strcmp(first.data, second.data) != 0)
		abort();
	return 0;
}
