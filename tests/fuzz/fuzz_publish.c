/* SPDX-License-Identifier: Apache-2.0 */
/* A template's notes, which anybody may have edited: what is read from them is written so that it reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/publish/publish_notes.h"
#include "builder/pve/pve_tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *notes = xstrndup((const char *)data, size);
	CLEANUP(publish_notes_done) struct publish_notes p = { 0 }, back = { 0 };

	publish_notes_is_file(notes, "debian-12", ".qcow2");
	pve_tags_has(notes, "a;b");
	if (!publish_notes_parse(notes, &p))
		return 0;
	CLEANUP(free_p) char *written = publish_notes_print(&p, notes);
	CLEANUP(free_p) char *again = publish_notes_print(&p, written);
	if (strcmp(written, again) != 0)
		abort();
	/* Written again it may exceed the limit; then it is not parsed as a copy. */
	if (!publish_notes_parse(written, &back))
		return 0;
	if (p.vmid != back.vmid || p.ready != back.ready || strcmp(p.image, back.image) != 0 ||
	    strcmp(p.sha256, back.sha256) != 0)
		abort();
	return 0;
}
