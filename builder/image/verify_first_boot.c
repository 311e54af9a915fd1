/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the notes of first_boot_keys.h: a guest removes the files that they name, and runs a package's script as root. */
#include <string.h>

#include "builder/image/first_boot_keys.h"
#include "builder/image/verify.h"
#include "lib/alloc.h"

#define NOTES "/" FIRST_BOOT_KEYS "/"
#define WANTS "/etc/systemd/system/sysinit.target.wants/nodekiln-keys@"

/* Whether the entry exists; a broken image counts as one that lacks it. */
static bool has(struct verify *v, const char *path)
{
	const struct image_entry *e;
	struct error ignored = { 0 };

	return image_stat(v->image, path, &e, &ignored) > 0;
}

static void check_package(struct verify *v, const struct image_entry *note, const char *package)
{
	CLEANUP(free_p) char *script = xasprintf(ORIGIN_INFO "%s.postinst", package);
	CLEANUP(free_p) char *instance = first_boot_keys_instance(package);
	CLEANUP(free_p) char *link = xasprintf(WANTS "%s.service", instance);

	if (!has(v, script))
		faults_add(&v->faults, FAULT_UNKNOWN_PROGRAM, note->path, "%s names a package without a script: %s",
			   note->path, package);
	if (!has(v, "/" FIRST_BOOT_KEYS_UNIT) || !has(v, link))
		faults_add(&v->faults, FAULT_UNIT, note->path,
			   "%s has files that no unit makes at the first boot: %s is missing", note->path, link);
}

static int check_note(void *verify, const struct image_entry *e, struct error *err)
{
	struct verify *v = verify;
	CLEANUP(text_done) struct text text = { 0 };
	char *line;

	if (!text_starts(e->path, NOTES) || !S_ISREG(e->mode))
		return 0;
	if (image_read(v->image, e->path, FIRST_BOOT_KEYS_MAX, &text, err) < 0)
		return -1;
	check_package(v, e, e->path + strlen(NOTES));
	for (char *rest = text.data; (line = strsep(&rest, "\n"));)
		if (*line && (*line != '/' || has(v, line)))
			faults_add(&v->faults, FAULT_UNKNOWN_PROGRAM, e->path,
				   "%s names %s, which is in the image, and a guest would remove it", e->path, line);
	return 0;
}

int verify_first_boot(struct verify *v, struct error *err)
{
	return image_walk(v->image, check_note, v, err);
}
