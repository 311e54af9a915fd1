/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what no package, overlay or step accounts for. Packages' scripts and the build's steps make files that are in no list: the
 * table names them, and what makes them. */
#include <fnmatch.h>
#include <string.h>

#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/text.h"

#define BELOW "/**" /* at the end of a pattern, which has no other wildcard then */

/* fnmatch(3) with FNM_PATHNAME, so that `*` stays in a directory, and FNM_EXTMATCH; BELOW is everything below a directory. Only
 * where the row says so may files be executable. */
enum { PROGRAMS = 1 };
static const struct {
	const char *pattern, *by;
	int programs;
} made[] = {
	{ "/boot/efi/**", "grub: the system partition's mount point", 0 },
	{ "/boot/grub/**", "grub, the disk step", 0 },
	{ "/boot/initrd.img-*", "initramfs-tools", 0 },
	{ "/etc/.pwd.lock", "passwd", 0 },
	{ "/etc/apparmor.d/*/*", "apparmor", 0 },
	{ "/etc/ca-certificates.conf", "ca-certificates", 0 },
	{ "/etc/default/grub*", "grub", 0 },
	{ "/etc/default/keyboard", "keyboard-configuration", 0 },
	{ "/etc/default/locale", "locales", 0 },
	{ "/etc/default/useradd", "passwd", 0 },
	{ "/etc/environment", "libpam-runtime", 0 },
	{ "/etc/fstab", "the disk step", 0 },
	{ "/etc/group", "base-passwd", 0 },
	{ "/etc/gshadow", "passwd", 0 },
	{ "/etc/grub.d/enable_cloud", "the disk step", PROGRAMS },
	{ "/etc/hosts.allow", "libwrap0", 0 },
	{ "/etc/hosts.deny", "libwrap0", 0 },
	{ "/etc/initramfs-tools/modules", "initramfs-tools", 0 },
	{ "/etc/inputrc", "readline-common", 0 },
	{ "/etc/ld.so.cache", "ldconfig", 0 },
	{ "/etc/locale.conf", "locales", 0 },
	{ "/etc/locale.gen", "locales", 0 },
	{ "/etc/machine-id", "sysprep", 0 },
	{ "/etc/mailcap", "mailcap", 0 },
	{ "/etc/mke2fs.conf", "e2fsprogs", 0 },
	{ "/etc/modules", "kmod", 0 },
	{ "/etc/motd", "base-files", 0 },
	{ "/etc/network/interfaces", "ifupdown", 0 },
	{ "/etc/networks", "netbase", 0 },
	{ "/etc/nodekiln/image.json", "the build", 0 },
	{ "/etc/nsswitch.conf", "base-files", 0 },
	{ "/etc/pam.d/common-*", "pam-auth-update", 0 },
	{ "/etc/passwd", "base-passwd", 0 },
	{ "/etc/profile", "base-files", 0 },
	{ "/etc/qemu/qemu-ga.conf", "the build", 0 },
	{ "/etc/python3/debian_config", "python3", 0 },
	{ "/etc/resolv.conf", "sysprep", 0 },
	{ "/etc/security/opasswd", "libpam-modules", 0 },
	{ "/etc/shadow", "passwd", 0 },
	{ "/etc/shells", "update-shells", 0 },
	{ "/etc/ssh/sshd_config", "openssh-server", 0 },
	{ "/etc/ssl/certs/**", "ca-certificates", 0 },
	{ "/etc/ssl/openssl.cnf", "openssl", 0 },
	{ "/etc/subgid", "passwd", 0 },
	{ "/etc/subuid", "passwd", 0 },
	{ "/etc/timezone", "tzdata", 0 },
	{ "/etc/vconsole.conf", "systemd", 0 },
	{ "/etc/X11/Xsession.d/*", "x11-common", 0 },
	{ "/root/.bashrc", "base-files", 0 },
	{ "/root/.profile", "base-files", 0 },
	{ "/usr/lib/locale/locale-archive", "locales", 0 },
	{ "/usr/lib/modules/*/modules.@(alias|builtin|builtin.alias|dep|devname|softdep|symbols|weakdep)?(.bin)",
	  "depmod", 0 },
	{ "/usr/lib/udev/hwdb.bin", "udev", 0 },
	{ "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", "iconvconfig", 0 },
	{ "/usr/share/glib-2.0/schemas/gschemas.compiled", "libglib2.0", 0 },
	{ "/usr/share/info/dir*", "install-info", 0 },
	{ "/usr/share/mime/**", "shared-mime-info", 0 },
	{ "/usr/share/python3/**", "python3", 0 },
	{ "/var/cache/**", "packages' caches", 0 },
	{ "/var/lib/apt/**", "apt", 0 },
	{ "/var/lib/containerd/**", "the preload step", PROGRAMS },
	{ "/var/lib/dbus/**", "dbus", 0 },
	{ "/var/lib/docker/**", "the preload step", PROGRAMS },
	{ "/var/lib/dpkg/**", "dpkg", 0 },
	{ "/var/lib/dpkg/info/*.@(config|postinst|postrm|preinst|prerm)", "packages", PROGRAMS },
	{ "/var/lib/grub/**", "grub", 0 },
	{ "/var/lib/initramfs-tools/**", "initramfs-tools", 0 },
	{ "/var/lib/pam/**", "pam-auth-update", 0 },
	{ "/var/lib/polkit-1/**", "polkitd", 0 },
	{ "/var/lib/python/**", "python3", 0 },
	{ "/var/lib/shells.state", "update-shells", 0 },
	{ "/var/lib/sudo/**", "sudo", 0 },
	{ "/var/lib/systemd/**", "systemd", 0 },
	{ "/var/lib/ucf/**", "ucf", 0 },
	{ "/var/lib/vim/**", "vim-common", 0 },
	{ "/var/lib/wtmpdb/**", "wtmpdb", 0 },
	{ "/var/log/**", "sysprep", 0 },
};

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

static bool matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern) - strlen(BELOW);

	if (!text_ends(pattern, BELOW))
		return fnmatch(pattern, path, FNM_PATHNAME | FNM_EXTMATCH) == 0;
	return !strncmp(path, pattern, len) && path[len] == '/';
}

static bool is_made(const struct image_entry *e)
{
	bool is_program = S_ISREG(e->mode) && e->mode & 0111;

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if ((made[i].programs || !is_program) && matches(made[i].pattern, e->path))
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

static bool is_known(const struct verify *v, const struct image_entry *e)
{
	return origins_find(&v->origins, e) || is_made(e) || is_compiled_python(v, e->path);
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
	return S_ISDIR(target->mode) || is_known(v, target);
}

static int check_entry(void *verify, const struct image_entry *e, struct error *err UNUSED)
{
	struct verify *v = verify;

	if (S_ISDIR(e->mode) || is_known(v, e) || (e->link && is_known_link(v, e)) || faults_has(&v->faults, e->path))
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
