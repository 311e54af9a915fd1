/* SPDX-License-Identifier: Apache-2.0 */
/* Checks rights that a file gives to others: set-user-ID bits, capabilities, write permissions, and what is loaded into every
 * program. */
#include <string.h>

#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/text.h"

#define PRELOAD "/etc/ld.so.preload"
#define CAPABILITY "security.capability="

/* Debian's programs that need another user's rights. A package that is not from here is accepted by the user, by name. */
static const struct known {
	const char *path;
	mode_t bits; /* that it may have; 0: capabilities instead */
} known[] = {
	{ "/usr/bin/at", S_ISUID | S_ISGID },
	{ "/usr/bin/chage", S_ISGID },
	{ "/usr/bin/chfn", S_ISUID },
	{ "/usr/bin/chsh", S_ISUID },
	{ "/usr/bin/crontab", S_ISGID },
	{ "/usr/bin/dotlockfile", S_ISGID },
	{ "/usr/bin/expiry", S_ISGID },
	{ "/usr/bin/fusermount", S_ISUID },
	{ "/usr/bin/fusermount3", S_ISUID },
	{ "/usr/bin/gpasswd", S_ISUID },
	{ "/usr/bin/mount", S_ISUID },
	{ "/usr/bin/newgidmap", S_ISUID },
	{ "/usr/bin/newgrp", S_ISUID },
	{ "/usr/bin/newuidmap", S_ISUID },
	{ "/usr/bin/ntfs-3g", S_ISUID },
	{ "/usr/bin/passwd", S_ISUID },
	{ "/usr/bin/pkexec", S_ISUID },
	{ "/usr/bin/ssh-agent", S_ISGID },
	{ "/usr/bin/su", S_ISUID },
	{ "/usr/bin/sudo", S_ISUID },
	{ "/usr/bin/umount", S_ISUID },
	{ "/usr/bin/wall", S_ISGID },
	{ "/usr/bin/write.ul", S_ISGID },
	{ "/usr/lib/dbus-1.0/dbus-daemon-launch-helper", S_ISUID },
	{ "/usr/lib/openssh/ssh-keysign", S_ISUID },
	{ "/usr/lib/polkit-1/polkit-agent-helper-1", S_ISUID },
	{ "/usr/lib/x86_64-linux-gnu/utempter/utempter", S_ISGID },
	{ "/usr/sbin/mount.cifs", S_ISUID },
	{ "/usr/sbin/mount.nfs", S_ISUID },
	{ "/usr/sbin/unix_chkpwd", S_ISUID | S_ISGID },
	{ "/usr/bin/arping", 0 },
	{ "/usr/bin/clockdiff", 0 },
	{ "/usr/bin/mtr-packet", 0 },
	{ "/usr/bin/ping", 0 },
};

static const struct known *find_known(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].path, path))
			return &known[i];
	return NULL;
}

/* Why a program may not have such rights, NULL when it may. */
static const char *rights_fault(const struct verify *v, const struct image_entry *e, mode_t bits)
{
	const struct origin *origin = origins_find(&v->origins, e);
	const struct known *k = find_known(e->path);

	if (!origin || !origin->package)
		return "no package has it";
	if (!k || (bits ? bits & ~k->bits : k->bits))
		return "its package has it without";
	return NULL;
}

static void check_rights(struct verify *v, const struct image_entry *e)
{
	mode_t bits = S_ISREG(e->mode) ? e->mode & (S_ISUID | S_ISGID) : 0;
	const char *fault = bits ? rights_fault(v, e, bits) : NULL;

	if (fault)
		faults_add(&v->faults, FAULT_SETUID, e->path,
			   "%s has the mode %04o and runs with the rights of %s %u, but %s", e->path,
			   (unsigned)(e->mode & 07777), bits & S_ISUID ? "user" : "group",
			   bits & S_ISUID ? e->uid : e->gid, fault);
	fault = S_ISREG(e->mode) && e->attributes && strstr(e->attributes, CAPABILITY) ? rights_fault(v, e, 0) : NULL;
	if (fault)
		faults_add(&v->faults, FAULT_CAPABILITY, e->path, "%s has capabilities, but %s", e->path, fault);
}

/* Below these, a file that belongs to another user than root lets this user change the system. */
static bool is_system(const char *path)
{
	static const char *const places[] = { "/boot/", "/etc/", "/opt/", "/root/", "/usr/" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (text_starts(path, places[i]))
			return true;
	return false;
}

/* Directories and configuration of a package may belong to the account that is named as the package: munge's /etc/munge, postgres's
 * /etc/postgresql of postgresql-common. */
static bool is_own_account(struct verify *v, const struct image_entry *e)
{
	bool is_program = !S_ISDIR(e->mode) && e->mode & 0111;
	const struct origin *origin = is_program ? NULL : origins_find(&v->origins, e);
	CLEANUP(free_p) char *name = origin && origin->package ? verify_account(v, e->uid) : NULL;

	return name && *name && text_starts(origin->package, name + (*name == '_'));
}

static void check_write(struct verify *v, const struct image_entry *e)
{
	bool directory = S_ISDIR(e->mode), kept = directory && e->mode & S_ISVTX;

	if (!S_ISREG(e->mode) && !directory)
		return;
	if (e->mode & S_IWOTH && !kept)
		faults_add(&v->faults, FAULT_WRITABLE, e->path,
			   "%s has the mode %04o: every user can change it; remove the write permission of others",
			   e->path, (unsigned)(e->mode & 07777));
	else if (e->uid && e->mode & S_IWUSR && is_system(e->path) && !is_own_account(v, e))
		faults_add(&v->faults, FAULT_WRITABLE, e->path,
			   "%s belongs to user %u, who can change it; what is there must belong to root", e->path,
			   e->uid);
	else if (e->gid && e->mode & S_IWGRP && is_system(e->path) && !text_starts(e->path, "/usr/local/"))
		faults_add(&v->faults, FAULT_WRITABLE, e->path,
			   "%s can be changed by group %u; what is there must be changed by root only", e->path,
			   e->gid);
}

static int check_entry(void *verify, const struct image_entry *e, struct error *err UNUSED)
{
	struct verify *v = verify;

	/* The runtime's stores are in directories that only root may enter. */
	if (verify_in_store(e->path))
		return 0;
	check_rights(v, e);
	check_write(v, e);
	if (!strcmp(e->path, PRELOAD) && !S_ISDIR(e->mode) && (e->size || e->link))
		faults_add(&v->faults, FAULT_PRELOAD, e->path,
			   "%s has content: a library would be loaded into every program; remove the file", e->path);
	return 0;
}

int verify_rights(struct verify *v, struct error *err)
{
	return image_walk(v->image, check_entry, v, err);
}
