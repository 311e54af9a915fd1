/* SPDX-License-Identifier: Apache-2.0 */
/* Tags on the first line, then notes. Whatever a member is read from them must be written so that it reads back, once and for all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/node_record.h"

#define ROOM_FOR_ALL 1000 /* bytes of input, with which nothing has to be cut */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tags(const struct node_record *m, const char *written)
{
	CLEANUP(free_p) char *again = node_record_tags(m, written);
	CLEANUP(node_record_done) struct node_record back = { 0 };

	if (strcmp(again, written) != 0 || !node_record_tags_same(again, written))
		abort();
	node_record_parse(written, NULL, &back);
	if (!text_same(back.cluster, m->cluster) || back.role != m->role || back.state != m->state)
		abort();
}

static void check_notes(const struct node_record *m, const char *notes, const char *written)
{
	CLEANUP(free_p) char *again = NULL;
	CLEANUP(node_record_done) struct node_record back = { 0 };
	struct error err = { 0 };

	node_record_parse(NULL, written, &back);
	if (strlen(notes) < ROOM_FOR_ALL && !node_record_same(m, &back))
		abort();
	if (node_record_notes(&back, written, &again, &err) < 0 || strcmp(again, written) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size);
	char *end = strchr(text, '\n');
	const char *notes = end ? end + 1 : "";
	CLEANUP(node_record_done) struct node_record m = { 0 };
	CLEANUP(free_p) char *written = NULL;
	struct error err = { 0 };

	if (end)
		*end = '\0';
	node_record_parse(text, notes, &m);
	CLEANUP(free_p) char *tags = node_record_tags(&m, text);
	check_tags(&m, tags);
	if (node_record_notes(&m, notes, &written, &err) < 0)
		return 0;
	check_notes(&m, notes, written);
	return 0;
}
