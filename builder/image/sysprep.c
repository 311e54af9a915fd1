/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/sysprep.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "builder/image/first_boot_keys.h"
#include "lib/file.h"

#define SHADOW "/etc/shadow"
#define SHADOW_MAX (1 << 20)

#define IDENTITY "every node must make its own"
#define SECRET "it is a secret of the machine that made it"
#define SEED "it would configure every node in the same way"
#define STATE "a node must start without earlier state"
#define CACHE "it only makes the image larger"

const struct sysprep_rule sysprep_rules[] = {
	{ SYSPREP_EMPTY_FILE, "/etc/machine-id", "every node must make its own at first boot" },
	{ SYSPREP_ABSENT, "/var/lib/dbus/machine-id", IDENTITY },
	{ SYSPREP_ABSENT, "/etc/hostname", "a node's name comes from its seed" },
	{ SYSPREP_ABSENT, "/etc/machine-info", IDENTITY },
	{ SYSPREP_ABSENT, "/etc/ssh/ssh_host_*", "nodes with the same host keys can impersonate each other" },
	{ SYSPREP_TEXT, "/etc/iscsi/initiatorname.iscsi", IDENTITY },
	{ SYSPREP_ABSENT, "/etc/nvme/hostid", IDENTITY },
	{ SYSPREP_ABSENT, "/etc/nvme/hostnqn", IDENTITY },
	{ SYSPREP_ABSENT, "/etc/docker/key.json", IDENTITY },
	{ SYSPREP_ABSENT, "/var/lib/docker/engine-id", IDENTITY },
	{ SYSPREP_ABSENT, "/etc/udev/rules.d/70-persistent-net.rules", "it names another machine's network cards" },

	{ SYSPREP_ABSENT, "/var/lib/systemd/random-seed", "nodes with the same seed have the same random numbers" },
	{ SYSPREP_ABSENT, "/boot/efi/loader/random-seed", "nodes with the same seed have the same random numbers" },
	{ SYSPREP_ABSENT, "/var/lib/systemd/credential.secret", SECRET },
	{ SYSPREP_ABSENT, "/var/lib/NetworkManager/secret_key", SECRET },
	{ SYSPREP_ABSENT, "/etc/ssl/private/ssl-cert-snakeoil.key", SECRET },
	{ SYSPREP_ABSENT, "/root/.ssh/*", "access is given to a node, never to an image" },
	{ SYSPREP_ABSENT, "/root/.gnupg", SECRET },
	{ SYSPREP_ABSENT, "/root/.*_history", STATE },
	{ SYSPREP_ABSENT, "/etc/passwd-", "backups keep what was removed" },
	{ SYSPREP_ABSENT, "/etc/shadow-", "backups keep what was removed" },
	{ SYSPREP_ABSENT, "/etc/group-", "backups keep what was removed" },
	{ SYSPREP_ABSENT, "/etc/gshadow-", "backups keep what was removed" },
	{ SYSPREP_ABSENT, "/etc/subuid-", "backups keep what was removed" },
	{ SYSPREP_ABSENT, "/etc/subgid-", "backups keep what was removed" },

	{ SYSPREP_EMPTY_DIR, "/var/lib/cloud", SEED },
	{ SYSPREP_ABSENT, "/etc/netplan/50-cloud-init.yaml", SEED },
	{ SYSPREP_ABSENT, "/etc/systemd/network/10-cloud-init-*", SEED },
	{ SYSPREP_ABSENT, "/etc/network/interfaces.d/50-cloud-init*", SEED },
	{ SYSPREP_ABSENT, "/etc/ssh/sshd_config.d/50-cloud-init.conf", SEED },
	{ SYSPREP_ABSENT, "/etc/sudoers.d/90-cloud-init-users", SEED },
	{ SYSPREP_ABSENT, "/etc/nodekiln/node.yaml", SEED },
	{ SYSPREP_UNWRITTEN, "/etc/resolv.conf", "it names the name servers of the machine that built the image" },
	{ SYSPREP_ABSENT, "/usr/sbin/policy-rc.d", "it would keep packages from starting their services" },

	{ SYSPREP_ABSENT, "/var/lib/nodekiln", STATE },
	{ SYSPREP_ABSENT, "/etc/kubernetes/*.conf", "it is a node's own credential" },
	{ SYSPREP_EMPTY_DIR, "/etc/kubernetes/pki", "it is a cluster's own secret" },
	{ SYSPREP_ABSENT, "/var/lib/kubelet/config.yaml", "kubeadm writes it when the node joins" },
	{ SYSPREP_ABSENT, "/var/lib/kubelet/kubeadm-flags.env", "kubeadm writes it when the node joins" },
	{ SYSPREP_ABSENT, "/var/lib/kubelet/pki", "it is a node's own credential" },
	{ SYSPREP_EMPTY_DIR, "/var/lib/etcd", "kubeadm refuses a node with a member's data" },
	{ SYSPREP_ABSENT, "/var/lib/docker/containers", STATE },
	{ SYSPREP_ABSENT, "/var/lib/docker/network", STATE },
	{ SYSPREP_ABSENT, "/var/lib/dhcp/*.leases", STATE },
	{ SYSPREP_NO_FILES, "/var/log", STATE },
	{ SYSPREP_EMPTY_DIR, "/tmp", STATE },
	{ SYSPREP_EMPTY_DIR, "/var/tmp", STATE },
	{ SYSPREP_EMPTY_DIR, "/run", STATE },

	{ SYSPREP_EMPTY_DIR, "/var/lib/apt/lists", CACHE },
	{ SYSPREP_NO_FILES, "/var/cache/apt", CACHE },
	{ SYSPREP_ABSENT, "/var/cache/debconf/*-old", CACHE },
	{ SYSPREP_ABSENT, "/var/lib/dpkg/*-old", CACHE },
	{ SYSPREP_ABSENT, "/var/cache/ldconfig/aux-cache", CACHE },
};
const size_t sysprep_rules_count = ARRAY_SIZE(sysprep_rules);

static const struct sysprep_text texts[] = {
	/* Debian's startup-checks.sh, which runs before iscsid, makes the name then; without the file iscsid does not start. */
	{ "/etc/iscsi/initiatorname.iscsi", "/usr/sbin/iscsid",
	  "## This node makes its own name when iscsid starts for the first time.\nGenerateName=yes\n" },
};

const struct sysprep_text *sysprep_text(const struct sysprep_rule *rule)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(texts[i].path, rule->path))
			return &texts[i];
	return NULL;
}

const char *const sysprep_container_lacks[] = { "boot", "usr/lib/modules", NULL };

static const char *below(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return !strncmp(path, directory, n) && path[n] == '/' ? path + n + 1 : NULL;
}

bool sysprep_concerns(const struct sysprep_rule *rule, const char *path)
{
	/* FNM_PATHNAME: a pattern stays within its component. FNM_PERIOD is off: `*` means every file. */
	if (rule->action == SYSPREP_ABSENT)
		return fnmatch(rule->path, path, FNM_PATHNAME) == 0;
	if (rule->action == SYSPREP_EMPTY_DIR) {
		const char *rest = below(path, rule->path);
		return rest && !strchr(rest, '/'); /* a deeper entry is removed with its parent */
	}
	if (rule->action == SYSPREP_NO_FILES)
		return below(path, rule->path) != NULL;
	return !strcmp(path, rule->path);
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Removes the entries of a directory that match (all with "*"). Closes fd. */
static int remove_matching(int fd, const char *pattern, struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		error_errno(err, errno, "read a directory");
		close(fd);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir)))
		if (!is_dots(entry->d_name) && fnmatch(pattern, entry->d_name, 0) == 0 &&
		    tree_remove(dirfd(dir), entry->d_name, err) < 0)
			return -1;
	return errno ? error_errno(err, errno, "read a directory") : 0;
}

static int remove_files(int fd, struct error *err);

static int remove_file_or_descend(int dirfd, const char *name, struct error *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return remove_files(fd, err);
	if (unlinkat(dirfd, name, 0) < 0)
		return error_errno(err, errno, "remove %s", name);
	return 0;
}

/* Removes everything except directories, at any depth. Closes fd. */
static int remove_files(int fd, struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		error_errno(err, errno, "read a directory");
		close(fd);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir)))
		if (!is_dots(entry->d_name) && remove_file_or_descend(dirfd(dir), entry->d_name, err) < 0)
			return -1;
	return errno ? error_errno(err, errno, "read a directory") : 0;
}

/* A missing path already complies. */
static int missing_or(struct error *err)
{
	return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "open");
}

static int apply_absent(int rootfd, const char *path, struct error *err)
{
	const char *base;
	int fd = file_open_parent_in(rootfd, path, false, &base);

	if (fd < 0)
		return missing_or(err);
	return remove_matching(fd, base, err);
}

static int apply_empty_dir(int rootfd, const char *path, struct error *err)
{
	int fd = file_open_in(rootfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return missing_or(err);
	return remove_matching(fd, "*", err);
}

static int apply_no_files(int rootfd, const char *path, struct error *err)
{
	int fd = file_open_in(rootfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return missing_or(err);
	return remove_files(fd, err);
}

static int apply_empty_file(int rootfd, const char *path, struct error *err)
{
	return file_write_in(rootfd, path, "", 0, 0644, err);
}

static int apply_unwritten(int rootfd, const char *path, struct error *err)
{
	CLEANUP(close_p) int fd = file_open_in(rootfd, path, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0);

	return fd < 0 && errno != ELOOP ? missing_or(err) : 0;
}

static int apply_text(int rootfd, const struct sysprep_text *t, struct error *err)
{
	if (!file_exists_in(rootfd, t->program))
		return apply_absent(rootfd, t->path, err);
	return file_write_in(rootfd, t->path, t->text, strlen(t->text), 0600, err);
}

static int (*const apply[])(int rootfd, const char *path, struct error *err) = {
	[SYSPREP_ABSENT] = apply_absent,       [SYSPREP_EMPTY_DIR] = apply_empty_dir,
	[SYSPREP_NO_FILES] = apply_no_files,   [SYSPREP_EMPTY_FILE] = apply_empty_file,
	[SYSPREP_UNWRITTEN] = apply_unwritten,
};

/* Rewrites the file in place, so that it keeps its owner and mode. */
static int lock_passwords(int rootfd, struct error *err)
{
	CLEANUP(text_done) struct text shadow = { 0 };
	CLEANUP(text_done) struct text locked = { 0 };

	if (!file_exists_in(rootfd, SHADOW))
		return 0;
	if (file_read_in(rootfd, SHADOW, SHADOW_MAX, &shadow, err) < 0)
		return -1;
	if (!shadow.len || !sysprep_shadow_lock(shadow.data, &locked))
		return 0;
	CLEANUP(close_p) int fd = file_open_in(rootfd, SHADOW, O_WRONLY | O_TRUNC, 0);
	if (fd < 0 || write_all(fd, locked.data, locked.len) < 0)
		return error_errno(err, errno, "write %s", SHADOW);
	return 0;
}

int sysprep_apply(const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);

	if (rootfd < 0 || first_boot_keys_seal(rootfd, err) < 0)
		return -1;
	for (size_t i = 0; i < sysprep_rules_count; i++) {
		const struct sysprep_rule *r = &sysprep_rules[i];
		int rc = r->action == SYSPREP_TEXT ? apply_text(rootfd, sysprep_text(r), err)
						   : apply[r->action](rootfd, r->path, err);
		if (rc < 0)
			return error_wrap(err, "sysprep %s", r->path);
	}
	return lock_passwords(rootfd, err);
}
