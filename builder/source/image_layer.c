/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/image_layer.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/sandbox/sandbox.h"
#include "builder/tree/tree.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"

static const char *const unwanted_packages[] = {
	"adduser", "debconf",        "dpkg", "init-system-helpers", "lsb-base",
	"passwd",  "sysvinit-utils", "tar",  "usr-is-merged",       "usrmerge"
};
static const char *const unwanted_prefixes[] = { "libaudit",    "libcap-ng", "libcrypt1", "libdb5",
						 "libpam",      "libpcre2",  "libperl",   "libselinux",
						 "libsemanage", "libsepol",  "perl" };

/* dpkg's status file is kept for image scanners. */
const char *const image_layer_unwanted[] = { "usr/share/bash-completion",
					     "usr/share/bug",
					     "usr/share/doc",
					     "usr/share/doc-base",
					     "usr/share/info",
					     "usr/share/initramfs-tools",
					     "usr/share/lintian",
					     "usr/share/locale",
					     "usr/share/man",
					     "usr/lib/x86_64-linux-gnu/gconv",
					     "usr/lib/aarch64-linux-gnu/gconv",
					     "usr/lib/systemd",
					     "lib/systemd",
					     "var/cache",
					     "var/lib/dpkg/info",
					     "etc/init.d",
					     "etc/default",
					     NULL };

/* The links that update-alternatives makes when iptables is configured. The node's iptables uses nft, and both must use the
 * same. */
static const char *const nft_links[] = { "iptables",  "iptables-save",  "iptables-restore",
					 "ip6tables", "ip6tables-save", "ip6tables-restore" };

/* Each program that is called in the layer must start, that is, find its libraries there. */
static const struct layer_check {
	const char *package;
	char *argv[3];
} layer_checks[] = {
	{ "iptables", { "iptables", "--version" } },   { "iptables", { "ip6tables-restore", "--version" } },
	{ "nftables", { "nft", "--version" } },        { "ipset", { "ipset", "--help" } },
	{ "conntrack", { "conntrack", "--version" } }, { "kmod", { "modprobe", "--version" } },
	{ "etcd-server", { "etcd", "--version" } },
};

bool image_layer_wants(const char *package)
{
	for (size_t i = 0; i < ARRAY_SIZE(unwanted_packages); i++)
		if (!strcmp(package, unwanted_packages[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(unwanted_prefixes); i++)
		if (text_starts(package, unwanted_prefixes[i]))
			return false;
	return true;
}

static int unpack_layer(const struct lock *lock, struct cache *cache, const char *tree, struct error *err)
{
	VEC(struct lock_package) wanted = { 0 };

	for (size_t i = 0; i < lock->group[LOCK_IMAGE].n; i++)
		if (image_layer_wants(lock->group[LOCK_IMAGE].at[i].name))
			vec_push(&wanted, lock->group[LOCK_IMAGE].at[i]); /* still owned by the lock */
	int rc = tree_unpack(tree, (struct tree_packages){ wanted.at, wanted.n }, cache, false, 0, err);
	vec_done(&wanted);
	return rc;
}

static int link_iptables(int rootfd, struct error *err)
{
	CLEANUP(close_p) int fd = dir_open_in(rootfd, "usr/sbin", err);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(nft_links); i++)
		if (symlinkat("xtables-nft-multi", fd, nft_links[i]) < 0 && errno != EEXIST)
			return error_errno(err, errno, "link usr/sbin/%s", nft_links[i]);
	return 0;
}

static bool has(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], name))
			return true;
	return false;
}

static int check_layer(const char *const *packages, size_t n, const char *tree, struct error *err)
{
	struct sandbox sandbox = { .root = tree };

	for (size_t i = 0; i < ARRAY_SIZE(layer_checks); i++) {
		const struct layer_check *check = &layer_checks[i];
		if (has(packages, n, check->package) &&
		    sandbox_run(&sandbox, &(struct process){ .argv = check->argv }, err) < 0)
			return error_wrap(err, "the images' Debian layer");
	}
	return 0;
}

/* Called before the sandbox, which would create /tmp with the default mode. */
static int make_tmp(int rootfd, struct error *err)
{
	if (dir_make_in(rootfd, "tmp", 01777, err) < 0)
		return -1;
	CLEANUP(close_p) int fd = dir_open_in(rootfd, "tmp", err);
	if (fd < 0)
		return -1;
	return fchmod(fd, 01777) < 0 ? error_errno(err, errno, "set the mode of /tmp in the images' layer") : 0;
}

int image_layer_make(const struct lock *lock, struct cache *cache, const char *const *packages, size_t n,
		     const char *tree, struct error *err)
{
	if (dir_make(AT_FDCWD, tree, 0755, err) < 0 || unpack_layer(lock, cache, tree, err) < 0)
		return -1;
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, tree, err);
	if (rootfd < 0 || (has(packages, n, "iptables") && link_iptables(rootfd, err) < 0) || make_tmp(rootfd, err) < 0)
		return -1;
	return check_layer(packages, n, tree, err);
}
