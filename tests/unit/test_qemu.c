/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/host/qemu.h"
#include "tests/unit/fake_root.h"

/* The value after an option's n-th occurrence, NULL when there is none. */
static const char *value_of(const struct strings *argv, const char *option, unsigned n)
{
	for (size_t i = 0; i + 1 < argv->n; i++)
		if (!strcmp(argv->at[i], option) && n-- == 0)
			return argv->at[i + 1];
	return NULL;
}

static bool any_starts(const struct strings *argv, const char *prefix)
{
	for (size_t i = 0; i < argv->n; i++)
		if (text_starts(argv->at[i], prefix))
			return true;
	return false;
}

static const struct qemu_plan plain = { .memory = 2ull << 30, .cpus = 2, .disk = "/proc/self/fd/5" };

TEST(qemu_argv_bios)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	qemu_argv(&plain, &argv);
	CHECK_STR(argv.at[0], "qemu-system-x86_64");
	CHECK_STR(value_of(&argv, "-machine", 0), "q35");
	CHECK_STR(value_of(&argv, "-accel", 0), "tcg,thread=multi");
	CHECK_STR(value_of(&argv, "-cpu", 0), "max,vendor=GenuineIntel,family=6,model=28,stepping=10,monitor=off");
	CHECK_STR(value_of(&argv, "-m", 0), "2048M");
	CHECK_STR(value_of(&argv, "-smp", 0), "2");
	CHECK_STR(value_of(&argv, "-drive", 0), "if=none,id=disk0,format=qcow2,discard=unmap,file=/proc/self/fd/5");
	CHECK(!value_of(&argv, "-drive", 1));
	CHECK_STR(value_of(&argv, "-netdev", 0), "user,id=net0");
	CHECK(!any_starts(&argv, "scsi-cd"));
	CHECK(!value_of(&argv, "-mon", 0));
	for (size_t i = 0; i < argv.n; i++)
		CHECK(!strstr(argv.at[i], "snapshot=on"));
}

TEST(qemu_argv_uefi)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	struct qemu_plan p = plain;

	p.firmware = QEMU_UEFI, p.code = "/code.fd", p.variables = "/vars.fd";
	qemu_argv(&p, &argv);
	CHECK_STR(value_of(&argv, "-drive", 0), "if=pflash,unit=0,format=raw,readonly=on,file=/code.fd");
	CHECK_STR(value_of(&argv, "-drive", 1), "if=pflash,unit=1,format=raw,file=/vars.fd");
}

TEST(qemu_argv_trial_keeps_nothing)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	struct qemu_plan p = plain;

	p.snapshot = p.kvm = true, p.firmware = QEMU_UEFI, p.code = "/code.fd", p.variables = "/vars.fd";
	qemu_argv(&p, &argv);
	CHECK_STR(value_of(&argv, "-accel", 0), "kvm");
	CHECK_STR(value_of(&argv, "-cpu", 0), "host");
	CHECK_STR(value_of(&argv, "-drive", 1), "if=pflash,unit=1,format=raw,snapshot=on,file=/vars.fd");
	CHECK_STR(value_of(&argv, "-drive", 2),
		  "if=none,id=disk0,format=qcow2,discard=unmap,snapshot=on,file=/proc/self/fd/5");
}

TEST(qemu_argv_seed_forward_console)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	struct qemu_plan p = plain;

	p.seed = "/a,b/seed.iso", p.console = true;
	strings_add_all(&p.forward, "2222:22", "6443:6443", NULL);
	qemu_argv(&p, &argv);
	strings_done(&p.forward);
	CHECK_STR(value_of(&argv, "-drive", 1), "if=none,id=seed0,format=raw,readonly=on,file=/a,,b/seed.iso");
	CHECK(any_starts(&argv, "scsi-cd,"));
	CHECK_STR(value_of(&argv, "-netdev", 0),
		  "user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:6443-:6443");
	CHECK_STR(value_of(&argv, "-mon", 0), "chardev=console,mode=readline");
}

TEST(qemu_forward_check_ports)
{
	static const char *const good[] = { "2222:22", "1:1", "65535:65535" };
	static const char *const bad[] = { "",       "22",       "22:",        ":22",      "0:22",
					   "2222:0", "65536:22", "2222:99999", "a:22",     "2222:b",
					   "-1:22",  "2222:22,", "2:2:2",      "2222: 22", "222222:22" };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(qemu_forward_check(good[i], &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(qemu_forward_check(bad[i], &err) < 0);
		CHECK(err.class == ERROR_USAGE);
	}
}

TEST(qemu_ovmf_needs_both_files)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *code = xasprintf("%s/code.fd", path), *variables = xasprintf("%s/vars.fd", path);
	CLEANUP(free_p) char *other = xasprintf("%s/other.fd", path);
	const struct qemu_ovmf places[] = { { other, variables }, { code, other }, { code, variables } };

	fake_put(path, "/code.fd", "code");
	CHECK(!qemu_ovmf_first(places, ARRAY_SIZE(places)));
	fake_put(path, "/vars.fd", "variables");
	CHECK(qemu_ovmf_first(places, ARRAY_SIZE(places)) == &places[2]);
	CHECK(!qemu_ovmf_first(places, 2));
	FAKE_ROOT_END();
}
