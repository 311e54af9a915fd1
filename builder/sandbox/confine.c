/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sandbox/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "builder/sandbox/seccomp.h"

#define NOBODY 65534

static bool done;

bool confined(void)
{
	return done;
}

/* Everything else fails with EPERM, by which libraries do without: locales, character sets, the list of processors. */
static const int allowed[] = {
	/* descriptors that are open */
	SYS_read,
	SYS_readv,
	SYS_pread64,
	SYS_preadv,
	SYS_write,
	SYS_writev,
	SYS_pwrite64,
	SYS_pwritev,
	SYS_lseek,
	SYS_close,
	SYS_fstat,
	SYS_fstatfs,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_fsync,
	SYS_dup,
	SYS_copy_file_range,
	/* memory */
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mremap,
	SYS_mprotect,
	SYS_madvise,
	/* threads of this process, and its end */
	SYS_futex,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_gettid,
	SYS_getpid,
	SYS_exit,
	SYS_exit_group,
	/* signals, time, chance, limits */
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	SYS_getrandom,
	SYS_sysinfo,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
};

#define ALLOWED ARRAY_SIZE(allowed)

/* The fixed part of the filter: calls of which the arguments count. */
static const struct sock_filter head[] = {
	FILTER_LOOK_AT(arch),
	FILTER_IS(FILTER_NATIVE, 1, 0),
	FILTER_ANSWER(SECCOMP_RET_KILL_PROCESS),
	FILTER_LOOK_AT(nr),
	/* glibc tries clone3(2), whose arguments are not visible here, and takes clone(2) where there is none. */
	FILTER_IS(SYS_clone3, 0, 1),
	FILTER_ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
	FILTER_IS(SYS_clone, 0, 4),
	FILTER_LOOK_AT(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
	FILTER_ANSWER(SECCOMP_RET_ALLOW),
	FILTER_ANSWER(SECCOMP_RET_ERRNO | EPERM),
	/* fstat(3) of some versions of glibc. With a path it finds nothing: see hide_files(). */
	FILTER_IS(SYS_newfstatat, 0, 1),
	FILTER_ANSWER(SECCOMP_RET_ALLOW),
	/* Not F_SETOWN and F_SETSIG: the kernel would send the signal to any process of the user who ran the program. */
	FILTER_IS(SYS_fcntl, 0, 9),
	FILTER_LOOK_AT(args[1]),
	FILTER_IS(F_DUPFD, 6, 0),
	FILTER_IS(F_DUPFD_CLOEXEC, 5, 0),
	FILTER_IS(F_GETFD, 4, 0),
	FILTER_IS(F_SETFD, 3, 0),
	FILTER_IS(F_GETFL, 2, 0),
	FILTER_IS(F_SETFL, 1, 0),
	FILTER_ANSWER(SECCOMP_RET_ERRNO | EPERM),
	FILTER_ANSWER(SECCOMP_RET_ALLOW),
};
#define HEAD ARRAY_SIZE(head)
#define OWN_SIGNALS 5

/* Each allowed call is one comparison, which jumps to the end of the list. */
static int install_filter(struct error *err)
{
	/* abort(3) signals this process. */
	const struct sock_filter own_signals[OWN_SIGNALS] = {
		FILTER_IS(SYS_tgkill, 0, 4),         FILTER_LOOK_AT(args[0]),
		FILTER_IS((unsigned)getpid(), 1, 0), FILTER_ANSWER(SECCOMP_RET_ERRNO | EPERM),
		FILTER_ANSWER(SECCOMP_RET_ALLOW),
	};
	struct sock_filter filter[HEAD + OWN_SIGNALS + ALLOWED + 2];
	size_t n = HEAD + OWN_SIGNALS;

	_Static_assert(ALLOWED < 256, "a jump of BPF has 8 bits");
	memcpy(filter, head, sizeof head);
	memcpy(filter + HEAD, own_signals, sizeof own_signals);
	for (size_t i = 0; i < ALLOWED; i++)
		filter[n++] = (struct sock_filter)FILTER_IS((unsigned)allowed[i], (unsigned char)(ALLOWED - i), 0);
	filter[n++] = (struct sock_filter)FILTER_ANSWER(SECCOMP_RET_ERRNO | EPERM);
	filter[n++] = (struct sock_filter)FILTER_ANSWER(SECCOMP_RET_ALLOW);
	return seccomp_install(filter, n, 0, err);
}

/* stat(2) says which files there are. In place of them are the numbers of this process's descriptors. */
static void hide_files(void)
{
	if (chroot("/proc/self/fdinfo") == 0)
		(void)!chdir("/");
}

/* Ids first: root may always leave them, and a user namespace of `nobody` has nothing that root's would have. */
static int drop_ids(struct error *err)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return error_errno(err, errno, "become the user nobody to read an image");
	return 0;
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	/* In a user namespace of its own they are capabilities over nothing; the filter forbids what they are for, too. */
	syscall(SYS_capset, &header, none);
}

int confine(struct error *err)
{
	const struct rlimit no_core = { 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	/* Made by root while it is root: hosts may forbid user namespaces to others. */
	bool separate = unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0;
	hide_files(); /* without a namespace only root can */
	if (!separate && drop_ids(err) < 0)
		return -1;
	drop_capabilities();
	if (install_filter(err) < 0)
		return -1;
	done = true;
	return 0;
}
