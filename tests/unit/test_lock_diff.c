/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "builder/lock/lock_diff.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void add(struct lock *lock, enum lock_group group, const char *name, const char *version, const char *sha256)
{
	vec_push(&lock->group[group], (struct lock_package){ .name = xstrdup(name),
							     .version = xstrdup(version),
							     .architecture = xstrdup("amd64"),
							     .sha256 = xstrdup(sha256) });
}

static void add_file(struct lock *lock, const char *name, const char *sha256)
{
	vec_push(&lock->binaries.list, (struct lock_file){ .name = xstrdup(name), .sha256 = xstrdup(sha256) });
}

static void add_source(struct lock *lock, const char *name, const char *version, const char *sha256)
{
	struct lock_source source = { .name = xstrdup(name), .version = xstrdup(version) };

	vec_push(&source.files.list, (struct lock_file){ .name = xstrdup("x"), .sha256 = xstrdup(sha256) });
	vec_push(&lock->sources, source);
}

static void make(struct lock *locked, struct lock *now)
{
	add(locked, LOCK_BASE, "libssl3", "3.0.17-1", A);
	add(locked, LOCK_BASE, "old", "1", A);
	add(locked, LOCK_BASE, "same", "1", A);
	add(locked, LOCK_VM, "kernel", "6.1.1-1", A);
	add_source(locked, "curl", "7.88.1-1", A);
	add_file(locked, "kubeadm", A);
	add(now, LOCK_BASE, "libssl3", "3.0.17-2", B);
	add(now, LOCK_BASE, "same", "1", A);
	add(now, LOCK_BASE, "young", "2", A);
	add(now, LOCK_VM, "kernel", "6.1.2-1", B);
	add_source(now, "curl", "7.88.1-2", B);
	add_file(now, "kubeadm", B);
}

TEST(lock_diff_compare_equal)
{
	CLEANUP(lock_done) struct lock locked = { 0 }, now = { 0 };
	CLEANUP(lock_diff_done) struct lock_diff diff = { 0 };

	make(&locked, &now);
	lock_diff_compare(&locked, &locked, &diff);
	CHECK(diff.items.n == 0 && lock_diff_security(&diff) == 0);
}

TEST(lock_diff_compare_changes)
{
	CLEANUP(lock_done) struct lock locked = { 0 }, now = { 0 };
	CLEANUP(lock_diff_done) struct lock_diff diff = { 0 };
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	make(&locked, &now);
	lock_diff_compare(&locked, &now, &diff);
	lock_diff_names(&diff, &names);
	CHECK(names.n == 3 && strings_has(&names, "libssl3") && strings_has(&names, "curl") &&
	      strings_has(&names, "kernel"));
	lock_diff_mark_security(
		&diff, "   libssl3 | 3.0.17-2 | http://mirror/debian bookworm/main amd64 Packages\n"
		       "   libssl3 | 3.0.17-1+u1 | http://mirror/security bookworm-security/main amd64 Packages\n"
		       "    kernel | 6.1.2-1 | http://mirror/debian bookworm/main amd64 Packages\n"
		       "    kernel | 6.1.1-1 | http://mirror/security bookworm-security/main amd64 Packages\n"
		       "      curl | 7.88.1-2 | http://mirror/security bookworm-security/main Sources\n");
	CHECK(lock_diff_security(&diff) == 2);
	lock_diff_print(&diff, &text);
	CHECK_STR(text.data, "security  base       libssl3 3.0.17-1 -> 3.0.17-2\n"
			     "gone      base       old 1\n"
			     "new       base       young 2\n"
			     "newer     vm         kernel 6.1.1-1 -> 6.1.2-1\n"
			     "security  sources    curl 7.88.1-1 -> 7.88.1-2\n"
			     "newer     binaries   kubeadm aaaaaaaaaaaa -> bbbbbbbbbbbb\n");
}

TEST(lock_diff_mark_security_suites)
{
	static const char *const not_security[] = {
		"",
		"no columns at all\n",
		"libssl3 | 9 |\n",
		"libssl3 | 9 | http://mirror/debian-security bookworm/main amd64 Packages\n",
		"libssl3 | 9 | http://mirror/deb  Packages\n",
		"libssl3 | 9 | http://mirror bookworm-security-not/main amd64 Packages\n",
		"libssl3 | 9 | http://mirror bookworm-security/main Sources\n",
		"curl | 9 | http://mirror bookworm-security/main amd64 Packages\n",
		"libssl3-dev | 9 | http://mirror bookworm-security/main amd64 Packages\n",
	};
	CLEANUP(lock_done) struct lock locked = { 0 }, now = { 0 };
	CLEANUP(lock_diff_done) struct lock_diff diff = { 0 };

	make(&locked, &now);
	lock_diff_compare(&locked, &now, &diff);
	for (size_t i = 0; i < ARRAY_SIZE(not_security); i++) {
		lock_diff_mark_security(&diff, not_security[i]);
		CHECK(lock_diff_security(&diff) == 0);
	}
	lock_diff_mark_security(&diff, "libssl3 | 9 | http://mirror x-security/main amd64 Packages");
	CHECK(lock_diff_security(&diff) == 1);
}

static void add_component(struct lock *lock, const char *name, const char *version)
{
	vec_push(&lock->components, (struct lock_component){ .name = xstrdup(name), .version = xstrdup(version) });
}

/* Components have no suite of apt: they are printed, but apt is not asked for their names. */
TEST(lock_diff_compare_components)
{
	CLEANUP(lock_done) struct lock locked = { 0 }, now = { 0 };
	CLEANUP(lock_diff_done) struct lock_diff diff = { 0 };
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	add_component(&locked, "etcd", "3.7.0");
	add_component(&locked, "kubernetes", "1.37.1");
	add_component(&locked, "pause", "3.10");
	add_component(&now, "kubernetes", "1.37.2");
	add_component(&now, "runc", "1.5.1");
	add_component(&now, "pause", "3.10");
	now.components.at[now.components.n - 1].go_mod =
		xstrdup("module pause\n"); /* the same version, made of something else */
	lock_diff_compare(&locked, &now, &diff);
	lock_diff_names(&diff, &names);
	CHECK(names.n == 0);
	lock_diff_print(&diff, &text);
	CHECK_STR(text.data, "gone      components  etcd 3.7.0\n"
			     "newer     components  kubernetes 1.37.1 -> 1.37.2\n"
			     "changed   components  pause 3.10 -> 3.10\n"
			     "new       components  runc 1.5.1\n");
}

/* What has ended makes a lock outdated; what ends soon is only printed; what ends later is not. */
TEST(lock_diff_end_of_life_dates)
{
	CLEANUP(lock_diff_done) struct lock_diff diff = { 0 };
	CLEANUP(text_done) struct text text = { 0 }, json = { 0 };
	const int64_t today = 1795910400, day = 24 * 60 * 60; /* 2026-11-29 */

	lock_diff_end_of_life(&diff, "etcd", "3.5.9", today - day, today);
	lock_diff_end_of_life(&diff, "coredns", "1.13.2", today, today + day - 1);
	lock_diff_end_of_life(&diff, "kubernetes", "1.35.4", today + 89 * day, today);
	lock_diff_end_of_life(&diff, "runc", "1.5.1", today + 91 * day, today);
	lock_diff_end_of_life(&diff, "containerd", "2.3.7", 0, today);
	CHECK(diff.items.n == 3 && lock_diff_outdated(&diff) == 1 && lock_diff_security(&diff) == 0);
	lock_diff_print(&diff, &text);
	CHECK_STR(text.data, "ended     components  etcd 3.5.9 on 2026-11-28\n"
			     "ends      components  coredns 1.13.2 on 2026-11-29\n"
			     "ends      components  kubernetes 1.35.4 on 2027-02-26\n");
	CLEANUP(json_free_p) struct json *list = lock_diff_json(&diff);
	json_print(list, false, &json);
	CHECK(strstr(json.data, "\"kind\":\"ends\",") && strstr(json.data, "\"end_of_life\":\"2027-02-26T00:00:00Z\""));
}

TEST(lock_diff_json_of_an_advisory)
{
	CLEANUP(lock_diff_done) struct lock_diff diff = { 0 };
	CLEANUP(text_done) struct text text = { 0 }, json = { 0 };
	struct lock_diff_item item = {
		.group = "modules", .name = xstrdup("a/b"), .from = xstrdup("v1.0.0"), .security = true
	};

	item.id = xstrdup("GO-1");
	item.summary = xstrdup("");
	strings_add(&item.users, "runc");
	vec_push(&diff.items, item);
	lock_diff_print(&diff, &text);
	CHECK_STR(text.data, "advisory  modules    a/b v1.0.0, no fix yet: GO-1 in runc\n");
	CLEANUP(json_free_p) struct json *list = lock_diff_json(&diff);
	json_print(list, false, &json);
	CHECK_STR(json.data,
		  "[{\"kind\":\"advisory\",\"group\":\"modules\",\"name\":\"a/b\",\"from\":\"v1.0.0\",\"to\":null,"
		  "\"id\":\"GO-1\",\"summary\":\"\",\"components\":[\"runc\"]}]");
	CHECK(lock_diff_outdated(&diff) == 1 && lock_diff_security(&diff) == 1);
}
