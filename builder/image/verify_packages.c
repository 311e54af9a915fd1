/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the files of packages with the digests in dpkg's database: info/NAME.md5sums has those of programs and data, the field
 * Conffiles of status those of the configuration. MD5 does not protect from a package that is hostile itself, whose database would
 * say what it likes; it finds what was changed after the packages were installed. */
#include <string.h>

#include "builder/image/verify.h"
#include "builder/lock/dpkg_status.h"
#include "builder/tree/dpkgdb.h"
#include "lib/alloc.h"
#include "lib/hash.h"
#include "lib/text.h"

#define STATUS "/var/lib/dpkg/status"
#define SUMS ".md5sums"
#define MD5_DIGITS (MD5_HEX - 1)
#define FILE_MAX (1ull << 30) /* of one file of a package */

/* Files that steps of the build, or packages' scripts, change on purpose. */
static const char *const changed_by_design[] = {
	"/usr/lib/os-release", /* names the image */
	"/etc/sudoers.d/README",
};

static bool is_by_design(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(changed_by_design); i++)
		if (!strcmp(path, changed_by_design[i]))
			return true;
	return false;
}

/* A file that an overlay replaced, or a link or directory in its place, is the build's. */
static int check_file(struct verify *v, const char *path, const char *md5, struct error *err)
{
	CLEANUP(text_done) struct text content = { 0 };
	const struct image_entry *e;
	char got[MD5_HEX];
	int found = image_stat(v->image, path, &e, err);
	const struct origin *origin = found > 0 ? origins_find(&v->origins, e) : NULL;

	if (found <= 0 || !S_ISREG(e->mode) || !origin || !origin->package || is_by_design(e->path))
		return found < 0 ? -1 : 0;
	if (e->size <= FILE_MAX && image_read_part(v->image, e, 0, (size_t)e->size, &content, err) < 0)
		return -1;
	md5_hex(content.len ? content.data : "", content.len, got);
	if (e->size > FILE_MAX || strcmp(got, md5) != 0)
		faults_add(&v->faults, FAULT_CHANGED_FILE, e->path,
			   "%s is not as the package %s has it; it was changed after the packages were installed",
			   e->path, origin->package);
	return 0;
}

/* "MD5  usr/bin/su" */
static int check_sums(void *verify, const struct image_entry *e, struct error *err)
{
	struct verify *v = verify;
	CLEANUP(text_done) struct text text = { 0 };
	char *rest, *line;

	if (!text_starts(e->path, ORIGIN_INFO) || !text_ends(e->path, SUMS) || !S_ISREG(e->mode))
		return 0;
	if (image_read(v->image, e->path, ORIGIN_FILE_MAX, &text, err) < 0)
		return -1;
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		if (strspn(line, "0123456789abcdef") != MD5_DIGITS || strncmp(line + MD5_DIGITS, "  ", 2) != 0)
			continue;
		line[MD5_DIGITS] = '\0';
		CLEANUP(free_p) char *path = xasprintf("/%s", line + MD5_DIGITS + 2);
		if (check_file(v, path, line, err) < 0)
			return -1;
	}
	return 0;
}

/* " /etc/pam.conf MD5", one a line; "obsolete" or "remove-on-upgrade" may follow. A missing file has the digest "newconffile". */
static int check_conffiles(struct verify *v, char *conffiles, struct error *err)
{
	char *rest = conffiles, *line;

	while ((line = strsep(&rest, "\n"))) {
		const char *path = strtok(line, " "), *md5 = path ? strtok(NULL, " ") : NULL;
		if (md5 && strlen(md5) == MD5_DIGITS && !strtok(NULL, " ") && check_file(v, path, md5, err) < 0)
			return -1;
	}
	return 0;
}

int verify_packages(struct verify *v, struct error *err)
{
	CLEANUP(text_done) struct text status = { 0 };
	int rc = verify_read(v, STATUS, DPKG_STATUS_MAX, &status, err);

	if (rc == 0)
		faults_add(&v->faults, FAULT_ORIGIN, STATUS,
			   "%s is missing; without it, it cannot be known where files are from", STATUS);
	for (const char *p = status.data; rc > 0 && p && *p; p = dpkgdb_next(p)) {
		CLEANUP(free_p) char *conffiles = dpkgdb_field(p, "Conffiles");
		if (conffiles && check_conffiles(v, conffiles, err) < 0)
			return -1;
	}
	return rc < 0 ? -1 : image_walk(v->image, check_sums, v, err);
}
