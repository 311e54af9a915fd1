/* SPDX-License-Identifier: Apache-2.0 */
/* Files that cloud-init writes for networkd, with names that a seed chooses. A card that is found is one of the machine's, and none is
 * both found and absent. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/card_match.h"
#include "lib/alloc.h"
#include "lib/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[][8] = { "ens18", "eth7" };
	struct card at[] = { { .name = name[0] }, { .name = name[1] } };
	const struct cards cards = { .at = at, .n = ARRAY_SIZE(at) };
	CLEANUP(free_p) char *network = xstrndup((const char *)data, size);
	const struct card *found = card_match_find(&cards, network);
	CLEANUP(free_p) char *absent = card_match_absent(&cards, network);

	if ((found && (found < at || found >= at + ARRAY_SIZE(at))) || (found && absent))
		abort();
	return 0;
}
