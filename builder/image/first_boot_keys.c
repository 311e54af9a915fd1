/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/first_boot_keys.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/image/first_boot_keys_internal.h"
#include "builder/image/sysprep.h"
#include "builder/tree/tree_database.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

#define WANTS "etc/systemd/system/sysinit.target.wants"
#define SCRIPT ".postinst"
#define DATABASE_MAX (64u << 20)

static size_t directory_length(const char *path)
{
	return (size_t)(strrchr(path, '/') - path);
}

static bool has_line(const char *text, const char *line, size_t len)
{
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (!strncmp(at, line, len) && (at[len] == '\n' || !at[len]))
			return true;
	return false;
}

enum first_boot_match first_boot_keys_match(const char *path, const char *list, const char *script)
{
	size_t len = directory_length(path);
	CLEANUP(free_p) char *directory = xstrndup(path, len);

	if (strstr(script, path))
		return MATCH_PATH;
	/* A directory of all packages, such as /etc, explains nothing. */
	if (!len || !strchr(directory + 1, '/'))
		return MATCH_NONE;
	if (strstr(script, directory))
		return MATCH_NAMED_DIRECTORY;
	return has_line(list, directory, len) ? MATCH_DIRECTORY : MATCH_NONE;
}

char *first_boot_keys_instance(const char *package)
{
	CLEANUP(text_done) struct text name = { 0 };

	for (; *package; package++)
		if (isalnum((unsigned char)*package) || *package == ':' || (*package == '.' && name.len))
			text_addn(&name, package, 1);
		else
			text_addf(&name, "\\x%02x", (unsigned char)*package);
	return text_take(&name);
}

/* The script of one package, compared with each file; the first of equals stays. */
static int match_package(int rootfd, const char *package, struct found_keys *found, struct error *err)
{
	CLEANUP(free_p) char *script_path = xasprintf(DPKG_INFO "/%s" SCRIPT, package);
	CLEANUP(free_p) char *list_path = xasprintf(DPKG_INFO "/%s.list", package);
	CLEANUP(text_done) struct text script = { 0 }, list = { 0 };

	if (!file_exists_in(rootfd, script_path))
		return 0;
	if (file_read_in(rootfd, script_path, DATABASE_MAX, &script, err) < 0 ||
	    file_read_in(rootfd, list_path, DATABASE_MAX, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < found->n; i++) {
		struct found_key *k = &found->at[i];
		enum first_boot_match match =
			first_boot_keys_match(k->path, list.len ? list.data : "", script.len ? script.data : "");
		if (match <= k->match)
			continue;
		free(k->package);
		k->package = xstrdup(package);
		k->match = match;
	}
	return 0;
}

/* A public key is made with its private key, by the same script; one of others stays. */
static void join_pairs(struct found_keys *found)
{
	for (size_t i = 0; i < found->n; i++) {
		struct found_key *k = &found->at[i];
		const struct found_key *pair = k->kind == FOUND_PUBLIC_KEY ? found_keys_pair(found, k) : NULL;
		if (k->kind != FOUND_PUBLIC_KEY)
			continue;
		free(k->package);
		k->kind = pair ? FOUND_PUBLIC_KEY : FOUND_NOTHING;
		k->package = pair ? xstrdup_or_null(pair->package) : NULL;
		k->what = "is of a private key that was made with the image";
	}
}

/* What other users may read is removed only where a script surely makes it again: it could be configuration. */
static bool is_sealed(const struct found_key *k)
{
	return k->kind && k->kind != FOUND_LINK && (k->kind != FOUND_PUBLIC_NAME || k->match >= MATCH_NAMED_DIRECTORY);
}

static int remove_key(int rootfd, const struct found_key *k, struct error *err)
{
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, k->path, false, &base);

	if (parent < 0 || (unlinkat(parent, base, 0) < 0 && errno != ENOENT))
		return error_errno(err, errno, "remove %s", k->path);
	return 0;
}

static int enable_unit(int rootfd, const char *package, struct error *err)
{
	CLEANUP(free_p) char *instance = first_boot_keys_instance(package);
	CLEANUP(free_p) char *link = xasprintf(WANTS "/nodekiln-keys@%s.service", instance);
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, link, true, &base);

	if (parent < 0 || (symlinkat("/" FIRST_BOOT_KEYS_UNIT, parent, base) < 0 && errno != EEXIST))
		return error_errno(err, errno, "create /%s", link);
	return 0;
}

/* The note of one package, with all its files. */
static int write_note(int rootfd, const struct found_keys *found, const char *package, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf(FIRST_BOOT_KEYS "/%s", package);
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < found->n; i++)
		if (text_same(found->at[i].package, package) && is_sealed(&found->at[i]))
			text_addf(&text, "%s\n", found->at[i].path);
	if (file_write_in(rootfd, path, text.data, text.len, 0644, err) < 0)
		return -1;
	return enable_unit(rootfd, package, err);
}

static bool is_by_rule(const char *path)
{
	for (size_t i = 0; i < sysprep_rules_count; i++)
		if (sysprep_rules[i].action == SYSPREP_ABSENT && sysprep_concerns(&sysprep_rules[i], path))
			return true;
	return false;
}

static int seal_key(int rootfd, const struct found_keys *found, const struct found_key *k, bool can_make,
		    struct error *err)
{
	if (!is_sealed(k))
		return 0;
	if (remove_key(rootfd, k, err) < 0)
		return -1;
	if (k->package && can_make)
		return write_note(rootfd, found, k->package, err);
	if (!is_by_rule(k->path))
		log_warning("%s %s, and was removed: each guest must have its own; %s", k->path, k->what,
			    k->package ? "the overlay `common` has the unit that would make it at the first boot"
				       : "no package's script makes it, so a unit or the seed must");
	return 0;
}

/* Whether a link is to a certificate that was removed, and leads nowhere now. */
static bool is_left_alone(int rootfd, const struct found_keys *found, const struct found_key *link)
{
	for (size_t i = 0; i < found->n; i++)
		if (found->at[i].kind == FOUND_PUBLIC_KEY && text_ends(found->at[i].path, link->target) &&
		    !file_exists_in(rootfd, found->at[i].path))
			return true;
	return false;
}

static int remove_links(int rootfd, const struct found_keys *found, struct error *err)
{
	for (size_t i = 0; i < found->n; i++)
		if (found->at[i].kind == FOUND_LINK && is_left_alone(rootfd, found, &found->at[i]) &&
		    remove_key(rootfd, &found->at[i], err) < 0)
			return -1;
	return 0;
}

int first_boot_keys_seal(int rootfd, struct error *err)
{
	CLEANUP(found_keys_done) struct found_keys found = { 0 };
	CLEANUP(strings_done) struct strings packages = { 0 };
	bool can_make = file_exists_in(rootfd, FIRST_BOOT_KEYS_UNIT);

	if (first_boot_keys_find(rootfd, &packages, &found, err) < 0)
		return -1;
	for (size_t i = 0; found.n && i < packages.n; i++)
		if (match_package(rootfd, packages.at[i], &found, err) < 0)
			return -1;
	join_pairs(&found);
	for (size_t i = 0; i < found.n; i++)
		if (seal_key(rootfd, &found, &found.at[i], can_make, err) < 0)
			return error_wrap(err, "seal");
	return remove_links(rootfd, &found, err);
}
