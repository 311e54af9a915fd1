/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "builder/sandbox/sandbox.h"
#include "lib/file.h"
#include "tests/unit/check.h"

/* A tree of nothing but links to the host's programs, which are shown in it. */
struct room {
	char path[32];
	int root;
	struct sandbox sandbox;
};

static bool room_open(struct room *r)
{
	static const char *const links[] = { "bin", "sbin", "lib", "lib64" };
	struct error err = { 0 };

	*r = (struct room){ .root = -1 };
	if (geteuid() != 0) {
		printf("# a sandbox needs root\n");
		return false;
	}
	strcpy(r->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(r->path))
		abort();
	r->root = dir_open(AT_FDCWD, r->path, &err);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		CLEANUP(free_p) char *target = xasprintf("usr/%s", links[i]);
		if (symlinkat(target, r->root, links[i]) < 0)
			abort();
	}
	r->sandbox.root = r->path;
	strings_add(&r->sandbox.binds, "/usr:/usr");
	return true;
}

static void room_done(struct room *r)
{
	struct error err = { 0 };

	sandbox_done(&r->sandbox);
	close_p(&r->root);
	if (r->path[0] && tree_remove(AT_FDCWD, r->path, &err) < 0)
		printf("# %s\n", err.text);
}

/* Runs a few words of shell in the room and returns what it said. */
static int shell(const struct room *r, const char *words, struct text *said, struct error *err)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)words, NULL };

	return sandbox_run(&r->sandbox, &(struct process){ .argv = argv, .output = said }, err);
}

#define CHECK_SAYS(room, words, want)                                                                                  \
	do {                                                                                                           \
		CLEANUP(text_done) struct text said_ = { 0 };                                                          \
		struct error err_ = { 0 };                                                                             \
		int rc_ = shell(room, words, &said_, &err_);                                                           \
		CHECK_STR(rc_ < 0 ? err_.text : text_trim(said_.data), want);                                          \
	} while (0)

TEST(sandbox_walls)
{
	CLEANUP(room_done) struct room r;

	if (!room_open(&r))
		return;
	setenv("SECRET_OF_THE_CALLER", "1", 1);
	CHECK_SAYS(&r, "echo /*", "/bin /dev /lib /lib64 /proc /run /sbin /tmp /usr");
	CHECK_SAYS(&r, "echo $$", "2");
	CHECK_SAYS(&r, "echo ${SECRET_OF_THE_CALLER-unset} $DEBIAN_FRONTEND $LC_ALL", "unset noninteractive C.UTF-8");
	CHECK_SAYS(&r, "ischroot && echo chroot", "chroot");
	CHECK_SAYS(&r, "cat /proc/sys/kernel/hostname", "localhost");
	CHECK_SAYS(&r, "(echo x >/proc/sys/kernel/hostname) 2>/dev/null || echo refused", "refused");
	CHECK_SAYS(&r, "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '", "lo");
	CHECK_SAYS(&r, "echo x >/dev/null && head -c 3 /dev/zero | wc -c", "3");
	CHECK_SAYS(&r, "echo /tmp/* /run/*", "/tmp/* /run/*");
	CHECK_SAYS(&r, "ls /proc/self/fd | wc -l", "4");
	CHECK_SAYS(&r, "grep -c nodekiln-test /proc/self/mounts", "sh: exit status 1");
}

TEST(sandbox_leaves_no_trace)
{
	CLEANUP(room_done) struct room r;
	CLEANUP(text_done) struct text before = { 0 }, after = { 0 };
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK(file_read(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &before, &err) == 0);
	CHECK_SAYS(&r, "mkdir /made && mount -t tmpfs x /made && echo mounted", "mounted");
	CHECK(file_read(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &after, &err) == 0);
	CHECK_STR(after.data, before.data);
	CHECK(faccessat(r.root, "made", F_OK, 0) == 0);
}

TEST(sandbox_reports)
{
	CLEANUP(room_done) struct room r;
	CLEANUP(text_done) struct text said = { 0 };
	struct error err = { 0 };
	char *const missing[] = { (char *)"no-such-program", NULL };

	if (!room_open(&r))
		return;
	CHECK(shell(&r, "echo why >&2; exit 3", &said, &err) < 0);
	CHECK(err.class == ERROR_COMMAND);
	CHECK_STR(err.text, "sh: exit status 3: why");
	CHECK(shell(&r, "kill -9 $$", &said, &err) < 0);
	CHECK_STR(err.text, "sh: exit status 137");
	CHECK(sandbox_run(&r.sandbox, &(struct process){ .argv = missing }, &err) < 0);
	CHECK(strstr(err.text, "no-such-program"));
	struct sandbox nowhere = { .root = "/no/such/tree" };
	CHECK(sandbox_run(&nowhere, &(struct process){ .argv = missing }, &err) < 0);
	CHECK(strstr(err.text, "/no/such/tree"));
}

TEST(sandbox_held_programs)
{
	CLEANUP(room_done) struct room r;
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK(file_write_in(r.root, "opt/loud", "#!/bin/sh\necho loud\n", 20, 0755, &err) == 0);
	CHECK_SAYS(&r, "/opt/loud", "loud");
	strings_add(&r.sandbox.stubbed, "/opt/loud");
	strings_add(&r.sandbox.stubbed, "/opt/missing");
	CHECK_SAYS(&r, "/opt/loud; echo $?", "0");
	CHECK(file_read_in(r.root, "opt/loud", 100, &t, &err) == 0);
	CHECK_STR(t.data, "#!/bin/sh\necho loud\n");
}

static int release(void *context, struct error *err)
{
	CLEANUP(text_done) struct text said = { 0 };
	char *const loud[] = { (char *)"/opt/loud", NULL };
	bool called;

	(void)context;
	if (process_capture(loud, &said, err) < 0 || said.len)
		return error_set(err, ERROR_FAILED, "held, it said '%s'", said.len ? said.data : err->text);
	if (sandbox_release("/opt/loud", &called, err) < 0)
		return -1;
	if (!called || process_capture(loud, &said, err) < 0 || strcmp(said.data, "loud\n"))
		return error_set(err, ERROR_FAILED, "released, it said '%s'", said.len ? said.data : err->text);
	if (sandbox_release("/opt/missing", &called, err) < 0 || called)
		return error_set(err, ERROR_FAILED, "a missing program was called");
	return 0;
}

TEST(sandbox_releases_held_programs)
{
	CLEANUP(room_done) struct room r;
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK(file_write_in(r.root, "opt/loud", "#!/bin/sh\necho loud\n", 20, 0755, &err) == 0);
	strings_add(&r.sandbox.stubbed, "/opt/loud");
	strings_add(&r.sandbox.stubbed, "/opt/missing");
	int rc = sandbox_call(&r.sandbox, release, NULL, &err);
	CHECK_STR(rc < 0 ? err.text : "", "");
}

/* A policy-rc.d stands only while the sandbox does, and one that the tree has comes back. */
TEST(sandbox_forbids_services)
{
	CLEANUP(room_done) struct room r;
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	r.sandbox.forbid_services = true;
	strings_done(&r.sandbox.binds);
	strings_add(&r.sandbox.binds, "/usr/bin:/usr/bin");
	strings_add(&r.sandbox.binds, "/usr/lib:/usr/lib");
	strings_add(&r.sandbox.binds, "/usr/lib64:/usr/lib64");
	CHECK(dir_make_in(r.root, "usr/sbin", 0755, &err) == 0);
	CHECK_SAYS(&r, "/usr/sbin/policy-rc.d; echo $?", "101");
	CHECK(!file_exists_in(r.root, "usr/sbin/policy-rc.d"));
	CHECK(file_write_in(r.root, "usr/sbin/policy-rc.d", "mine", 4, 0755, &err) == 0);
	CHECK_SAYS(&r, "/usr/sbin/policy-rc.d; echo $?", "101");
	CHECK(file_read_in(r.root, "usr/sbin/policy-rc.d", 100, &t, &err) == 0);
	CHECK_STR(t.data, "mine");
}

/* A link in the tree must not make us mount over the host. */
TEST(sandbox_refuses_linked_mount_points)
{
	CLEANUP(room_done) struct room r;
	CLEANUP(text_done) struct text said = { 0 };
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK(symlinkat("/etc", r.root, "tmp") == 0);
	CHECK(shell(&r, "true", &said, &err) < 0);
	CHECK(strstr(err.text, "/tmp is a symbolic link"));
}

static int inside(void *context, struct error *err)
{
	CLEANUP(text_done) struct text said = { 0 };

	if (access(context, F_OK) == 0)
		return error_set(err, ERROR_FAILED, "the host's %s can be seen", (const char *)context);
	if (process_capture((char *[]){ (char *)"sh", (char *)"-c", (char *)"echo $DEBIAN_FRONTEND", NULL }, &said,
			    err) < 0)
		return -1;
	return strcmp(said.data, "noninteractive\n") ? error_set(err, ERROR_FAILED, "said %s", said.data) : 0;
}

TEST(sandbox_call_runs_our_code_inside)
{
	CLEANUP(room_done) struct room r;
	struct error err = { 0 };

	if (!room_open(&r))
		return;
	CHECK(sandbox_call(&r.sandbox, inside, r.path, &err) == 0);
	CHECK(sandbox_call(&r.sandbox, inside, (void *)"/usr", &err) < 0);
	CHECK_STR(err.text, "the host's /usr can be seen");
}

/* True when a process with this argument runs, anywhere. */
static bool runs(const char *mark)
{
	char *const argv[] = { (char *)"pgrep", (char *)"-f", (char *)mark, NULL };
	CLEANUP(text_done) struct text said = { 0 };
	struct error err = { 0 };

	return process_capture(argv, &said, &err) == 0;
}

static bool becomes(bool (*check)(const char *), const char *mark, bool want)
{
	for (int i = 0; i < 100; i++) {
		if (check(mark) == want)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	return false;
}

/* SIGKILL of the builder leaves nobody behind: not the daemon that was started inside either. */
TEST(sandbox_dies_with_its_builder)
{
	CLEANUP(room_done) struct room r;
	char mark[32];

	if (!room_open(&r))
		return;
	snprintf(mark, sizeof mark, "sleep 86%03d", (int)(getpid() % 1000));
	CLEANUP(free_p) char *words = xasprintf("setsid %s & exec %s", mark, mark);
	pid_t builder = fork();
	if (builder == 0) {
		struct error err = { 0 };
		_exit(shell(&r, words, NULL, &err) == 0);
	}
	CHECK(becomes(runs, mark, true));
	kill(builder, SIGKILL);
	waitpid(builder, NULL, 0);
	CHECK(becomes(runs, mark, false));
}

TEST(sandbox_start_passes_sigterm_on)
{
	CLEANUP(room_done) struct room r;
	struct error err = { 0 };
	char *const argv[] = { (char *)"sh", (char *)"-c",
			       (char *)"trap 'echo bye >/bye; exit 0' TERM; echo up >/up; while :; do sleep 0.1; done",
			       NULL };

	if (!room_open(&r))
		return;
	pid_t pid = sandbox_start(&r.sandbox, &(struct process){ .argv = argv }, -1, &err);
	CHECK(pid > 0);
	for (int i = 0; i < 100 && !file_exists_in(r.root, "up"); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	process_stop(pid, 5000);
	CHECK(file_exists_in(r.root, "bye"));
}
