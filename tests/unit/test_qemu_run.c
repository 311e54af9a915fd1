/* SPDX-License-Identifier: Apache-2.0 */
/* The machine is a script in place of QEMU. */
#include <fcntl.h>

#include "builder/host/qemu.h"
#include "tests/unit/fake_root.h"

#define QEMU "qemu-system-x86_64"

static const struct qemu_plan plan = { .memory = 1ull << 30, .cpus = 1, .disk = "/dev/null" };
static const int no_files[] = { -1 };

TEST(qemu_run_ends_with_the_machine)
{
	FAKE_ROOT();
	struct error failed = { 0 };

	fake_program(path, QEMU, "echo \"$@\" >$root/arguments");
	CHECK(qemu_run(&plan, no_files, &err) == 0);
	CLEANUP(free_p) char *arguments = fake_get(path, "/arguments");
	CHECK(strstr(arguments, "-machine q35"));
	fake_program(path, QEMU, "exit 3");
	CHECK(qemu_run(&plan, no_files, &failed) < 0 && strstr(failed.text, "QEMU: ") && strstr(failed.text, "3"));
	FAKE_ROOT_END();
}

/* SIGTERM to this process while the machine runs: it is stopped, and the process continues. */
TEST(qemu_run_is_stopped_by_a_signal)
{
	FAKE_ROOT();

	fake_program(path, QEMU, "kill -TERM $PPID\nexec sleep 60");
	CHECK(qemu_run(&plan, no_files, &err) < 0);
	CHECK_STR(err.text, "the machine was stopped by signal 15 (Terminated)");
	FAKE_ROOT_END();
}

TEST(qemu_run_passes_files_and_the_terminal)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *name = xasprintf("%s/disk", path), *script = NULL;
	struct qemu_plan console = plan;

	console.console = true;
	fake_put(path, "/disk", "content");
	CLEANUP(close_p) int fd = open(name, O_RDONLY | O_CLOEXEC);
	const int files[] = { fd, -1 }, closed[] = { 9999, -1 };
	script = xasprintf("cat /proc/self/fd/%d >$root/seen", fd);
	fake_program(path, QEMU, script);
	CHECK(qemu_run(&console, files, &err) == 0);
	CLEANUP(free_p) char *seen = fake_get(path, "/seen");
	CHECK_STR(seen, "content");
	CHECK(qemu_run(&plan, closed, &err) < 0 && strstr(err.text, "pass file 9999 to QEMU"));
	FAKE_ROOT_END();
}

TEST(qemu_kvm_works_if_the_guest_reaches_user_space)
{
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		SKIP("needs /dev/kvm");
	FAKE_ROOT();

	fake_program(path, QEMU, "echo 'Run /init as init process'; exec sleep 60");
	CHECK(qemu_kvm_works(&plan, no_files));
	fake_program(path, QEMU, "echo aborted; exit 1");
	CHECK(!qemu_kvm_works(&plan, no_files));
	FAKE_ROOT_END();
}
