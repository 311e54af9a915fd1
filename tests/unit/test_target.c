/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/target/: targets; those named should-fail-NAME.yaml are refused with the sentence in NAME.txt. UPDATE_GOLDEN=1 writes
 * the sentences; read the difference.
 */
#include "tests/unit/refused.h"

#include <unistd.h>

#include "builder/pve/target.h"

#define FOLDER "tests/golden/target"
#define SECRET "01234567-89ab-cdef-0123-456789abcdef"

/* The secret of should-fail-secret-in-file.yaml may not be in the sentence either. */
static int load(const char *file, struct error *err)
{
	CLEANUP(target_done) struct target target = { 0 };

	return target_load(file, &target, err) < 0 && !strstr(err->text, SECRET) ? -1 : 0;
}

TEST(target_refused)
{
	CHECK(count_refused(FOLDER, load) >= 25);
}

TEST(target_every_key)
{
	CLEANUP(target_done) struct target t = { 0 };
	struct error err = { 0 };

	CHECK_STR(target_load(FOLDER "/full.yaml", &t, &err) < 0 ? err.text : "", "");
	CHECK_STR(t.url, "https://[fd00::1]:8443");
	CHECK_STR(t.token_secret_env, "PVE_TOKEN");
	CHECK(!t.token_secret_file && t.fingerprints.n == 1 && text_starts(t.fingerprints.at[0], "AB:AB:"));
	CHECK(t.nodes.n == 3 && !t.nodes.at[0].url);
	CHECK_STR(t.nodes.at[1].name, "pve2");
	CHECK_STR(t.nodes.at[1].url, "https://pve2.example:8006");
	CHECK_STR(t.storages.import, "uploads");
	CHECK_STR(t.storages.disks, "local-lvm");
	CHECK_STR(target_storages_on(&t, "pve1")->seeds, "isos");
	CHECK_STR(target_storages_on(&t, "pve2")->disks, "local-zfs");
	CHECK_STR(target_storages_on(&t, "pve2")->import, "uploads");
	CHECK_STR(target_storages_on(&t, "pve2")->seeds, "nfs");
	CHECK_STR(t.agent_user, "agents@pve");
	CHECK(t.vmid_from == 9000 && t.vmid_to == 9099 && t.tags.n == 2);
	CLEANUP(free_p) char *bridge = target_bridge_path(&t), *user = target_user(&t);
	CHECK_STR(bridge, "/sdn/zones/lab/vnet1/20");
	CHECK_STR(user, "nodekiln@pve");
}

TEST(target_defaults)
{
	CLEANUP(target_done) struct target t = { 0 };
	struct error err = { 0 };

	CHECK_STR(target_load(FOLDER "/good.yaml", &t, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *bridge = target_bridge_path(&t);
	CHECK_STR(bridge, "/sdn/zones/localnetwork/vmbr0");
	CHECK_STR(target_storages_on(&t, t.nodes.at[0].name)->seeds, t.storages.vztmpl);
	CHECK_STR(t.agent_user, TARGET_AGENT_USER);
	CHECK(!t.pool && !t.vmid_from && !t.ca_file && !t.tags.n);
}

/* Once read, the environment has it no more: nothing that we start could see it. */
TEST(target_secret_env_is_removed)
{
	static const char text[] =
		"url: https://a\ntoken_id: a@pve!ci\ntoken_secret_env: KILN_TEST\nnodes: [a]\nbridge: vmbr0\n"
		"storages: {import: local, vztmpl: local, disks: local}\n";
	CLEANUP(target_done) struct target t = { 0 }, u = { 0 };
	struct error err = { 0 };

	setenv("KILN_TEST", " " SECRET "\n", 1);
	CHECK(target_parse("x", text, strlen(text), &t, &err) == 0 && target_open(&t, &err) == 0);
	CHECK_STR(t.token_secret, SECRET);
	CHECK(!getenv("KILN_TEST"));
	setenv("KILN_TEST", "no-uuid", 1);
	CHECK(target_parse("x", text, strlen(text), &u, &err) == 0 && target_open(&u, &err) < 0);
	CHECK(err.class == ERROR_INPUT && !strstr(err.text, "no-uuid"));
}

TEST(target_relative_files)
{
	char directory[] = "/tmp/nodekiln-target-XXXXXX";
	CLEANUP(target_done) struct target t = { 0 };
	CLEANUP(text_done) struct text good = { 0 };
	struct error err = { 0 };

	CHECK(mkdtemp(directory));
	CLEANUP(free_p) char *file = xasprintf("%s/pve.yaml", directory), *secret = xasprintf("%s/secret", directory);
	CHECK(file_read(AT_FDCWD, FOLDER "/good.yaml", 1 << 20, &good, &err) == 0);
	CHECK(file_write(AT_FDCWD, file, good.data, good.len, 0644, &err) == 0);
	CHECK(target_load(file, &t, &err) == 0);
	CHECK(target_open(&t, &err) < 0 && err.class == ERROR_INPUT && strstr(err.text, "token_secret_file"));
	CHECK(file_write(AT_FDCWD, secret, SECRET "\n", strlen(SECRET) + 1, 0600, &err) == 0);
	CHECK_STR(target_open(&t, &err) < 0 ? err.text : t.token_secret, SECRET);
	CHECK(unlink(file) == 0 && unlink(secret) == 0 && rmdir(directory) == 0);
}
