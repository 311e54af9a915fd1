/* SPDX-License-Identifier: Apache-2.0 */
/* Advisories come from a URL or a directory of the user's. What is accepted has an id, and its events are versions in order. */
#include <stdint.h>

#include "builder/golang/go_version.h"
#include "builder/golang/osv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(osv_done) struct osv osv = { 0 };
	struct error err = { 0 };
	const char *fixed;

	if (osv_parse("fuzz", (const char *)data, size, &osv, &err) < 0) {
		if (err.class != ERROR_INPUT || !err.text[0])
			__builtin_trap();
		return 0;
	}
	if (!osv.id || !*osv.id)
		__builtin_trap();
	for (size_t i = 0; i < osv.ranges.n; i++) {
		const struct osv_range *range = &osv.ranges.at[i];
		for (size_t k = 0; k < range->events.n; k++) {
			if (!go_version_is_valid(range->events.at[k].version))
				__builtin_trap();
			if (k && go_version_compare(range->events.at[k - 1].version, range->events.at[k].version) > 0)
				__builtin_trap();
			if (osv_concerns(&osv, range->module, range->events.at[k].version, &fixed) && fixed &&
			    go_version_compare(fixed, range->events.at[k].version) <= 0)
				__builtin_trap();
		}
	}
	return 0;
}
