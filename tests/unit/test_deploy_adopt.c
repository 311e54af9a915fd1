/* SPDX-License-Identifier: Apache-2.0 */
/* Guests of a cluster that nothing proves any more, and those that the user names (deploy_lab.h). */
#include "tests/unit/deploy_lab.h"

/* What a worker's root can do to the notes of the worker's guest. */
TEST(deploy_lost_guest_is_neither_made_again_nor_removed)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && deploy(&said, &err) == 0);
	text_done(&notes);
	text_add(&notes, "nothing");
	CLEANUP(free_p) char *bare = xasprintf("{\"description\":\"nothing\",\"smbios1\":\"uuid=%s\"}", UUID);
	pve_stub_add(CONFIG, PVE_OK, bare);
	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	CHECK(deploy(&said, &err) < 0 && err.class == ERROR_TARGET);
	CHECK(strstr(err.text,
		     "guest 100 on pve1 is node cp1 of cluster lab, but the signed line in its notes was changed"));
	CHECK(destroy(&said, &err) < 0 && strstr(err.text, "guest 100 on pve1 stays: it seems to be node cp1"));
	CHECK_STR(pve_stub.calls.data, "");
	/* it is reported once */
	CHECK(destroy(&said, &err) == 0 && access(secrets, F_OK) < 0);
	CHECK_STR(pve_stub.calls.data, "");
}

static int adopt(const char *word, struct text *said, struct error *err)
{
	struct deploy_options options = { .cluster = file };

	*err = (struct error){ 0 };
	setenv("DEPLOY_TEST_TOKEN", UUID, 1);
	strings_add(&options.adopt, word);
	int rc = deploy_run(&options, said, err);
	strings_done(&options.adopt);
	return rc;
}

static void adopted(void)
{
	take_notes();
	set_guest(true, false, NODE_RECORD_READY, NULL);
}

TEST(deploy_adopt_guest_of_other_secrets)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && deploy(&said, &err) == 0);
	unlink(secrets);
	CHECK(adopt("cp1", &said, &err) < 0 && err.class == ERROR_USAGE && strstr(err.text, "must be NODE=VMID"));
	CHECK(adopt("cp1=99", &said, &err) < 0 && strstr(err.text, "must be NODE=VMID"));
	CHECK(adopt("cp7=100", &said, &err) < 0 && strstr(err.text, "has no node cp7"));
	CHECK(adopt("cp1=555", &said, &err) < 0 && strstr(err.text, "the target's nodes have no such VM"));
	text_done(&pve_stub.params);
	text_add(&pve_stub.params, "");
	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	pve_stub_add("PUT " NODE "/qemu/100/config", PVE_OK, "null");
	pve_stub_then(adopted);
	CHECK_STR(adopt("cp1=100", &said, &err) < 0 ? err.text : "", "");
	CHECK_STR(pve_stub.calls.data, "PUT " NODE "/qemu/100/config\n");
	/* from now on it is ours */
	CHECK_STR(deploy(&said, &err) < 0 ? err.text : "", "");
	CHECK(destroy(&said, &err) == 0 && pve_stub_called("DELETE " NODE "/qemu/100\n"));
}
