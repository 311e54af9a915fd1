/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/host/doctor.h"
#include "tests/unit/fake_root.h"

static bool present(const struct requirement *r UNUSED, struct text *ret_detail UNUSED)
{
	return true;
}

static bool absent(const struct requirement *r UNUSED, struct text *ret_detail)
{
	text_add(ret_detail, "looked everywhere");
	return false;
}

static const struct requirement needs[] = {
	{ .name = "tar", .package = "tar", .commands = FOR_BUILD, .check = present, .why = "packs" },
	{ .name = "mcopy", .package = "mtools", .commands = FOR_BUILD | FOR_LOCK, .check = absent, .why = "copies" },
	{ .name = "mmd", .package = "mtools", .commands = FOR_BUILD, .check = absent, .why = "copies" },
	{ .name = "qemu", .package = "qemu-system-x86", .commands = FOR_BOOT, .check = absent, .why = "runs" },
	{ .name = "overlayfs", .commands = FOR_BUILD, .check = absent, .why = "stacks" },
	{ .name = "/dev/kvm", .commands = FOR_BOOT, .optional = true, .check = absent, .why = "is fast" },
};

TEST(doctor_missing_counts_per_command)
{
	CLEANUP(doctor_done) struct diagnosis d = { 0 };
	CLEANUP(strings_done) struct strings build = { 0 }, lock = { 0 }, boot = { 0 };

	doctor_examine(needs, ARRAY_SIZE(needs), &d);
	CHECK(doctor_missing(&d, FOR_BUILD, &build) == 3);
	CHECK_STR(build.at[0], "mcopy");
	CHECK_STR(build.at[2], "overlayfs");
	CHECK(doctor_missing(&d, FOR_LOCK, &lock) == 1);
	CHECK(doctor_missing(&d, FOR_BOOT, &boot) == 1);
	CHECK_STR(boot.at[0], "qemu");
}

TEST(doctor_apt_line_has_each_package_once)
{
	CLEANUP(doctor_done) struct diagnosis d = { 0 };
	CLEANUP(text_done) struct text t = { 0 };

	doctor_examine(needs, ARRAY_SIZE(needs), &d);
	doctor_apt_line(&d, FOR_ALL, &t);
	CHECK_STR(t.data, "apt-get install mtools qemu-system-x86");
	text_done(&t);
	doctor_apt_line(&d, FOR_LOCK, &t);
	CHECK_STR(t.data, "apt-get install mtools");
}

TEST(doctor_print_nothing_missing)
{
	CLEANUP(doctor_done) struct diagnosis d = { 0 };
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text t = { 0 };

	doctor_examine(needs, 1, &d);
	doctor_apt_line(&d, FOR_ALL, &t);
	CHECK(t.len == 0);
	CHECK(doctor_missing(&d, FOR_ALL, &names) == 0);
	doctor_print(&d, &t);
	CHECK_STR(t.data, "ok       tar                  build packs\n");
}

TEST(doctor_print_rows)
{
	CLEANUP(doctor_done) struct diagnosis d = { 0 };
	CLEANUP(text_done) struct text t = { 0 };

	doctor_examine(needs, ARRAY_SIZE(needs), &d);
	doctor_print(&d, &t);
	CHECK(strstr(t.data, "MISSING  mcopy                lock, build copies (looked everywhere)\n"));
	CHECK(strstr(t.data, "advice   /dev/kvm             boot        is fast (looked everywhere)\n"));
}

TEST(doctor_json_equals_print)
{
	CLEANUP(doctor_done) struct diagnosis d = { 0 };
	bool ok = true;

	doctor_examine(needs, ARRAY_SIZE(needs), &d);
	CLEANUP(json_free_p) struct json *json = doctor_json(&d);
	CHECK(json_get_bool(json, "ok", &ok) && !ok);
	CHECK(json_count(json_get(json, "missing")) == 4);
	CHECK(json_count(json_get(json, "requirements")) == ARRAY_SIZE(needs));
	CHECK_STR(json_get_string(json, "install"), "apt-get install mtools qemu-system-x86");
	CHECK_STR(json_get_string(json_at(json_get(json, "requirements"), 1), "package"), "mtools");
}

TEST(doctor_table_rows_are_complete)
{
	for (size_t i = 0; i < doctor_requirements_count; i++) {
		const struct requirement *r = &doctor_requirements[i];
		CHECK(r->name && r->commands && r->check && r->why);
	}
}

static const struct doctor_finding *finding_of(const struct diagnosis *d, const char *name)
{
	for (size_t i = 0; i < d->findings.n; i++) {
		if (text_same(d->findings.at[i].requirement->name, name))
			return &d->findings.at[i];
	}
	return NULL;
}

/* A host with one program and a cache: the other programs are missing, whatever this host has. */
TEST(doctor_table_checks_this_host)
{
	FAKE_ROOT();
	CLEANUP(doctor_done) struct diagnosis d = { 0 };
	CLEANUP(free_p) char *cache = xasprintf("%s/cache", path), *programs = xasprintf("%s/programs", path);

	fake_program(path, "mke2fs", "exit 0");
	setenv("PATH", programs, 1);
	setenv("NODEKILN_CACHE", cache, 1);
	doctor_examine(doctor_requirements, doctor_requirements_count, &d);
	unsetenv("NODEKILN_CACHE");
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	CHECK(d.findings.n == doctor_requirements_count);
	CHECK(finding_of(&d, "mke2fs")->ok && !finding_of(&d, "mcopy")->ok && !finding_of(&d, "apt-get")->ok);
	CHECK(strstr(finding_of(&d, "cache")->detail, " free in ") && strstr(finding_of(&d, "cache")->detail, cache));
	CHECK(strstr(finding_of(&d, "memory")->detail, " of memory: large images are built "));
	CHECK(finding_of(&d, "KVM")->ok == (access("/dev/kvm", R_OK | W_OK) == 0));
	CHECK(finding_of(&d, "keyring")->ok == (access("/usr/share/keyrings/debian-archive-keyring.gpg", R_OK) == 0));
	CHECK(fake_has(path, "/cache"));
	FAKE_ROOT_END();
}
