/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever calls itself a .deb, read to its end; nothing is written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/archive/deb.h"
#include "builder/archive/extract.h"
#include "builder/tree/dpkgdb.h"
#include "builder/tree/unpack.h"

#define BYTES_MAX (4u << 20) /* a small input may unpack to very much */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_control(const struct deb *deb)
{
	CLEANUP(dpkgdb_done) struct dpkgdb_package p = { 0 };
	CLEANUP(strings_done) struct strings conffiles = { 0 };
	CLEANUP(text_done) struct text interests = { 0 }, stanza = { 0 };
	const char *control = deb_control(deb, "control");
	const char *list = deb_control(deb, "conffiles"), *triggers = deb_control(deb, "triggers");
	struct error err = { 0 };

	if (dpkgdb_parse(control, &p, &err) < 0)
		return;
	dpkgdb_stanza(control, "", &stanza);
	dpkgdb_replaces(&p, &p);
	if ((list && dpkgdb_conffiles(list, &conffiles, &err) < 0) ||
	    (triggers && dpkgdb_interests(triggers, p.name, &interests, &err) < 0))
		return;
	/* A stanza is one paragraph, whatever the control file held. */
	if (dpkgdb_next(stanza.data))
		abort();
}

static void read_member(struct tar_reader *r, const struct tar_entry *e, size_t *total)
{
	char path[TAR_PATH_MAX + 1], merged[TAR_PATH_MAX + 1];
	struct error err = { 0 };
	const void *block;
	size_t n;
	off_t offset;

	if (extract_path(e->path, path, &err) == 0) {
		if (*path == '/' || strstr(path, "//"))
			abort();
		unpack_merge_usr(path, merged);
	}
	while (*total < BYTES_MAX && tar_read_data(r, &block, &n, &offset, &err) > 0)
		*total += n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(deb_done) struct deb deb = { 0 };
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	const struct tar_entry *e;
	struct error err = { 0 };
	size_t total = 0;

	if (deb_open(data, size, "fuzz", &deb, &err) < 0)
		return 0;
	read_control(&deb);
	if (deb_data(&deb, &r, &err) < 0)
		return 0;
	while (total < BYTES_MAX && tar_read_next(r, &e, &err) > 0)
		read_member(r, e, &total);
	return 0;
}
