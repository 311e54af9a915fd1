/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's notes, which anybody may have written: nothing in them is signed by a key that their writer does not have, and a
 * line that is made of what was read reads back as good. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/pve/note.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define WORD "nodekiln-deploy"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *notes = xstrndup((const char *)data, size);
	CLEANUP(note_done) struct note note = { 0 }, back = { 0 }, changed = { 0 };

	if (!note_parse(notes, WORD, &note))
		return 0;
	if (note_check(&note, KEY) || note_check(&note, NULL))
		abort();
	if (!json_is_object(note.fields) || !json_key(note.fields, 0))
		return 0;
	CLEANUP(free_p) char *line = note_make(WORD, note.fields, KEY);
	CLEANUP(free_p) char *written = note_replace(notes, WORD, line);
	/* Signed it may exceed the limit, and it has two macs when the line had one: the last is the one that counts. */
	if (!note_parse(written, WORD, &back))
		return 0;
	if (!note_check(&back, KEY))
		abort();
	written[strstr(written, line) - written + (ptrdiff_t)(size % strlen(line))] ^= 1;
	if (note_parse(written, WORD, &changed) && note_check(&changed, KEY))
		abort();
	return 0;
}
