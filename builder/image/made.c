/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/made.h"

#include <fnmatch.h>
#include <string.h>

#include "lib/macro.h"
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
	{ "/etc/iscsi/initiatorname.iscsi", "open-iscsi, and sysprep", 0 },
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
	{ "/etc/nodekiln/first-boot-keys/*", "sysprep", 0 },
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
	{ "/etc/ssl/certs/ca-certificates.crt", "ca-certificates", 0 },
	{ "/etc/ssl/certs/java/cacerts", "ca-certificates-java", 0 },
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

static bool matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern) - strlen(BELOW);

	if (!text_ends(pattern, BELOW))
		return fnmatch(pattern, path, FNM_PATHNAME | FNM_EXTMATCH) == 0;
	return !strncmp(path, pattern, len) && path[len] == '/';
}

bool made_known(const char *path, mode_t mode)
{
	bool is_program = S_ISREG(mode) && mode & 0111;

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if ((made[i].programs || !is_program) && matches(made[i].pattern, path))
			return true;
	return false;
}

bool made_below(const char *directory)
{
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		if (text_ends(made[i].pattern, BELOW) && strlen(directory) == strlen(made[i].pattern) - strlen(BELOW) &&
		    text_starts(made[i].pattern, directory))
			return true;
	return false;
}
