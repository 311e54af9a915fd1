/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox consists of three processes. The monitor is the caller's child; it waits outside and passes on
 * SIGTERM. The second is the init process of the PID namespace (pid_namespaces(7)): it reaps orphans, and
 * when it ends, the kernel kills everything inside. It dies with the monitor, and the monitor with the
 * caller. The third runs the program.
 */
#include "builder/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/sandbox/mount.h"
#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox_chroot.h"
#include "builder/sandbox/sandbox_restrict.h"
#include "builder/sandbox/sandbox_setup.h"
#include "builder/sandbox/sandbox_userns.h"
#include "lib/alloc.h"

/* The monitor makes the PID namespace for its child and stays in the caller's mount namespace, where it can
 * clean up; the child makes the other namespaces. */
#define MONITOR_NAMESPACES CLONE_NEWPID
#define INNER_NAMESPACES (CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS)

/* The environment of dpkg, debconf and the maintainer scripts; no variable of the caller is passed on. */
static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"SHELL=/bin/sh",
	"TERM=dumb",
	"LANG=C.UTF-8",
	"LC_ALL=C.UTF-8",
	"LANGUAGE=C.UTF-8",
	"TZ=UTC",
	"DEBIAN_FRONTEND=noninteractive",
	"DEBCONF_NONINTERACTIVE_SEEN=true",
	"SYSTEMD_OFFLINE=1",
};

static volatile sig_atomic_t supervised; /* pid that SIGTERM is passed on to */

static void pass_on(int signal_number)
{
	if (supervised > 0)
		kill(supervised, signal_number);
}

/* Waits for pid, reaps all other children meanwhile, and exits with pid's status. */
NORETURN static void supervise(pid_t pid, const sigset_t *mask, const char *policy_root)
{
	struct sigaction pass = { .sa_handler = pass_on };
	int status = 0;
	pid_t ended;

	supervised = pid;
	sigaction(SIGTERM, &pass, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	do
		ended = waitpid(-1, &status, 0);
	while (ended != pid && (ended >= 0 || errno == EINTR));
	if (policy_root)
		sandbox_setup_close_policy(policy_root);
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* In the init process: arranges to die with the monitor. The pipe shows whether the monitor died before
 * prctl(2) was called. */
static void die_with_monitor(int lifeline)
{
	struct pollfd monitor = { .fd = lifeline };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&monitor, 1, 0) != 0)
		_exit(1);
	close(lifeline);
}

/* Forks: the child returns 0, the parent supervises it and never returns. The parent closes every
 * descriptor except the first three and `keep`: a pipe that it kept open would never end for its reader. */
static int fork_and_supervise(int keep, const char *policy_root, struct error *err)
{
	sigset_t term, mask;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &mask);
	pid_t pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "start a process in the sandbox");
	if (pid > 0) {
		if (keep > STDERR_FILENO + 1)
			close_range(STDERR_FILENO + 1, (unsigned)keep - 1, 0);
		close_range((unsigned)(keep > STDERR_FILENO ? keep : STDERR_FILENO) + 1, ~0U, 0);
		supervise(pid, &mask, policy_root);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return 0;
}

static int unshare_namespaces(int namespaces, struct error *err)
{
	if (unshare(namespaces) == 0)
		return 0;
	error_errno(err, errno, "make private namespaces; run as root");
	err->class = ERROR_HOST;
	return -1;
}

static int inner_namespaces(const struct sandbox *s)
{
	/* Docker's daemon looks at all controllers, which only the topmost cgroup has. */
	return INNER_NAMESPACES | (s->network ? 0 : CLONE_NEWNET) |
	       (s->rights >= SANDBOX_HOST_ROOT ? 0 : CLONE_NEWCGROUP);
}

/* The third process unshares its mounts once more: ischroot(1) recognizes a chroot by mounts that differ
 * from those of PID 1. If ischroot recognizes none, libc6's postinst waits a second for the machine's
 * init. */
static int enter_namespaces(const struct sandbox *s, struct error *err)
{
	if (unshare_namespaces(inner_namespaces(s), err) < 0 || sandbox_setup_enter(s, err) < 0 ||
	    fork_and_supervise(-1, NULL, err) < 0 || unshare_namespaces(CLONE_NEWNS, err) < 0)
		return -1;
	return s->rights >= SANDBOX_HOST_ROOT
		       ? 0
		       : sandbox_userns_enter(s->rights >= SANDBOX_MOUNTS, sandbox_restrict_opaque(s), err);
}

/* Returns 0 in the third process only, and -1 in the process that failed. */
static int enter(const struct sandbox *s, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	if (!rootless_restricted() && unshare_namespaces(MONITOR_NAMESPACES, err) < 0)
		return -1;
	bool policy = s->forbid_services && sandbox_setup_open_policy(s->root);
	if (fork_and_supervise(ends[1], policy ? s->root : NULL, err) < 0) {
		if (policy)
			sandbox_setup_close_policy(s->root);
		return -1;
	}
	close(ends[1]);
	die_with_monitor(ends[0]);
	setsid(); /* without a terminal: /dev/tty would be the caller's */
	if ((rootless_restricted() ? sandbox_chroot_enter : enter_namespaces)(s, err) < 0 ||
	    sandbox_restrict(s, err) < 0)
		return -1;
	/* Descriptors that an outer caller left open without O_CLOEXEC do not reach the program. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	return 0;
}

/* The context of process_run()'s hooks. */
struct inside_context {
	const struct sandbox *sandbox;
	const struct process *process;
};

static int inside_setup(void *context, struct error *err)
{
	const struct inside_context *in = context;

	return enter(in->sandbox, err);
}

static void inside_line(void *context, const char *line)
{
	const struct inside_context *in = context;

	in->process->line(in->process->context, line);
}

/* The default environment, then the sandbox's own, which overrides it. */
static void make_environment(const struct sandbox *s, struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++) {
		bool given = false;
		size_t name = strcspn(environment[i], "=") + 1;
		for (size_t j = 0; j < s->environment.n; j++)
			given |= !strncmp(environment[i], s->environment.at[j], name);
		if (!given)
			strings_add(ret, environment[i]);
	}
	strings_append(ret, &s->environment);
}

static struct process inside_process(const struct inside_context *in, char *const *env)
{
	struct process p = *in->process;

	p.env = env;
	p.setup = inside_setup;
	p.line = p.line ? inside_line : NULL;
	p.context = (void *)in;
	if (!p.failure)
		p.failure = ERROR_COMMAND;
	return p;
}

/* Namespaces end as a whole; after a chroot, what was moved aside must have been moved back. */
static int check_end(const struct sandbox *s, struct error *err)
{
	return rootless_restricted() ? sandbox_chroot_check(s, err) : 0;
}

int sandbox_run(const struct sandbox *sandbox, const struct process *p, struct error *err)
{
	CLEANUP(strings_done) struct strings env = { 0 };
	struct inside_context in = { sandbox, p };

	make_environment(sandbox, &env);
	struct process inside = inside_process(&in, strings_argv(&env));
	if (process_run(&inside, err) < 0)
		return -1;
	return check_end(sandbox, err);
}

pid_t sandbox_start(const struct sandbox *sandbox, const struct process *p, int output_fd, struct error *err)
{
	CLEANUP(strings_done) struct strings env = { 0 };
	struct inside_context in = { sandbox, p };

	make_environment(sandbox, &env);
	struct process inside = inside_process(&in, strings_argv(&env));
	return process_start(&inside, output_fd, err);
}

struct sandbox_call {
	const struct sandbox *sandbox;
	job_fn *fn;
	void *context;
};

static int call_inside(void *context, struct error *err)
{
	const struct sandbox_call *call = context;
	CLEANUP(strings_done) struct strings env = { 0 };

	if (enter(call->sandbox, err) < 0)
		return -1;
	make_environment(call->sandbox, &env);
	environ = strings_argv(&env);
	return call->fn(call->context, err);
}

int sandbox_call(const struct sandbox *sandbox, job_fn *fn, void *context, struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };
	struct sandbox_call call = { sandbox, fn, context };

	if (job_start(&job, call_inside, &call, err) < 0)
		return -1;
	if (job_wait(&job, err) < 0)
		return -1;
	return check_end(sandbox, err);
}

int sandbox_release(const char *program, bool *ret_called, struct error *err)
{
	*ret_called = sandbox_setup_called(program);
	if (access(program, F_OK) < 0)
		return 0;
	if (rootless_restricted())
		return sandbox_chroot_release(program, err);
	return sandbox_userns_entered() ? sandbox_userns_unmount(program, err) : mount_detach(program, err);
}

void sandbox_done(struct sandbox *sandbox)
{
	sandbox_binds_done(&sandbox->binds);
	strings_done(&sandbox->environment);
	strings_done(&sandbox->stubbed);
}

int sandbox_no_network(struct error *err)
{
	return rootless_restricted() ? sandbox_chroot_no_network(err) : unshare_namespaces(CLONE_NEWNET, err);
}

int sandbox_private_mounts(struct error *err)
{
	if (rootless_restricted())
		return 0; /* there will be none */
	if (unshare_namespaces(CLONE_NEWNS, err) < 0)
		return -1;
	return mount_attach("none", "/", NULL, "rprivate", err);
}

int sandbox_mount_tmpfs(const char *target, unsigned long long size, struct error *err)
{
	CLEANUP(free_p) char *options = xasprintf("nosuid,nodev,mode=755,size=%llu", size);

	return mount_attach("nodekiln", target, "tmpfs", options, err);
}

int sandbox_mount_overlay(const char *lower, const char *upper, const char *work, const char *target, struct error *err)
{
	/* In a user namespace trusted.* attributes cannot be set; with user.* ones the kernel follows no
	 * redirects anyway. */
	const char *attributes = rootless() ? "userxattr" : "redirect_dir=off";
	CLEANUP(free_p)
	char *options = xasprintf("lowerdir=%s,upperdir=%s,workdir=%s,metacopy=off,index=off,%s", lower, upper, work,
				  attributes);

	return mount_attach("nodekiln", target, "overlay", options, err);
}

int sandbox_mount_bind(const char *source, const char *target, struct error *err)
{
	return mount_attach(source, target, NULL, "bind", err);
}

int sandbox_unmount(const char *target, struct error *err)
{
	return mount_detach(target, err);
}
