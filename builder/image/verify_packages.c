/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the files of packages with the digests in dpkg's database: info/NAME.md5sums has those of programs and data, the field
 * Conffiles of status those of the configuration. MD5 does not protect from a package that is hostile itself, whose database would
 * say what it likes; it finds what was changed after the packages were installed. */
#include <string.h>

#include "builder/image/sysprep.h"
#include "builder/image/verify.h"
#include "builder/lock/dpkg_status.h"
#include "builder/tree/dpkgdb.h"
#include "lib/alloc.h"
#include "lib/hash.h"
#include "lib/text.h"

#define STATUS "/var/lib/dpkg/status"
#define SUMS ".md5sums"
#define MD5_DIGITS (MD5_HEX - 1)
#define CHUNK (1u << 20) /* bytes that are read at once */

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

/* Removed on purpose: by sysprep's rules, or since a container has no kernel. */
static bool is_left_out(const struct verify *v, const char *path)
{
	for (size_t i = 0; i < sysprep_rules_count; i++)
		if (sysprep_concerns(&sysprep_rules[i], path))
			return true;
	for (size_t i = 0; image_kind(v->image) == IMAGE_TARBALL && sysprep_container_lacks[i]; i++) {
		size_t len = strlen(sysprep_container_lacks[i]);
		if (!strncmp(path + 1, sysprep_container_lacks[i], len) && path[1 + len] == '/')
			return true;
	}
	return false;
}

static int md5_of(struct verify *v, const struct image_entry *e, char ret_hex[MD5_HEX], struct error *err)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new_md5();
	CLEANUP(text_done) struct text part = { 0 };

	for (uint64_t from = 0; from < e->size; from += part.len) {
		part.len = 0;
		if (image_read_part(v->image, e, from, CHUNK, &part, err) < 0)
			return -1;
		if (!part.len)
			return error_set(err, ERROR_FAILED, "%s ends too early", e->path);
		hash_add(h, part.data, part.len);
	}
	hash_md5_hex(h, ret_hex);
	return 0;
}

static void not_as_packaged(struct verify *v, const char *path, const char *how, const char *package, const char *what)
{
	faults_add(&v->faults, FAULT_CHANGED_FILE, path,
		   "%s %s the package %s has it; it was %s after the packages were installed", path, how, package,
		   what);
}

/* What an overlay or a step of the build has put there, or a diversion, is not the package's. */
static int check_file(struct verify *v, const char *package, const char *path, const char *md5, struct error *err)
{
	const struct image_entry *e;
	char got[MD5_HEX];
	int found = image_stat(v->image, path, &e, err);
	const struct origin *origin = found > 0 ? origins_find(&v->origins, e) : NULL;

	if (found < 0)
		return -1;
	if (!found && !is_left_out(v, path) && !origins_diverted(&v->origins, path))
		not_as_packaged(v, path, "is missing, but", package, "removed");
	if (!found || !origin || !origin->package || is_by_design(e->path))
		return 0;
	if (!S_ISREG(e->mode)) {
		not_as_packaged(v, e->path, "is not a file, as", package, "replaced");
		return 0;
	}
	if (md5_of(v, e, got, err) < 0)
		return -1;
	if (strcmp(got, md5) != 0)
		not_as_packaged(v, e->path, "is not as", package, "changed");
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
	const char *name = e->path + strlen(ORIGIN_INFO);
	CLEANUP(free_p) char *package = xstrndup(name, strlen(name) - strlen(SUMS));
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		if (strspn(line, "0123456789abcdef") != MD5_DIGITS || strncmp(line + MD5_DIGITS, "  ", 2) != 0)
			continue;
		line[MD5_DIGITS] = '\0';
		CLEANUP(free_p) char *path = xasprintf("/%s", line + MD5_DIGITS + 2);
		if (check_file(v, package, path, line, err) < 0)
			return -1;
	}
	return 0;
}

/* " /etc/pam.conf MD5", one a line; "obsolete" or "remove-on-upgrade" may follow. A missing file has the digest "newconffile". */
static int check_conffiles(struct verify *v, const char *package, char *conffiles, struct error *err)
{
	char *rest = conffiles, *line;

	while ((line = strsep(&rest, "\n"))) {
		const char *path = strtok(line, " "), *md5 = path ? strtok(NULL, " ") : NULL;
		if (md5 && strlen(md5) == MD5_DIGITS && !strtok(NULL, " ") &&
		    check_file(v, package, path, md5, err) < 0)
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
		CLEANUP(free_p) char *package = dpkgdb_field(p, "Package");
		if (conffiles && package && check_conffiles(v, package, conffiles, err) < 0)
			return -1;
	}
	return rc < 0 ? -1 : image_walk(v->image, check_sums, v, err);
}
