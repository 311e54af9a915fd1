/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_restrict.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox_calls.h"
#include "builder/sandbox/sandbox_userns.h"
#include "lib/file.h"

#define BIT(n) (1ull << (n))

/* What the scripts of packages, and compilers that run as root, need: the files of all users, and the change to another
 * user. */
#define PACKAGES                                                                                                       \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_KILL) |                  \
	 BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_SETFCAP) | BIT(CAP_NET_BIND_SERVICE) |         \
	 BIT(CAP_AUDIT_WRITE))

/* Landlock's versions (landlock_create_ruleset(2)), each with the rights to files that it added. Before version 2 no file
 * can be moved to another directory, which dpkg does. */
#define LANDLOCK_VERSION_MIN 2
static const struct {
	int version;
	uint64_t rights;
} landlock_rights[] = {
	{ 1, BIT(13) - 1 }, /* execute to make_sym */
	{ 2, BIT(13) },     /* refer */
	{ 3, BIT(14) },     /* truncate */
	{ 5, BIT(15) },     /* ioctl_dev */
};
#define LANDLOCK_VERSION_SCOPES 6
#define LANDLOCK_SCOPES (BIT(0) | BIT(1)) /* abstract sockets, signals */

/* As struct landlock_ruleset_attr in Linux 6.12; older headers end earlier. */
struct landlock_rules {
	uint64_t files, network, scopes;
};

static struct landlock_rules make_rules(int version)
{
	struct landlock_rules rules = { .scopes = version >= LANDLOCK_VERSION_SCOPES ? LANDLOCK_SCOPES : 0 };

	for (size_t i = 0; i < ARRAY_SIZE(landlock_rights); i++)
		if (version >= landlock_rights[i].version)
			rules.files |= landlock_rights[i].rights;
	return rules;
}

/* Keeps the caller to what is below /, which a chroot alone does not do, and from signals to processes outside. Where
 * the kernel or the container has no Landlock, nothing is done: see docs/security.md. Needs no_new_privs. */
static int restrict_to_root(struct error *err)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (version < LANDLOCK_VERSION_MIN)
		return 0;
	struct landlock_rules rules = make_rules(version);
	CLEANUP(close_p) int set = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	CLEANUP(close_p) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct landlock_path_beneath_attr below = { .allowed_access = rules.files, .parent_fd = root };
	if (set < 0 || root < 0 || syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, set, 0) < 0)
		return error_errno(err, errno, "keep the sandbox to its tree by Landlock");
	return 0;
}

/* A program of root gets back every capability of the bounding set. Dropping from it needs CAP_SETPCAP, which this
 * process may not have; no_new_privs, after which no program gets more than the caller has, needs nothing. */
static int keep_capabilities(uint64_t kept, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	for (int c = 0; c <= CAP_LAST_CAP; c++)
		if (!(kept & BIT(c)))
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) < 0)
		return error_errno(err, errno, "read the capabilities of the sandbox");
	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		data[i].permitted &= (uint32_t)(kept >> (32 * i));
		data[i].effective &= data[i].permitted;
		data[i].inheritable = 0;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
		return error_errno(err, errno, "give up the capabilities of the sandbox");
	return 0;
}

static uint64_t capabilities(const struct sandbox *s)
{
	if (s->unprivileged)
		return BIT(CAP_DAC_OVERRIDE);
	if (rootless_restricted())
		return PACKAGES;
	/* CAP_SYS_CHROOT: the root of a mount namespace is never left by chroot(2). */
	uint64_t kept = PACKAGES | BIT(CAP_SYS_CHROOT);
	if (s->rights >= SANDBOX_MOUNTS)
		kept |= BIT(CAP_SYS_ADMIN);
	if (s->rights >= SANDBOX_HOST_ROOT)
		kept |= BIT(CAP_MKNOD);
	return kept;
}

const char *sandbox_restrict_opaque(const struct sandbox *s)
{
	return s->rights == SANDBOX_MOUNTS && !rootless() && !rootless_restricted() ? s->opaque_below : NULL;
}

static unsigned calls_of(const struct sandbox *s)
{
	return (s->rights >= SANDBOX_MOUNTS ? SANDBOX_CALLS_MOUNT : 0) |
	       (rootless_restricted() ? SANDBOX_CALLS_CHROOT : 0) |
	       (sandbox_restrict_opaque(s) ? SANDBOX_CALLS_OPAQUE : 0);
}

int sandbox_restrict(const struct sandbox *s, struct error *err)
{
	/* Keys of the caller's session are not to be found. Containers may forbid keyctl(2); then the filter below does, too. */
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	if (keep_capabilities(capabilities(s), err) < 0 || (rootless_restricted() && restrict_to_root(err) < 0))
		return -1;
	CLEANUP(close_p) int listener = -1;
	if (sandbox_calls_refuse(calls_of(s), &listener, err) < 0)
		return -1;
	return listener < 0 ? 0 : sandbox_userns_send_listener(listener, err);
}
