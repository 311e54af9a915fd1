/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what no package, overlay or step accounts for. Packages' scripts and the build's steps make files that are in no list: the
 * table names them, and what makes them. */
#include <fnmatch.h>
#include <string.h>

#include "builder/image/verify.h"
#include "lib/alloc.h"
#include "lib/text.h"

/* fnmatch(3) without flags: `*` crosses slashes. */
static const struct {
	const char *pattern, *by;
} made[] = {
	{ "/boot/efi/*", "grub: the system partition's mount point" },
	{ "/boot/grub/*", "grub, the disk step" },
	{ "/boot/initrd.img-*", "initramfs-tools" },
	{ "/etc/.pwd.lock", "passwd" },
	{ "/etc/apparmor.d/*/*", "apparmor" },
	{ "/etc/ca-certificates.conf", "ca-certificates" },
	{ "/etc/default/grub*", "grub" },
	{ "/etc/default/keyboard", "keyboard-configuration" },
	{ "/etc/default/locale", "locales" },
	{ "/etc/default/useradd", "passwd" },
	{ "/etc/environment", "libpam-runtime" },
	{ "/etc/fstab", "the disk step" },
	{ "/etc/group", "base-passwd" },
	{ "/etc/gshadow", "passwd" },
	{ "/etc/grub.d/enable_cloud", "the disk step" },
	{ "/etc/hosts.allow", "libwrap0" },
	{ "/etc/hosts.deny", "libwrap0" },
	{ "/etc/initramfs-tools/modules", "initramfs-tools" },
	{ "/etc/inputrc", "readline-common" },
	{ "/etc/ld.so.cache", "ldconfig" },
	{ "/etc/locale.conf", "locales" },
	{ "/etc/locale.gen", "locales" },
	{ "/etc/machine-id", "sysprep" },
	{ "/etc/mailcap", "mailcap" },
	{ "/etc/mke2fs.conf", "e2fsprogs" },
	{ "/etc/modules", "kmod" },
	{ "/etc/motd", "base-files" },
	{ "/etc/network/interfaces", "ifupdown" },
	{ "/etc/networks", "netbase" },
	{ "/etc/nodekiln/image.json", "the build" },
	{ "/etc/nsswitch.conf", "base-files" },
	{ "/etc/pam.d/common-*", "pam-auth-update" },
	{ "/etc/passwd", "base-passwd" },
	{ "/etc/profile", "base-files" },
	{ "/etc/python3/debian_config", "python3" },
	{ "/etc/resolv.conf", "sysprep" },
	{ "/etc/security/opasswd", "libpam-modules" },
	{ "/etc/shadow", "passwd" },
	{ "/etc/shells", "update-shells" },
	{ "/etc/ssh/sshd_config", "openssh-server" },
	{ "/etc/ssl/certs/*", "ca-certificates" },
	{ "/etc/ssl/openssl.cnf", "openssl" },
	{ "/etc/subgid", "passwd" },
	{ "/etc/subuid", "passwd" },
	{ "/etc/timezone", "tzdata" },
	{ "/etc/vconsole.conf", "systemd" },
	{ "/etc/X11/Xsession.d/*", "x11-common" },
	{ "/root/.bashrc", "base-files" },
	{ "/root/.profile", "base-files" },
	{ "/usr/lib/locale/locale-archive", "locales" },
	{ "/usr/lib/modules/*/modules.*", "depmod" },
	{ "/usr/lib/udev/hwdb.bin", "udev" },
	{ "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", "iconvconfig" },
	{ "/usr/share/glib-2.0/schemas/gschemas.compiled", "libglib2.0" },
	{ "/usr/share/info/dir*", "install-info" },
	{ "/usr/share/mime/*", "shared-mime-info" },
	{ "/usr/share/python3/*", "python3" },
	{ "/var/cache/*", "packages' caches" },
	{ "/var/lib/apt/*", "apt" },
	{ "/var/lib/containerd/*", "the preload step" },
	{ "/var/lib/dbus/*", "dbus" },
	{ "/var/lib/docker/*", "the preload step" },
	{ "/var/lib/dpkg/*", "dpkg" },
	{ "/var/lib/grub/*", "grub" },
	{ "/var/lib/initramfs-tools/*", "initramfs-tools" },
	{ "/var/lib/pam/*", "pam-auth-update" },
	{ "/var/lib/polkit-1/*", "polkitd" },
	{ "/var/lib/python/*", "python3" },
	{ "/var/lib/shells.state", "update-shells" },
	{ "/var/lib/sudo/*", "sudo" },
	{ "/var/lib/systemd/*", "systemd" },
	{ "/var/lib/ucf/*", "ucf" },
	{ "/var/lib/vim/*", "vim-common" },
	{ "/var/lib/wtmpdb/*", "wtmpdb" },
	{ "/var/log/*", "sysprep" },
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

static bool is_made(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if (fnmatch(made[i].pattern, path, 0) == 0)
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
	return origins_find(&v->origins, e) || is_made(e->path) || is_compiled_python(v, e->path);
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
