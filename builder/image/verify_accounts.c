/* SPDX-License-Identifier: Apache-2.0 */
/* Checks passwd(5), group(5) and gshadow(5); sysprep_check.c has shadow(5). */
#include <stdlib.h>
#include <string.h>

#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/text.h"

#define ACCOUNTS_MAX (1 << 20)
#define FIELDS 4 /* of a line that are looked at */

/* Members of these can become root: by su or sudo, by the container runtime, by the raw disks, by the hashes. */
static const char *const privileged_groups[] = { "root", "sudo", "wheel",  "admin", "docker", "containerd", "lxd",
						 "disk", "kmem", "shadow", "kvm",   "adm",    "staff" };

/* Cuts the next line with a name into its fields, "" for those that it lacks. False at the end. */
static bool next_line(char **rest, char *field[FIELDS])
{
	static char none[] = "";
	char *line;

	while ((line = strsep(rest, "\n"))) {
		for (size_t i = 0; i < FIELDS; i++) {
			char *value = line ? strsep(&line, ":") : NULL;
			field[i] = value ? value : none;
		}
		if (*field[0] && *field[0] != '#')
			return true;
	}
	return false;
}

/* Of passwd and group: `x` says that the hash is in the shadow file, `*` and `!` lock. */
static bool is_locked(const char *password)
{
	return *password && (!strcmp(password, "x") || strspn(password, "*!") == strlen(password));
}

static void check_password(struct verify *v, const char *file, const char *name, const char *password)
{
	if (!is_locked(password))
		faults_add(&v->faults, FAULT_PASSWORD, file, "%s: %s has %s; every account of an image must be locked",
			   file, name, *password ? "a password hash" : "an empty password");
}

char *verify_account(struct verify *v, uint32_t uid)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error ignored = { 0 };
	char *field[FIELDS];
	int rc = verify_read(v, "/etc/passwd", ACCOUNTS_MAX, &text, &ignored);

	for (char *rest = text.data; rc > 0 && next_line(&rest, field);)
		if (strtoul(field[2], NULL, 10) == uid)
			return xstrdup(field[0]);
	return NULL;
}

static int check_passwd(struct verify *v, struct error *err)
{
	static const char file[] = "/etc/passwd";
	CLEANUP(text_done) struct text text = { 0 };
	char *field[FIELDS];
	int rc = verify_read(v, file, ACCOUNTS_MAX, &text, err);

	for (char *rest = text.data; rc > 0 && next_line(&rest, field);) {
		check_password(v, file, field[0], field[1]);
		/* Readers of the file use strtoul(3) or atoi(3): "00" and "x" are 0, and so is 2^32 where it is cut. */
		unsigned long uid = strtoul(field[2], NULL, 10);
		if (strcmp(field[0], "root") != 0 && (uint32_t)uid == 0)
			faults_add(&v->faults, FAULT_ROOT_ACCOUNT, file,
				   "%s: %s has the user id 0: it is root by another name; remove the account", file,
				   field[0]);
	}
	return rc < 0 ? -1 : 0;
}

static bool is_privileged(const char *group, const char *gid)
{
	for (size_t i = 0; i < ARRAY_SIZE(privileged_groups); i++)
		if (!strcmp(group, privileged_groups[i]))
			return true;
	return strtoul(gid, NULL, 10) == 0;
}

static int check_group(struct verify *v, struct error *err)
{
	static const char file[] = "/etc/group";
	CLEANUP(text_done) struct text text = { 0 };
	char *field[FIELDS];
	int rc = verify_read(v, file, ACCOUNTS_MAX, &text, err);

	for (char *rest = text.data; rc > 0 && next_line(&rest, field);) {
		/* An empty password of a group lets no user in: newgrp(1) then asks for membership. */
		if (*field[1])
			check_password(v, file, field[0], field[1]);
		if (*field[3] && is_privileged(field[0], field[2]))
			faults_add(
				&v->faults, FAULT_PRIVILEGED_GROUP, file,
				"%s: %s is in the group %s, whose members can become root; give this to nodes by their "
				"seed",
				file, field[3], field[0]);
	}
	return rc < 0 ? -1 : 0;
}

static int check_gshadow(struct verify *v, struct error *err)
{
	static const char file[] = "/etc/gshadow";
	CLEANUP(text_done) struct text text = { 0 };
	char *field[FIELDS];
	int rc = verify_read(v, file, ACCOUNTS_MAX, &text, err);

	for (char *rest = text.data; rc > 0 && next_line(&rest, field);)
		if (*field[1])
			check_password(v, file, field[0], field[1]);
	return rc < 0 ? -1 : 0;
}

int verify_accounts(struct verify *v, struct error *err)
{
	if (check_passwd(v, err) < 0 || check_group(v, err) < 0)
		return -1;
	return check_gshadow(v, err);
}
