/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what no package, overlay or step accounts for. */
#include <fnmatch.h>
#include <string.h>

#include "builder/image/made.h"
#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/text.h"

/* In these, files are obeyed without being executable: units, scripts of shells and logins, rules. */
static const char *const code[] = {
	"/etc/apt/apt.conf*",
	"/etc/bash*",
	"/etc/binfmt.d/*",
	"/etc/cron*",
	"/etc/dbus-1/*",
	"/etc/init.d/*",
	"/etc/initramfs-tools/*",
	"/etc/kernel/*",
	"/etc/ld.so.conf.d/*",
	"/etc/modprobe.d/*",
	"/etc/modules-load.d/*",
	"/etc/network/if-*",
	"/etc/pam.d/*",
	"/etc/polkit-1/*",
	"/etc/profile.d/*",
	"/etc/rc*",
	"/etc/security/*",
	"/etc/ssh/*",
	"/etc/sudoers*",
	"/etc/systemd/*",
	"/etc/tmpfiles.d/*",
	"/etc/udev/*",
	"/etc/update-motd.d/*",
	"/usr/bin/*",
	"/usr/lib/*",
	"/usr/libexec/*",
	"/usr/local/*",
	"/usr/sbin/*",
	"/usr/share/dbus-1/*",
	"/usr/share/polkit-1/*",
	"/usr/share/initramfs-tools/*",
	"*/.bash*",
	"*/.profile",
	"/var/spool/cron/*",
};

static bool matches_code(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(code); i++)
		if (fnmatch(code[i], path, 0) == 0)
			return true;
	return false;
}

/* py3compile's DIRECTORY/__pycache__/NAME.cpython-313.pyc, of DIRECTORY/NAME.py, which is of a package. */
static bool is_compiled_python(const struct verify *v, const char *path)
{
	static const char cache[] = "/__pycache__/";
	const char *at = strstr(path, cache), *name = at ? at + strlen(cache) : NULL,
		   *dot = name ? strchr(name, '.') : NULL;
	const struct image_entry *e;
	struct error ignored = { 0 };

	if (!dot || !text_starts(dot, ".cpython-") || !text_ends(path, ".pyc"))
		return false;
	CLEANUP(free_p)
	char *source = xasprintf("%.*s/%.*s.py", (int)(at - path), path, (int)(dot - name), name);
	return image_stat(v->image, source, &e, &ignored) > 0 && origins_find(&v->origins, e);
}

bool verify_is_known(const struct verify *v, const struct image_entry *e)
{
	return origins_find(&v->origins, e) || made_known(e->path, e->mode) || is_compiled_python(v, e->path);
}

/* A link only gives another name to what is accounted for itself: to a file of the image, or to one that a guest makes. */
static bool is_known_link(const struct verify *v, const struct image_entry *e)
{
	static const char *const made_by_guests[] = { "/dev/", "/proc/", "/run/", "/sys/", "../proc/", "../run/" };
	const struct image_entry *target;
	struct error ignored = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(made_by_guests); i++)
		if (text_starts(e->link, made_by_guests[i]))
			return true;
	if (image_follow(v->image, e->path, &target, &ignored) <= 0)
		return false;
	return S_ISDIR(target->mode) || verify_is_known(v, target);
}

static int check_entry(void *verify, const struct image_entry *e, struct error *err UNUSED)
{
	struct verify *v = verify;

	if (S_ISDIR(e->mode) || verify_is_known(v, e) || (e->link && is_known_link(v, e)) ||
	    faults_has(&v->faults, e->path))
		return 0;
	/* A link that leads nowhere executes nothing. */
	if ((S_ISREG(e->mode) && e->mode & 0111) || (!e->link && matches_code(e->path)))
		faults_add(&v->faults, FAULT_UNKNOWN_PROGRAM, e->path,
			   "%s is not of a package, an overlay or a step of the build, and can be executed or obeyed; "
			   "remove "
			   "it, or install it by an overlay",
			   e->path);
	else
		faults_add(&v->faults, FAULT_UNKNOWN_FILE, e->path,
			   "%s is not of a package, an overlay or a step of the build", e->path);
	return 0;
}

int verify_unknown(struct verify *v, struct error *err)
{
	return image_walk(v->image, check_entry, v, err);
}
