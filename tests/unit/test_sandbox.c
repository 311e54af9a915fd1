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
#include "lib/job.h"
#include "tests/unit/check.h"

/* A tree that has only links to the host's programs, which are bind-mounted in it. */
struct fixture {
	char path[32];
	int root;
	struct sandbox sandbox;
};

static bool fixture_open(struct fixture *f)
{
	static const char *const links[] = { "bin", "sbin", "lib", "lib64" };
	struct error err = { 0 };

	*f = (struct fixture){ .root = -1 };
	if (geteuid() != 0)
		return false;
	strcpy(f->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(f->path))
		abort();
	f->root = dir_open(AT_FDCWD, f->path, &err);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		CLEANUP(free_p) char *target = xasprintf("usr/%s", links[i]);
		if (symlinkat(target, f->root, links[i]) < 0)
			abort();
	}
	f->sandbox.root = f->path;
	sandbox_binds_add(&f->sandbox.binds, "/usr", "/usr");
	return true;
}

static void fixture_done(struct fixture *f)
{
	struct error err = { 0 };

	sandbox_done(&f->sandbox);
	close_p(&f->root);
	if (f->path[0] && tree_remove(AT_FDCWD, f->path, &err) < 0)
		printf("# %s\n", err.text);
}

/* Runs a few words of shell in the sandbox and returns its output. */
static int shell(const struct fixture *f, const char *words, struct text *said, struct error *err)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)words, NULL };

	return sandbox_run(&f->sandbox, &(struct process){ .argv = argv, .output = said }, err);
}

#define CHECK_SAYS(fixture, words, want)                                                                               \
	do {                                                                                                           \
		CLEANUP(text_done) struct text said_ = { 0 };                                                          \
		struct error err_ = { 0 };                                                                             \
		int rc_ = shell(fixture, words, &said_, &err_);                                                        \
		CHECK_STR(rc_ < 0 ? err_.text : text_trim(said_.data), want);                                          \
	} while (0)

TEST(sandbox_isolates)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	setenv("SECRET_OF_THE_CALLER", "1", 1);
	CHECK_SAYS(&f, "echo /*", "/bin /dev /lib /lib64 /proc /run /sbin /tmp /usr");
	CHECK_SAYS(&f, "echo $$", "2");
	CHECK_SAYS(&f, "echo ${SECRET_OF_THE_CALLER-unset} $DEBIAN_FRONTEND $LC_ALL", "unset noninteractive C.UTF-8");
	CHECK_SAYS(&f, "ischroot && echo chroot", "chroot");
	CHECK_SAYS(&f, "cat /proc/sys/kernel/hostname", "localhost");
	CHECK_SAYS(&f, "(echo x >/proc/sys/kernel/hostname) 2>/dev/null || echo refused", "refused");
	CHECK_SAYS(&f, "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '", "lo");
	CHECK_SAYS(&f, "echo x >/dev/null && head -c 3 /dev/zero | wc -c", "3");
	CHECK_SAYS(&f, "echo /tmp/* /run/*", "/tmp/* /run/*");
	CHECK_SAYS(&f, "ls /proc/self/fd | wc -l", "4");
	CHECK_SAYS(&f, "grep -c nodekiln-test /proc/self/mounts", "sh: exit status 1");
}

TEST(sandbox_leaves_no_trace)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text before = { 0 }, after = { 0 };
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	f.sandbox.rights = SANDBOX_MOUNTS;
	CHECK(file_read(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &before, &err) == 0);
	CHECK_SAYS(&f, "mkdir /made && mount -t tmpfs x /made && echo mounted", "mounted");
	CHECK(file_read(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &after, &err) == 0);
	CHECK_STR(after.data, before.data);
	CHECK(faccessat(f.root, "made", F_OK, 0) == 0);
}

/* Its programs have ids of their own namespace, and all that the tree's files have. */
TEST(sandbox_maps_every_id)
{
	CLEANUP(fixture_done) struct fixture f;
	struct stat st;

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_SAYS(&f, "id -u; touch /a && chown 65534:65000 /a && stat -c %u:%g /a", "0\n65534:65000");
	CHECK(fstatat(f.root, "a", &st, 0) == 0 && st.st_uid == 65534 && st.st_gid == 65000);
	CHECK_SAYS(&f, "touch /b && chown 4000000:4000000 /b && stat -c %u /b", "4000000");
	CLEANUP(text_done) struct text inside = { 0 };
	struct error err = { 0 };
	char outside[64] = "";
	CHECK(shell(&f, "readlink /proc/self/ns/user", &inside, &err) == 0);
	CHECK(readlink("/proc/self/ns/user", outside, sizeof outside - 1) > 0);
	CHECK(strcmp(text_trim(inside.data), outside) != 0);
}

TEST(sandbox_mounts_with_the_right_to)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK_SAYS(&f, "mkdir /m; mount -t tmpfs x /m 2>/dev/null || echo refused", "refused");
	f.sandbox.rights = SANDBOX_MOUNTS;
	CHECK_SAYS(&f, "mount -t tmpfs x /m && echo mounted", "mounted");
	CHECK_SAYS(&f, "mount -o remount,bind,rw /proc/sys 2>/dev/null || echo locked", "locked");
	CHECK_SAYS(&f, "umount /proc/sys 2>/dev/null || echo locked", "locked");
	CHECK_SAYS(&f, "mount -t cgroup2 x /m 2>/dev/null || echo refused", "refused");
}

TEST(sandbox_reports)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text said = { 0 };
	struct error err = { 0 };
	char *const missing[] = { (char *)"no-such-program", NULL };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK(shell(&f, "echo why >&2; exit 3", &said, &err) < 0);
	CHECK(err.class == ERROR_COMMAND);
	CHECK_STR(err.text, "sh: exit status 3");
	CHECK_STR(err.private.text, "why");
	CHECK(shell(&f, "kill -9 $$", &said, &err) < 0);
	CHECK_STR(err.text, "sh: exit status 137");
	CHECK(sandbox_run(&f.sandbox, &(struct process){ .argv = missing }, &err) < 0);
	CHECK(strstr(err.text, "no-such-program"));
	struct sandbox nowhere = { .root = "/no/such/tree" };
	CHECK(sandbox_run(&nowhere, &(struct process){ .argv = missing }, &err) < 0);
	CHECK(strstr(err.text, "/no/such/tree"));
}

TEST(sandbox_stubs_programs)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK(file_write_in(f.root, "opt/loud", "#!/bin/sh\necho loud\n", 20, 0755, &err) == 0);
	CHECK_SAYS(&f, "/opt/loud", "loud");
	strings_add(&f.sandbox.stubbed, "/opt/loud");
	strings_add(&f.sandbox.stubbed, "/opt/missing");
	CHECK_SAYS(&f, "/opt/loud; echo $?", "0");
	CHECK(file_read_in(f.root, "opt/loud", 100, &t, &err) == 0);
	CHECK_STR(t.data, "#!/bin/sh\necho loud\n");
}

static int release(void *context, struct error *err)
{
	CLEANUP(text_done) struct text said = { 0 };
	char *const loud[] = { (char *)"/opt/loud", NULL };
	bool called;

	(void)context;
	if (process_capture(loud, &said, err) < 0 || said.len)
		return error_set(err, ERROR_FAILED, "stubbed, it printed '%s'", said.len ? said.data : err->text);
	if (sandbox_release("/opt/loud", &called, err) < 0)
		return -1;
	if (!called || process_capture(loud, &said, err) < 0 || strcmp(said.data, "loud\n"))
		return error_set(err, ERROR_FAILED, "released, it printed '%s'", said.len ? said.data : err->text);
	if (sandbox_release("/opt/missing", &called, err) < 0 || called)
		return error_set(err, ERROR_FAILED, "a missing program was called");
	return 0;
}

TEST(sandbox_release_removes_stub)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK(file_write_in(f.root, "opt/loud", "#!/bin/sh\necho loud\n", 20, 0755, &err) == 0);
	strings_add(&f.sandbox.stubbed, "/opt/loud");
	strings_add(&f.sandbox.stubbed, "/opt/missing");
	int rc = sandbox_call(&f.sandbox, release, NULL, &err);
	CHECK_STR(rc < 0 ? err.text : "", "");
}

/* policy-rc.d is replaced only while the sandbox runs, and one of the tree is restored. */
TEST(sandbox_forbids_services)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	f.sandbox.forbid_services = true;
	sandbox_binds_done(&f.sandbox.binds);
	sandbox_binds_add(&f.sandbox.binds, "/usr/bin", "/usr/bin");
	sandbox_binds_add(&f.sandbox.binds, "/usr/lib", "/usr/lib");
	sandbox_binds_add(&f.sandbox.binds, "/usr/lib64", "/usr/lib64");
	CHECK(dir_make_in(f.root, "usr/sbin", 0755, &err) == 0);
	CHECK_SAYS(&f, "/usr/sbin/policy-rc.d; echo $?", "101");
	CHECK(!file_exists_in(f.root, "usr/sbin/policy-rc.d"));
	CHECK(file_write_in(f.root, "usr/sbin/policy-rc.d", "mine", 4, 0755, &err) == 0);
	CHECK_SAYS(&f, "/usr/sbin/policy-rc.d; echo $?", "101");
	CHECK(file_read_in(f.root, "usr/sbin/policy-rc.d", 100, &t, &err) == 0);
	CHECK_STR(t.data, "mine");
}

/* A link in the tree must not make the sandbox mount over the host. */
TEST(sandbox_refuses_linked_mount_points)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text said = { 0 };
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK(symlinkat("/etc", f.root, "tmp") == 0);
	CHECK(shell(&f, "true", &said, &err) < 0);
	CHECK(strstr(err.text, "/tmp is a symbolic link"));
}

/* The mount points of binds are made, with their parent directories. */
TEST(sandbox_binds_below_missing_directories)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	sandbox_binds_add(&f.sandbox.binds, "/usr/bin", "/a/deep/directory");
	sandbox_binds_add(&f.sandbox.binds, "/bin/sh", "/another/deep/file");
	CHECK_SAYS(&f, "test -x /a/deep/directory/sh && test -x /another/deep/file && echo both", "both");
}

/* Its root has every right there, and still no write reaches the host: not a new file, not a change, not what is mounted below. */
TEST(sandbox_binds_read_only)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CLEANUP(free_p) char *host = xasprintf("%s/with space: and colon", f.path), *file = xasprintf("%s/file", host);
	CHECK(file_write_in(f.root, "with space: and colon/file", "kept", 4, 0666, &err) == 0);
	sandbox_binds_add_read_only(&f.sandbox.binds, host, "/read only");
	sandbox_binds_add_read_only(&f.sandbox.binds, file, "/tmp/one.tar");
	sandbox_binds_add(&f.sandbox.binds, host, "/both ways");
	CHECK_SAYS(&f, "cat '/read only/file' /tmp/one.tar", "keptkept");
	CHECK_SAYS(&f, "(echo x >'/read only/file') 2>&1 && echo done || echo failed",
		   "sh: 1: cannot create /read only/file: Read-only "
		   "file system\nfailed");
	CHECK_SAYS(&f, "(echo x >'/read only/new') 2>/dev/null && echo done || echo failed", "failed");
	CHECK_SAYS(&f, "(echo x >>/tmp/one.tar) 2>/dev/null && echo done || echo failed", "failed");
	CHECK_SAYS(&f, "rm -f '/read only/file' 2>/dev/null && echo done || echo failed", "failed");
	CHECK_SAYS(&f, "echo new >'/both ways/new' && cat '/read only/new'", "new");
	CHECK(file_read_in(f.root, "with space: and colon/file", 100, &t, &err) == 0);
	CHECK_STR(t.data, "kept");
}

TEST(sandbox_binds_read_only_with_mounts_below)
{
	CLEANUP(fixture_done) struct fixture f;

	if (!fixture_open(&f))
		SKIP("needs root");
	sandbox_binds_add_read_only(&f.sandbox.binds, "/dev", "/devices");
	CHECK_SAYS(&f, "(echo x >/devices/shm/nodekiln-test) 2>/dev/null && echo done || echo failed", "failed");
	CHECK(access("/dev/shm/nodekiln-test", F_OK) < 0);
}

static int count_files(void *outside, struct error *err)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n == *(unsigned *)outside ? 0 : error_set(err, ERROR_FAILED, "%u descriptors", n);
}

/* A function inside has the first three descriptors, the job's result and the keeper's socket, and nothing of the monitor. */
TEST(sandbox_call_leaves_no_descriptors_open)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };
	struct job job = { 0 };
	unsigned n = 0;

	if (!fixture_open(&f))
		SKIP("needs root");
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	n++; /* the pipe of the job */
	CHECK(job_start(&job, count_files, &n, &err) == 0);
	CHECK(job_wait(&job, &err) == 0); /* a plain job has as many */
	n++;                              /* the keeper */
	int rc = sandbox_call(&f.sandbox, count_files, &n, &err);
	CHECK_STR(rc < 0 ? err.text : "", "");
}

static int inside(void *context, struct error *err)
{
	CLEANUP(text_done) struct text said = { 0 };

	if (access(context, F_OK) == 0)
		return error_set(err, ERROR_FAILED, "the host's %s can be seen", (const char *)context);
	if (process_capture((char *[]){ (char *)"sh", (char *)"-c", (char *)"echo $DEBIAN_FRONTEND", NULL }, &said,
			    err) < 0)
		return -1;
	return strcmp(said.data, "noninteractive\n") ? error_set(err, ERROR_FAILED, "printed %s", said.data) : 0;
}

TEST(sandbox_call_runs_function_inside)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK(sandbox_call(&f.sandbox, inside, f.path, &err) == 0);
	CHECK(sandbox_call(&f.sandbox, inside, (void *)"/usr", &err) < 0);
	CHECK_STR(err.text, "the host's /usr can be seen");
}

/* A program inside has the user id of the process that called it, which has the builder's descriptors and memory. */
static int look_at_caller(void *context UNUSED, struct error *err)
{
	static const char words[] = "for f in /proc/$PPID/fd/* /proc/$PPID/root/; do [ -e \"$f\" ] && echo $f; done; "
				    "exec 2>&-; : <\"/proc/$PPID/mem\" && echo memory";
	CLEANUP(text_done) struct text said = { 0 };
	struct process sh = { .argv = (char *[]){ (char *)"sh", (char *)"-c", (char *)words, NULL }, .output = &said };

	(void)!process_run(&sh, err);
	return said.len ? error_set(err, ERROR_FAILED, "it reaches %s", said.data) : 0;
}

TEST(sandbox_call_hides_its_process_from_programs)
{
	CLEANUP(fixture_done) struct fixture f;
	CLEANUP(close_p) int host = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = { 0 };

	if (!fixture_open(&f))
		SKIP("needs root");
	CHECK(host >= 0);
	int rc = sandbox_call(&f.sandbox, look_at_caller, NULL, &err);
	CHECK_STR(rc < 0 ? err.text : "", "");
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

/* SIGKILL of the builder ends all processes inside, a daemon that was started there included. */
TEST(sandbox_dies_with_its_builder)
{
	CLEANUP(fixture_done) struct fixture f;
	char mark[32];

	if (!fixture_open(&f))
		SKIP("needs root");
	snprintf(mark, sizeof mark, "sleep 86%03d", (int)(getpid() % 1000));
	CLEANUP(free_p) char *words = xasprintf("setsid %s & exec %s", mark, mark);
	pid_t builder = fork();
	if (builder == 0) {
		struct error err = { 0 };
		_exit(shell(&f, words, NULL, &err) == 0);
	}
	CHECK(becomes(runs, mark, true));
	kill(builder, SIGKILL);
	waitpid(builder, NULL, 0);
	CHECK(becomes(runs, mark, false));
}

TEST(sandbox_start_passes_sigterm_on)
{
	CLEANUP(fixture_done) struct fixture f;
	struct error err = { 0 };
	char *const argv[] = { (char *)"sh", (char *)"-c",
			       (char *)"trap 'echo bye >/bye; exit 0' TERM; echo up >/up; while :; do sleep 0.1; done",
			       NULL };

	if (!fixture_open(&f))
		SKIP("needs root");
	pid_t pid = sandbox_start(&f.sandbox, &(struct process){ .argv = argv }, -1, &err);
	CHECK(pid > 0);
	for (int i = 0; i < 100 && !file_exists_in(f.root, "up"); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	process_stop(pid, 5000);
	CHECK(file_exists_in(f.root, "bye"));
}
