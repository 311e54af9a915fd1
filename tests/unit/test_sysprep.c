/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/image/sysprep.h"
#include "lib/file.h"
#include "tests/unit/check.h"

static const struct sysprep_rule *rule_for(const char *path)
{
	for (size_t i = 0; i < sysprep_rules_count; i++)
		if (sysprep_concerns(&sysprep_rules[i], path))
			return &sysprep_rules[i];
	return NULL;
}

TEST(sysprep_concerns_paths)
{
	CHECK(rule_for("/etc/ssh/ssh_host_ed25519_key"));
	CHECK(!rule_for("/etc/ssh/sshd_config"));
	CHECK(!rule_for("/etc/ssh/old/ssh_host_rsa_key")); /* a pattern does not cross a slash */
	CHECK(rule_for("/root/.ssh/authorized_keys"));
	CHECK(!rule_for("/root/.ssh"));
	CHECK(rule_for("/var/log/apt/history.log"));
	CHECK(!rule_for("/var/log"));
	CHECK(!rule_for("/var/logs/x"));
	CHECK(rule_for("/tmp/x"));
	CHECK(!rule_for("/tmp/x/y")); /* removed with /tmp/x */
	CHECK(!rule_for("/tmp"));
	CHECK(rule_for("/etc/machine-id"));
	CHECK(!rule_for("/etc/machine-id2"));
}

TEST(sysprep_rules_are_complete)
{
	for (size_t i = 0; i < sysprep_rules_count; i++) {
		CHECK(sysprep_rules[i].path[0] == '/');
		CHECK(sysprep_rules[i].why && *sysprep_rules[i].why);
		CHECK(!text_ends(sysprep_rules[i].path, "/"));
	}
}

static const char shadow_dirty[] = "root:$y$j9T$abc$def:20000:0:99999:7:::\n"
				   "daemon:*:20000:0:99999:7:::\n"
				   "held:!$6$salt$hash:20000::::::\n"
				   "guest::20000:0:99999:7:::\n"
				   "sshd:!:20000::::::\n"
				   "systemd-network:!*:20000::::::\n"
				   "nonsense\n"
				   "last:x";

TEST(sysprep_shadow_lock_locks_all)
{
	CLEANUP(text_done) struct text locked = { 0 };
	CLEANUP(text_done) struct text again = { 0 };
	CLEANUP(faults_done) struct faults findings = { 0 };

	CHECK(sysprep_shadow_lock(shadow_dirty, &locked));
	CHECK_STR(locked.data, "root:*:20000:0:99999:7:::\n"
			       "daemon:*:20000:0:99999:7:::\n"
			       "held:*:20000::::::\n"
			       "guest:*:20000:0:99999:7:::\n"
			       "sshd:!:20000::::::\n"
			       "systemd-network:!*:20000::::::\n"
			       "nonsense\n"
			       "last:*");
	CHECK(!sysprep_shadow_lock(locked.data, &again));
	CHECK_STR(again.data, locked.data);
	sysprep_shadow_check(locked.data, &findings);
	CHECK(findings.list.n == 0);
}

TEST(sysprep_shadow_check_never_prints_the_hash)
{
	CLEANUP(faults_done) struct faults findings = { 0 };

	sysprep_shadow_check(shadow_dirty, &findings);
	CHECK(findings.list.n == 4);
	CHECK_STR(findings.list.at[0].text,
		  "/etc/shadow: root has a password hash; every account of an image must be locked");
	CHECK_STR(findings.list.at[2].text,
		  "/etc/shadow: guest has an empty password; every account of an image must be locked");
	for (size_t i = 0; i < findings.list.n; i++)
		CHECK(!strchr(findings.list.at[i].text, '$'));
}

struct tree {
	char path[32];
	int fd;
};

static int tree_make(struct tree *t, struct error *err)
{
	strcpy(t->path, "/tmp/nodekiln-sysprep-XXXXXX");
	if (!mkdtemp(t->path))
		return error_errno(err, errno, "mkdtemp");
	t->fd = dir_open(AT_FDCWD, t->path, err);
	return t->fd < 0 ? -1 : 0;
}

static void tree_done(struct tree *t)
{
	struct error err = { 0 };

	if (t->fd > 0)
		close(t->fd);
	if (*t->path && tree_remove(AT_FDCWD, t->path, &err) < 0)
		printf("# %s\n", err.text);
}

static bool put(const struct tree *t, const char *path, const char *content)
{
	struct error err = { 0 };

	return file_write_in(t->fd, path, content, strlen(content), 0640, &err) == 0;
}

TEST(sysprep_apply_stays_inside_the_tree)
{
	CLEANUP(tree_done) struct tree outside = { 0 };
	CLEANUP(tree_done) struct tree t = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };
	struct stat st;

	CHECK(tree_make(&outside, &err) == 0 && tree_make(&t, &err) == 0);
	CHECK(put(&outside, "precious", "x"));
	CHECK(put(&t, "etc/machine-id", "0123456789abcdef0123456789abcdef\n") && put(&t, "etc/hostname", "builder\n"));
	CHECK(put(&t, "etc/ssh/ssh_host_rsa_key", "k") && put(&t, "etc/ssh/sshd_config", "c"));
	CHECK(put(&t, "var/log/apt/term.log", "l") && put(&t, "tmp/a/b", "t") &&
	      put(&t, "etc/resolv.conf", "nameserver"));
	CHECK(put(&t, "etc/shadow", "root:hash:1::::::\n"));
	CHECK(symlinkat(outside.path, t.fd, "var/tmp") == 0);
	CHECK(symlinkat(outside.path, t.fd, "var/log/journal") == 0);

	CHECK(sysprep_apply(t.path, &err) == 0);
	CHECK(fstatat(t.fd, "etc/machine-id", &st, 0) == 0 && st.st_size == 0);
	CHECK(!file_exists_in(t.fd, "etc/hostname") && !file_exists_in(t.fd, "etc/ssh/ssh_host_rsa_key"));
	CHECK(file_exists_in(t.fd, "etc/ssh/sshd_config"));
	CHECK(file_exists_in(t.fd, "var/log/apt") && !file_exists_in(t.fd, "var/log/apt/term.log"));
	CHECK(file_exists_in(t.fd, "tmp") && !file_exists_in(t.fd, "tmp/a"));
	CHECK(fstatat(t.fd, "etc/resolv.conf", &st, 0) == 0 && st.st_size == 0);
	CHECK(fstatat(t.fd, "var/log/journal", &st, AT_SYMLINK_NOFOLLOW) < 0);
	CHECK(file_exists_in(outside.fd, "precious"));
	CHECK(file_read_in(t.fd, "etc/shadow", 100, &text, &err) == 0);
	CHECK_STR(text.data, "root:*:1::::::\n");
	CHECK(fstatat(t.fd, "etc/shadow", &st, 0) == 0 && (st.st_mode & 07777) == 0640);
	CHECK(sysprep_apply(t.path, &err) == 0); /* a tree that complies already */
}

TEST(sysprep_apply_empty_tree)
{
	CLEANUP(tree_done) struct tree t = { 0 };
	struct error err = { 0 };

	CHECK(tree_make(&t, &err) == 0 && sysprep_apply(t.path, &err) == 0);
	CHECK(file_exists_in(t.fd, "etc/machine-id"));
}
