/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "builder/image/first_boot_keys.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "tests/unit/check.h"

TEST(first_boot_keys_match_scripts)
{
	static const char list[] = "/.\n/etc\n/etc/munge\n/usr\n";

	CHECK(first_boot_keys_match("/etc/munge/munge.key", list, "[ -e /etc/munge/munge.key ] || mungekey") ==
	      MATCH_PATH);
	CHECK(first_boot_keys_match("/etc/munge/munge.key", list, "for k in a b; do make /etc/munge/$k; done") ==
	      MATCH_NAMED_DIRECTORY);
	CHECK(first_boot_keys_match("/etc/munge/munge.key", list, "mungekey -c") == MATCH_DIRECTORY);
	CHECK(first_boot_keys_match("/etc/other/key", list, "mungekey -c") == MATCH_NONE);
	/* Directories that all packages have. */
	CHECK(first_boot_keys_match("/etc/key", list, "mkdir /etc/munge") == MATCH_NONE);
	CHECK(first_boot_keys_match("/etc/key", list, "make >/etc/key") == MATCH_PATH);
	CHECK(first_boot_keys_match("/key", "/.\n", "") == MATCH_NONE);
	CHECK(first_boot_keys_match("/etc/mung/key", list, "") == MATCH_NONE);
}

TEST(first_boot_keys_instances)
{
	static const char *const cases[][2] = { { "munge", "munge" },
						{ "open-iscsi", "open\\x2discsi" },
						{ "libc6:amd64", "libc6:amd64" },
						{ "g++-12", "g\\x2b\\x2b\\x2d12" },
						{ "python3.11", "python3.11" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *instance = first_boot_keys_instance(cases[i][0]);
		CHECK_STR(instance, cases[i][1]);
	}
}

struct tree {
	char path[32];
	int root; /* owned */
};

static void tree_open(struct tree *t)
{
	struct error err = { 0 };

	*t = (struct tree){ .path = "/tmp/nodekiln-test.XXXXXX" };
	if (!mkdtemp(t->path) || (t->root = dir_open(AT_FDCWD, t->path, &err)) < 0)
		abort();
}

static void tree_done(struct tree *t)
{
	struct error err = { 0 };

	close_p(&t->root);
	if (tree_remove(AT_FDCWD, t->path, &err) < 0)
		abort();
}

static void put(const struct tree *t, const char *name, const char *text, mode_t mode)
{
	struct error err = { 0 };

	if (file_write_in(t->root, name, text, strlen(text), mode, &err) < 0)
		abort();
}

#define COOKIE "KWHNJDVCQPXTRSMLBZAY"
#define UUID "3f1d6a1c-7a0e-4c1b-9d4e-5b6a7c8d9e0f\n"
#define PEM "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"
#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"
#define INFO "var/lib/dpkg/info/"

/* A package that makes all kinds, next to what is accounted for. */
static void fill(const struct tree *t)
{
	put(t, FIRST_BOOT_KEYS_UNIT, "[Unit]\n", 0644);
	put(t, INFO "maker.list", "/.\n/etc\n/etc/maker\n/etc/maker/shipped\n", 0644);
	put(t, INFO "maker.postinst", "make /etc/maker/$x\n", 0755);
	put(t, INFO "silent.list", "/.\n/etc\n/etc/silent\n", 0644);
	put(t, "etc/maker/cookie", COOKIE, 0400);
	put(t, "etc/maker/id", UUID, 0644);
	put(t, "etc/maker/tls.pem", PEM, 0644);
	put(t, "etc/maker/shipped", COOKIE, 0600);
	put(t, "etc/ssl/certs/tls.crt", CERTIFICATE, 0644);
	put(t, "etc/ssl/certs/theirs.crt", CERTIFICATE, 0644);
	put(t, "etc/overlay/key", PEM, 0600);
	put(t, "etc/nodekiln/image.json", "{\"files\": [\"/etc/overlay/key\"]}", 0644);
	put(t, "etc/ucf.conf", "id = 9d4e5b6a7c8d9e0f3f1d6a1c\n", 0600);
	put(t, "var/lib/ucf/hashfile", "0123456789abcdef0123456789abcdef  /etc/ucf.conf\n", 0644);
	put(t, "etc/silent/id", UUID, 0644);
	put(t, "etc/silent/key", COOKIE, 0600);
	put(t, "var/cache/x/key", COOKIE, 0600);
	if (symlinkat("tls.crt", t->root, "etc/ssl/certs/1234.0") < 0 ||
	    symlinkat("theirs.crt", t->root, "etc/ssl/certs/5678.0") < 0)
		abort();
}

TEST(first_boot_keys_seal_a_tree)
{
	static const char *const gone[] = { "etc/maker/cookie",      "etc/maker/id",         "etc/maker/tls.pem",
					    "etc/ssl/certs/tls.crt", "etc/ssl/certs/1234.0", "etc/silent/key" };
	static const char *const kept[] = { "etc/maker/shipped",    "etc/ssl/certs/theirs.crt",
					    "etc/ssl/certs/5678.0", "etc/overlay/key",
					    "etc/ucf.conf",         "etc/silent/id",
					    "var/cache/x/key" };
	CLEANUP(tree_done) struct tree t;
	CLEANUP(text_done) struct text note = { 0 };
	struct error err = { 0 };

	tree_open(&t);
	fill(&t);
	CHECK_STR(first_boot_keys_seal(t.root, &err) < 0 ? err.text : "", "");
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		CHECK(faccessat(t.root, gone[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK(faccessat(t.root, kept[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(file_read(t.root, FIRST_BOOT_KEYS "/maker", 1024, &note, &err) == 0);
	CHECK_STR(note.data, "/etc/maker/cookie\n/etc/maker/id\n/etc/maker/tls.pem\n/etc/ssl/certs/tls.crt\n");
	CHECK(!file_exists_in(t.root, FIRST_BOOT_KEYS "/silent"));
	CHECK(file_exists_in(t.root, "etc/systemd/system/sysinit.target.wants/nodekiln-keys@maker.service"));
}

/* Without the unit nothing would make them: no note, which no guest would remove. */
TEST(first_boot_keys_without_the_unit)
{
	CLEANUP(tree_done) struct tree t;
	struct error err = { 0 };

	tree_open(&t);
	fill(&t);
	CHECK(unlinkat(t.root, FIRST_BOOT_KEYS_UNIT, 0) == 0 && first_boot_keys_seal(t.root, &err) == 0);
	CHECK(!file_exists_in(t.root, "etc/maker/cookie") && !file_exists_in(t.root, FIRST_BOOT_KEYS));
}

TEST(first_boot_keys_of_an_empty_tree)
{
	CLEANUP(tree_done) struct tree t;
	struct error err = { 0 };

	tree_open(&t);
	CHECK(first_boot_keys_seal(t.root, &err) == 0 && !file_exists_in(t.root, "etc"));
}
