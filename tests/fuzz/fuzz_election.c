/* SPDX-License-Identifier: Apache-2.0 */
/* The records that other guests may have written into their tags and notes: the election is decided for any of them, and what it
 * says to follow can be followed. One record in a line: a letter (odd = running), the tags, a tab, the notes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/election.h"
#include "lib/alloc.h"
#include "lib/vec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CANDIDATES_MAX 12
#define VMID_FIRST 100

static void add(struct candidates *all, long vmid, char *record)
{
	struct candidate c = { .vmid = vmid, .running = *record & 1 };
	char *tags = *record ? record + 1 : record, *notes = strchr(tags, '\t');

	if (notes)
		*notes++ = '\0';
	node_record_parse(tags, notes, &c.member);
	vec_push(all, c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const claims[] = { "init", "join" };
	CLEANUP(candidates_done) struct candidates all = { 0 };
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size);
	char *rest = text, *record;

	for (long vmid = VMID_FIRST; (record = strsep(&rest, "\n")) && all.n < CANDIDATES_MAX; vmid++)
		add(&all, vmid, record);
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
		for (long own = VMID_FIRST - 1; own < VMID_FIRST + 3; own++) {
			const struct candidate *other = NULL;
			enum election_move move = election_decide(&all, own, claims[i], &other);
			bool needs = move == ELECTION_BACK_OFF || move == ELECTION_WAIT || move == ELECTION_FOLLOW;
			if (needs && !other)
				abort();
		}
	return 0;
}
