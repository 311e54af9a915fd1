/* SPDX-License-Identifier: Apache-2.0 */
/* A template's notes, which anybody may have edited: what is read from them is written so that it reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/publish/publish_notes.h"
#include "builder/pve/pve_tags.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *notes = xstrndup((const char *)data, size);
	CLEANUP(publish_notes_done) struct publish_notes p = { 0 }, back = { 0 };

	publish_notes_is_file(notes, "debian-12", ".qcow2");
	pve_tags_has(notes, "a;b");
	if (!publish_notes_parse(notes, KEY, &p))
		return 0;
	if (p.good)
		abort();
	CLEANUP(free_p) char *written = publish_notes_print(&p, KEY, notes);
	CLEANUP(free_p) char *again = publish_notes_print(&p, KEY, written);
	if (strcmp(written, again) != 0)
		abort();
	/* Written again it may exceed the limit; then it is not parsed as a copy. */
	if (!publish_notes_parse(written, KEY, &back))
		return 0;
	if (!back.good || p.vmid != back.vmid || p.ready != back.ready || strcmp(p.image, back.image) != 0 ||
	    strcmp(p.sha256, back.sha256) != 0)
		abort();
	return 0;
}
