/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/sandbox_calls.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/macro.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* Calls that are refused whatever their arguments are. `unless`: a set of enum sandbox_calls that allows it; `only`: one
 * that it is refused for, when not 0. */
static const struct {
	const char *name;
	int errnum;
	unsigned unless, only;
} refused[] = {
	/* The kernel's code, its clock, its logs and its state. */
	{ "acct", EPERM, 0, 0 },
	{ "bpf", EPERM, 0, 0 },
	{ "clock_adjtime", EPERM, 0, 0 },
	{ "clock_settime", EPERM, 0, 0 },
	{ "adjtimex", EPERM, 0, 0 },
	{ "settimeofday", EPERM, 0, 0 },
	{ "init_module", EPERM, 0, 0 },
	{ "finit_module", EPERM, 0, 0 },
	{ "delete_module", EPERM, 0, 0 },
	{ "kexec_load", EPERM, 0, 0 },
	{ "kexec_file_load", EPERM, 0, 0 },
	{ "perf_event_open", EPERM, 0, 0 },
	{ "reboot", EPERM, 0, 0 },
	{ "swapon", EPERM, 0, 0 },
	{ "swapoff", EPERM, 0, 0 },
	{ "syslog", EPERM, 0, 0 },
	{ "quotactl", EPERM, 0, 0 },
	{ "quotactl_fd", EPERM, 0, 0 },
	{ "fanotify_init", EPERM, 0, 0 },
	{ "lookup_dcookie", EPERM, 0, 0 },
	{ "iopl", EPERM, 0, 0 },
	{ "ioperm", EPERM, 0, 0 },
	{ "vhangup", EPERM, 0, 0 },
	{ "sethostname", EPERM, 0, 0 },
	{ "setdomainname", EPERM, 0, 0 },
	/* Large parts of the kernel that have had many faults and that no package needs. */
	{ "io_uring_setup", ENOSYS, 0, 0 },
	{ "io_uring_enter", ENOSYS, 0, 0 },
	{ "io_uring_register", ENOSYS, 0, 0 },
	{ "userfaultfd", ENOSYS, 0, 0 },
	{ "memfd_secret", ENOSYS, 0, 0 },
	/* Keys. */
	{ "add_key", ENOSYS, 0, 0 },
	{ "request_key", ENOSYS, 0, 0 },
	{ "keyctl", ENOSYS, 0, 0 },
	/* Files by number instead of by path. */
	{ "open_by_handle_at", EPERM, 0, 0 },
	/* Other processes. */
	{ "ptrace", EPERM, 0, 0 },
	{ "process_vm_readv", EPERM, 0, 0 },
	{ "process_vm_writev", EPERM, 0, 0 },
	{ "process_madvise", EPERM, 0, 0 },
	{ "pidfd_getfd", EPERM, 0, 0 },
	{ "kcmp", EPERM, 0, 0 },
	/* Namespaces and mounts. clone3(2) has its flags in memory, where no filter sees them; without it, the C library
	 * calls clone(2). */
	{ "setns", EPERM, 0, 0 },
	{ "clone3", ENOSYS, 0, 0 },
	{ "mount", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "umount2", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "pivot_root", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "fsopen", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "fsconfig", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "fsmount", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "fspick", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "move_mount", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "open_tree", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "mount_setattr", EPERM, SANDBOX_CALLS_MOUNT, 0 },
	{ "chroot", EPERM, 0, SANDBOX_CALLS_CHROOT },
};

/* Values of an argument that are refused: those of which the bits in mask equal value. */
static const struct {
	const char *name;
	unsigned argument;
	uint64_t mask, value;
	unsigned unless, only;
} refused_values[] = {
	{ "ioctl", 1, 0xffffffff, TIOCSTI, 0, 0 }, /* types into a terminal */
	{ "ioctl", 1, 0xffffffff, TIOCLINUX, 0, 0 },
	{ "mknod", 1, S_IFMT, S_IFBLK, 0, 0 },
	{ "mknodat", 2, S_IFMT, S_IFBLK, 0, 0 },
	{ "mknod", 1, S_IFMT, S_IFCHR, 0, SANDBOX_CALLS_CHROOT },
	{ "mknodat", 2, S_IFMT, S_IFCHR, 0, SANDBOX_CALLS_CHROOT },
	{ "unshare", 0, CLONE_NEWNS, CLONE_NEWNS, SANDBOX_CALLS_MOUNT, 0 },
	{ "clone", 0, CLONE_NEWNS, CLONE_NEWNS, SANDBOX_CALLS_MOUNT, 0 },
};
/* In a chroot, where other processes can be seen: calls about the caller only. The values of an argument that are allowed; all 64 bits are
 * compared. A user or a group of processes is never the caller alone. */
static const struct {
	const char *name;
	unsigned argument;
	uint64_t allowed;
} of_caller[] = {
	{ "prlimit64", 0, 0 },          { "setpriority", 0, PRIO_PROCESS },
	{ "setpriority", 1, 0 },        { "ioprio_set", 0, IOPRIO_WHO_PROCESS },
	{ "ioprio_set", 1, 0 },         { "sched_setaffinity", 0, 0 },
	{ "sched_setattr", 0, 0 },      { "sched_setparam", 0, 0 },
	{ "sched_setscheduler", 0, 0 }, { "migrate_pages", 0, 0 },
	{ "move_pages", 0, 0 },
};
static const uint64_t namespaces[] = { CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET, CLONE_NEWIPC,
				       CLONE_NEWUTS,  CLONE_NEWCGROUP, CLONE_NEWTIME };
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

static void release(scmp_filter_ctx *filter)
{
	seccomp_release(*filter);
}

static bool is_refused(unsigned unless, unsigned only, unsigned calls)
{
	return !(unless & calls) && (!only || only & calls);
}

static struct scmp_arg_cmp compare(unsigned argument, enum scmp_compare how, uint64_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = how, .datum_a = value };
}

/* A call that is not known is no error: the architecture may not have it. A libseccomp that is older than the kernel may not know a call
 * that the kernel has; that call stays allowed, as all are that no table names. */
static int refuse(scmp_filter_ctx filter, const char *name, int errnum, unsigned n, struct scmp_arg_cmp comparison)
{
	int number = seccomp_syscall_resolve_name(name);

	return number < 0 ? 0
			  : seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)errnum), number, n, &comparison);
}

static int refuse_value(scmp_filter_ctx filter, const char *name, unsigned argument, uint64_t mask, uint64_t value)
{
	return refuse(filter, name, EPERM, 1, SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value));
}

/* Every family but the usual four: AF_VSOCK reaches the machine's host, AF_PACKET and AF_ALG parts of the kernel. The
 * kernel looks at 32 bits of the argument; larger values are refused. name: socket or socketpair, which loads the kernel's
 * module of a family as well, and makes sockets of AF_TIPC. */
static int refuse_families(scmp_filter_ctx filter, const char *name)
{
	int rc = refuse(filter, name, EAFNOSUPPORT, 1, compare(0, SCMP_CMP_GE, AF_MAX));

	for (int family = 0; rc == 0 && family < AF_MAX; family++) {
		bool usual = false;
		for (size_t i = 0; i < ARRAY_SIZE(families); i++)
			usual |= family == families[i];
		if (!usual)
			rc = refuse(filter, name, EAFNOSUPPORT, 1, compare(0, SCMP_CMP_EQ, (uint64_t)family));
	}
	return rc;
}

static int fill(scmp_filter_ctx filter, unsigned calls)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(refused); i++)
		if (is_refused(refused[i].unless, refused[i].only, calls))
			rc = refuse(filter, refused[i].name, refused[i].errnum, 0, compare(0, SCMP_CMP_EQ, 0));
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(refused_values); i++)
		if (is_refused(refused_values[i].unless, refused_values[i].only, calls))
			rc = refuse_value(filter, refused_values[i].name, refused_values[i].argument,
					  refused_values[i].mask, refused_values[i].value);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(namespaces); i++) {
		rc = refuse_value(filter, "unshare", 0, namespaces[i], namespaces[i]);
		/* The low byte of clone(2)'s flags is a signal, and CLONE_NEWTIME would be a bit of it. */
		if (rc == 0 && namespaces[i] != CLONE_NEWTIME)
			rc = refuse_value(filter, "clone", 0, namespaces[i], namespaces[i]);
	}
	for (size_t i = 0; rc == 0 && calls & SANDBOX_CALLS_CHROOT && i < ARRAY_SIZE(of_caller); i++)
		rc = refuse(filter, of_caller[i].name, EPERM, 1,
			    compare(of_caller[i].argument, SCMP_CMP_NE, of_caller[i].allowed));
	if (rc == 0 && calls & SANDBOX_CALLS_OPAQUE)
		rc = seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(setxattr), 0);
	if (rc == 0)
		rc = refuse_families(filter, "socket");
	return rc ? rc : refuse_families(filter, "socketpair");
}

int sandbox_calls_refuse(unsigned calls, int *ret_listener, struct error *err)
{
	CLEANUP(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter)
		return error_set(err, ERROR_HOST, "libseccomp cannot make a filter of system calls");
	/* Another ABI (x32, 32 bits) has other numbers: none of its calls exists. SSB: no mitigation of speculation that
	 * slows compilers down; the sandbox keeps no secrets from itself. */
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = fill(filter, calls);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc == 0 && calls & SANDBOX_CALLS_OPAQUE)
		*ret_listener = seccomp_notify_fd(filter);
	if (rc == 0)
		return 0;
	error_errno(err, -rc,
		    "refuse system calls to the sandbox with a seccomp filter; allow this container seccomp(2)");
	err->class = ERROR_HOST;
	return -1;
}
