/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/finish.h"

#include <sys/wait.h>

#include "agent/secret_wipe.h"
#include "lib/base64.h"
#include "tests/unit/fake_root.h"

#define TOKEN "abcdef.0123456789abcdef"
#define UUID "8f2c9a1e-0d3b-4c57-9e61-7ab0cd45ef12"
#define INSTANCE "/var/lib/cloud/instances/i-1/"

static const struct node_config node = { .token = (char *)TOKEN, .proxmox.token_secret = (char *)UUID };

/* Places with the secret in it as it is. */
static const char *const plain[] = {
	INSTANCE "user-data.txt",
	INSTANCE "user-data.txt.i",
	INSTANCE "vendor-data2.txt",
	INSTANCE "cloud-config.txt",
	INSTANCE "scripts/part-001",
	INSTANCE "obj.pkl",
	"/var/lib/cloud/data/anything",
	"/var/lib/cloud/seed/nocloud/user-data",
	"/run/cloud-init/instance-data-sensitive.json",
	"/run/cloud-init/combined-cloud-config.json",
	"/var/log/cloud-init.log",
	"/var/log/cloud-init-output.log.1",
	"/etc/kubernetes/bootstrap-kubelet.conf",
	"/etc/cloud/cloud.cfg.d/99_baked.cfg",
	"/run/nodekiln/kubeadm.yaml",
	"/etc/nodekiln/node.yaml",
};

static void put_copies(const char *root)
{
	CLEANUP(text_done) struct text encoded = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		fake_put(root, plain[i], "a: 1\ntoken: " TOKEN "\ntoken_secret: \"" UUID "\"\nz: 2\n");
	base64_encode("token: " TOKEN, strlen("token: " TOKEN), &encoded);
	fake_put(root, INSTANCE "part.b64", encoded.data);
	fake_put(root, INSTANCE "boot-finished", "45.2 - x\n");
}

static bool is_clean(const char *root, const char *name)
{
	CLEANUP(free_p) char *text = fake_get(root, name);

	return text && !strcmp(text, "a: 1\ntoken: 000000.0000000000000000\n"
				     "token_secret: \"00000000-0000-0000-0000-000000000000\"\nz: 2\n");
}

/* Same length, same inode: no new file was written, so no block with the secret was freed. */
TEST(finish_wipe_finds_every_copy)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *pickle = xasprintf("%s" INSTANCE "obj.pkl", path);
	struct stat before, after;

	put_copies(path);
	CHECK(chmod(pickle, 0400) == 0 && stat(pickle, &before) == 0);
	CHECK(finish_wipe(path, &node, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		CHECK(is_clean(path, plain[i]));
	CLEANUP(free_p) char *encoded = fake_get(path, INSTANCE "part.b64");
	CHECK(encoded && !strstr(encoded, "YWJjZGVm") && !strcmp(encoded, "dG9rZW46IDAwMDAwMC4wMDAwMDAwMDAwMDAwMDAw"));
	CHECK(stat(pickle, &after) == 0 && before.st_ino == after.st_ino && before.st_size == after.st_size);
	CHECK(finish_wipe(path, &node, &err) == 0);
	FAKE_ROOT_END();
}

TEST(finish_wipe_does_not_follow_links)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *link = xasprintf("%s/var/lib/cloud/instance", path);
	CLEANUP(free_p) char *etc = xasprintf("%s/var/lib/cloud/etc", path);

	fake_put(path, "/elsewhere/user-data.txt", TOKEN);
	fake_put(path, "/var/lib/cloud/x", "");
	CHECK(symlink("/elsewhere/user-data.txt", link) == 0 && symlink("../../../elsewhere", etc) == 0);
	CHECK(finish_wipe(path, &node, &err) == 0);
	CLEANUP(free_p) char *text = fake_get(path, "/elsewhere/user-data.txt");
	CHECK_STR(text, TOKEN);
	FAKE_ROOT_END();
}

/* At every place around the edges of the windows in which files are read. */
TEST(finish_wipe_reads_long_files)
{
	static const size_t lengths[] = { 65000, 65024, 65500, 65530, 65536, 130000, 200000 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		FAKE_ROOT();
		CLEANUP(text_done) struct text text = { 0 };
		for (size_t n = 0; n < lengths[i]; n++)
			text_add(&text, "x");
		text_add(&text, TOKEN "yyy");
		fake_put(path, "/var/log/cloud-init.log", text.data);
		CHECK(finish_wipe(path, &node, &err) == 0);
		CLEANUP(free_p) char *is = fake_get(path, "/var/log/cloud-init.log");
		CHECK(strlen(is) == text.len);
		CHECK_STR(is + lengths[i], "000000.0000000000000000yyy");
		FAKE_ROOT_END();
	}
}

TEST(finish_wipe_empties_what_is_compressed)
{
	static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03+I-.\x01\0";
	FAKE_ROOT();
	fake_putn(path, INSTANCE "user-data.txt", gzip, sizeof gzip);
	fake_put(path, INSTANCE "cloud-config.txt",
		 "write_files:\n- {encoding: gz+b64, content: H4sIAAAAAAAAAytJLS4BAAx+f9gEAAAA}\n");
	fake_putn(path, "/var/lib/cloud/data/no-copy.gz", gzip, sizeof gzip);
	CHECK(finish_wipe(path, &node, &err) == 0);
	CLEANUP(free_p) char *raw = fake_get(path, INSTANCE "user-data.txt");
	CLEANUP(free_p) char *config = fake_get(path, INSTANCE "cloud-config.txt");
	CLEANUP(free_p) char *other = fake_get(path, "/var/lib/cloud/data/no-copy.gz");
	CHECK_STR(raw, "");
	CHECK_STR(config, "");
	CHECK(other && *other);
	FAKE_ROOT_END();
}

/* A power cut after our own configuration was wiped, with the seed still attached: cloud-init copies it again at the next boot. */
TEST(finish_wipe_empties_copies_when_the_secrets_are_forgotten)
{
	static const struct node_config wiped = { .token = (char *)"000000.0000000000000000" };
	FAKE_ROOT();
	put_copies(path);
	fake_put(path, INSTANCE "sem/config_ssh", "kept\n");
	CHECK(finish_wipe(path, &wiped, &err) == 0);
	CLEANUP(free_p) char *data = fake_get(path, INSTANCE "user-data.txt");
	CLEANUP(free_p) char *pickle = fake_get(path, INSTANCE "obj.pkl");
	CLEANUP(free_p) char *mark = fake_get(path, INSTANCE "sem/config_ssh");
	CHECK_STR(data, "");
	CHECK_STR(pickle, "");
	CHECK_STR(mark, "kept\n");
	CHECK(finish_wipe(path, &wiped, &err) == 0);
	FAKE_ROOT_END();
}

/* cloud-init's last stage still needs what is wiped. */
TEST(finish_wipe_waits_for_cloud_init)
{
	FAKE_ROOT();
	fake_put(path, "/run/cloud-init/enabled", "");
	fake_put(path, INSTANCE "cloud-config.txt", TOKEN);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(700 * 1000);
		CLEANUP(free_p) char *seen = fake_get(path, INSTANCE "cloud-config.txt");
		fake_put(path, "/run/cloud-init/result.json", TOKEN);
		_exit(seen && !strcmp(seen, TOKEN) ? 0 : 1);
	}
	CHECK(finish_wipe(path, &node, &err) == 0);
	int status = 1;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CLEANUP(free_p) char *result = fake_get(path, "/run/cloud-init/result.json");
	CHECK_STR(result, "000000.0000000000000000");
	FAKE_ROOT_END();
}

/* The look afterwards is what makes the promise. */
TEST(finish_wipe_reports_what_is_left)
{
	FAKE_ROOT();
	CLEANUP(secrets_done) struct secrets secrets = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, path, &err);
	secrets_of(&node, &secrets);
	struct secret_wipe look = { .secrets = &secrets, .only_look = true };

	fake_put(path, INSTANCE "scripts/runcmd", "x\n");
	CHECK(secret_wipe_path(rootfd, "var/lib/cloud", &look, &err) == 0 && look.files == 1);
	fake_put(path, INSTANCE "scripts/runcmd", UUID);
	CHECK(secret_wipe_path(rootfd, "var/lib/cloud", &look, &err) < 0);
	CHECK(strstr(err.text, INSTANCE "scripts/runcmd still holds a secret") && !strstr(err.text, UUID));
	CLEANUP(free_p) char *text = fake_get(path, INSTANCE "scripts/runcmd");
	CHECK_STR(text, UUID);
	FAKE_ROOT_END();
}

TEST(finish_wipe_has_limits)
{
	FAKE_ROOT();
	CLEANUP(secrets_done) struct secrets secrets = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, path, &err);
	CLEANUP(text_done) struct text deep = { 0 };
	struct secret_wipe w = { .secrets = &secrets };

	for (int i = 0; i <= SECRET_WIPE_DEPTH_MAX; i++)
		text_add(&deep, "/d");
	text_add(&deep, "/file");
	fake_put(path, deep.data, "");
	CHECK(secret_wipe_path(rootfd, "d", &w, &err) < 0 && strstr(err.text, "deeper than"));
	FAKE_ROOT_END();
}

TEST(finish_writes_sentinels)
{
	FAKE_ROOT();
	CHECK(finish_sentinels(path, &err) == 0);
	CHECK(finish_sentinels(path, &err) == 0);
	CLEANUP(free_p) char *sentinel = fake_get(path, FINISH_SENTINEL);
	CLEANUP(free_p) char *stamp = fake_get(path, FINISH_STAMP);
	CHECK_STR(sentinel, "success\n");
	CHECK(stamp && strlen(stamp) == strlen("2026-11-22T10:00:00Z\n"));
	FAKE_ROOT_END();
}

TEST(finish_disables_the_unit)
{
	FAKE_ROOT();
	CHECK(finish_disable(path, &err) == 0);
	fake_put(path, "/etc/systemd/system/nodekiln-agent.service", "");
	fake_put(path, "/etc/systemd/system/multi-user.target.wants/nodekiln-agent.service", "");
	fake_put(path, "/etc/systemd/system/multi-user.target.wants/kubelet.service", "");
	fake_put(path, "/etc/systemd/system/cloud-init.target.wants/nodekiln-agent.service", "");
	CHECK(finish_disable(path, &err) == 0);
	CHECK(!fake_has(path, "/etc/systemd/system/multi-user.target.wants/nodekiln-agent.service"));
	CHECK(!fake_has(path, "/etc/systemd/system/cloud-init.target.wants/nodekiln-agent.service"));
	CHECK(fake_has(path, "/etc/systemd/system/multi-user.target.wants/kubelet.service"));
	CHECK(fake_has(path, "/etc/systemd/system/nodekiln-agent.service"));
	CHECK(finish_disable(path, &err) == 0);
	FAKE_ROOT_END();
}

TEST(finish_modes_of_kubelets_configuration)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s/var/lib/kubelet/config.yaml", path);
	struct stat st;

	CHECK(finish_modes(path, &err) == 0);
	fake_put(path, "/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
	CHECK(finish_modes(path, &err) == 0);
	CHECK(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
	FAKE_ROOT_END();
}
