/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish_node() on a scripted node (pve_stub.h): the requests of one publication, and the same with a fault at each of them in turn.
 */
#include <fcntl.h>

#include "builder/publish/publish.h"
#include "builder/publish/publish_exec.h"
#include "tests/unit/pve_stub.h"

#define NODE "/nodes/pve1"
#define UPID "\"UPID:pve1:0000A1B2:00C3D4E5:6570A1B2:imgcopy::nodekiln@pve!ci:\""
#define STATUS "GET " NODE "/tasks/*/status"
#define CONTENT "GET " NODE "/storage/local/content"
#define LIST "GET " NODE "/qemu"
#define CONFIG "GET " NODE "/qemu/100/config"
#define OK_TASK "{\"status\":\"stopped\",\"exitstatus\":\"OK\"}"
#define NOTES_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define UUID "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"
#define STEM "debian-12-k8s-1.20.2-aaaaaaaaaaaa"

static struct publish_image image = {
	.name = (char *)"debian-12-k8s",
	.version = (char *)"1.20.2",
	.stem = (char *)STEM,
	.vm = { .path = (char *)"tests/unit/check.h", .volume = (char *)STEM ".qcow2", .size = 1000 },
};

static struct target target = {
	.file = (char *)"pve.yaml",
	.token_id = (char *)"nodekiln@pve!ci",
	.storages = { .import = (char *)"local",
		      .vztmpl = (char *)"local",
		      .disks = (char *)"lvm",
		      .seeds = (char *)"local" },
	.pool = (char *)"k8s",
	.bridge = (char *)"vmbr0",
	.zone = (char *)"localnetwork",
	.notes_key = (char *)NOTES_KEY,
};

static struct publish_order order = {
	.image = &image,
	.target = &target,
	.storages = &target.storages,
	.node = "pve1",
	.may_discard = PUBLISH_VM,
	.now = 1000000,
};

static char *config; /* of VM 100 */

static void set_config(bool tagged, bool template, bool ready)
{
	char settings[PUBLISH_NOTES_HASH + 1];
	struct publish_notes p = { .image = image.name,
				   .version = image.version,
				   .vmid = 100,
				   .ready = ready,
				   .settings = settings,
				   .source = 5,
				   .published = (char *)"1970-01-12T13:46:40Z",
				   .node = (char *)"pve1",
				   .pool = target.pool,
				   .uuid = (char *)UUID };
	CLEANUP(json_free_p) struct json *object = json_object();
	struct text text = { 0 };

	publish_settings(&order, settings);
	memcpy(p.sha256, image.vm.sha256, SHA256_HEX);
	CLEANUP(free_p) char *notes = publish_notes_print(&p, NOTES_KEY, "words");
	CLEANUP(free_p) char *tags = publish_notes_tags(&p, "pve1", NULL);
	json_put_string(object, "name", STEM);
	json_put_string(object, "description", notes);
	json_put_string(object, "smbios1", "uuid=" UUID);
	json_put_string(object, "digest", "d1");
	if (tagged)
		json_put_string(object, "tags", tags);
	if (template)
		json_put_int(object, "template", 1);
	json_print(object, false, &text);
	free(config);
	config = text_take(&text);
	pve_stub_add(CONFIG, PVE_OK, config);
	pve_stub_add(LIST, PVE_OK, "[{\"vmid\":100,\"name\":\"" STEM "\",\"status\":\"stopped\"}]");
}

static void uploaded(void)
{
	pve_stub_add(CONTENT, PVE_OK,
		     "[{\"volid\":\"local:import/" STEM ".qcow2\",\"size\":1000,\"ctime\":5,\"content\":\"import\"}]");
}

static void discarded(void)
{
	pve_stub_add(CONTENT, PVE_OK, "[]");
}

static void created(void)
{
	set_config(false, false, false);
}

static void finalized(void)
{
	set_config(true, true, true);
}

static void converted(void)
{
	set_config(true, true, false);
	pve_stub_add("PUT " NODE "/qemu/100/config", PVE_OK, "null");
	pve_stub_then(finalized);
}

static void tagged(void)
{
	set_config(true, false, false);
}

static void removed(void)
{
	pve_stub_add(LIST, PVE_OK, "[]");
	pve_stub_add(CONFIG, PVE_MISSING, "no such VM");
}

static void node_new(void)
{
	pve_stub_reset();
	memset(image.vm.sha256, 'a', SHA256_HEX - 1);
	image.vm.path = (char *)"tests/unit/check.h";
	order.replace = false;
	order.image = &image;
	pve_stub_add("GET " NODE "/tasks", PVE_OK, "[]");
	pve_stub_add(CONTENT, PVE_OK, "[]");
	pve_stub_add(LIST, PVE_OK, "[]");
	pve_stub_add(STATUS, PVE_OK, OK_TASK);
	pve_stub_add("GET /cluster/nextid", PVE_OK, "\"100\"");
	pve_stub_add("GET /access/permissions", PVE_OK, "{\"/storage/local\":{\"Datastore.AllocateTemplate\":1}}");
	pve_stub_add("UPLOAD " NODE "/storage/local/upload", PVE_OK, UPID);
	pve_stub_then(uploaded);
	pve_stub_add("POST " NODE "/qemu", PVE_OK, UPID);
	pve_stub_then(created);
	pve_stub_add("PUT " NODE "/qemu/100/config", PVE_OK, "null");
	pve_stub_then(tagged);
	pve_stub_add("POST " NODE "/qemu/100/template", PVE_OK, UPID);
	pve_stub_then(converted);
	pve_stub_add("DELETE " NODE "/storage/local/content/*", PVE_OK, "null");
	pve_stub_then(discarded);
	pve_stub_add("DELETE " NODE "/qemu/100", PVE_OK, UPID);
	pve_stub_then(removed);
}

static int run(struct error *err)
{
	*err = (struct error){ 0 };
	return publish_node(&pve_stub.pve, &order, err);
}

static const char whole[] = "UPLOAD " NODE "/storage/local/upload\n"
			    "POST " NODE "/qemu\n"
			    "PUT " NODE "/qemu/100/config\n"
			    "POST " NODE "/qemu/100/template\n"
			    "PUT " NODE "/qemu/100/config\n"
			    "DELETE " NODE "/storage/local/content/local%3Aimport%2F" STEM ".qcow2\n";

TEST(publish_exec_whole)
{
	struct error err;

	node_new();
	CHECK_STR(run(&err) < 0 ? err.text : "", "");
	CHECK_STR(pve_stub.calls.data, whole);
	CHECK(strstr(pve_stub.params.data, "vmid=100\n") && strstr(pve_stub.params.data, "\"state\":\"unfinished\""));
	CHECK(strstr(pve_stub.params.data, "\"state\":\"ready\"") && strstr(pve_stub.params.data, "digest=d1\n"));
	/* again: nothing to do */
	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	CHECK(run(&err) == 0);
	CHECK_STR(pve_stub.calls.data, "");
}

TEST(publish_exec_again_after_a_passing_fault)
{
	static const enum pve_failure faults[] = { PVE_BUSY, PVE_UNREACHABLE };
	struct error err;

	for (size_t f = 0; f < ARRAY_SIZE(faults); f++) {
		node_new();
		CHECK(run(&err) == 0);
		for (int n = 1, last = pve_stub.requests; n <= last; n++) {
			node_new();
			pve_stub.fault_at = n;
			pve_stub.fault = faults[f];
			printf("# fault %d at request %d\n", (int)faults[f], n);
			CHECK_STR(run(&err) < 0 ? err.text : "", "");
			CHECK(pve_stub.now > 0 && strstr(config, "\\\"state\\\":\\\"ready\\\""));
		}
	}
}

TEST(publish_exec_ends_at_a_lasting_fault)
{
	struct error err;

	node_new();
	CHECK(run(&err) == 0);
	for (int n = 1, last = pve_stub.requests; n <= last; n++) {
		node_new();
		pve_stub.fault_at = n;
		pve_stub.fault = PVE_ERROR;
		printf("# request %d\n", n);
		CHECK(run(&err) < 0 && text_starts(err.text, "node pve1: ") && !strcmp(err.private.text, "a fault"));
		CHECK(pve_stub.now < 1);
	}
}

TEST(publish_exec_gives_up)
{
	struct error err;

	node_new();
	pve_stub_add("POST " NODE "/qemu", PVE_BUSY, "locked");
	CHECK(run(&err) < 0 && pve_stub.now > 90);
	CHECK_STR(err.text, "node pve1: refused");
	CHECK_STR(err.private.text, "locked");
	/* a step that never shows */
	node_new();
	pve_stub_add("UPLOAD " NODE "/storage/local/upload", PVE_OK, UPID);
	CHECK(run(&err) < 0);
	CHECK_STR(err.text, "node pve1: `upload local:import/" STEM
			    ".qcow2, 1000 B` was done 4 times and is still to do: Proxmox VE "
			    "does not show its result, or something undoes it; look at the tasks there, then run the "
			    "command again");
}

TEST(publish_exec_taken_vmid_is_picked_again)
{
	struct error err;

	node_new();
	pve_stub_once("POST " NODE "/qemu", PVE_ERROR,
		      "unable to create VM 100 - VM 100 already exists on node 'pve1'");
	CHECK(run(&err) == 0);
	CHECK(pve_stub_called("POST " NODE "/qemu\nPOST " NODE "/qemu\n"));
}

#define LEFT(volume) "{\"status\":\"stopped\",\"exitstatus\":\"unable to create VM 100 - " volume "\"}"

static void created_101(void)
{
	pve_stub_add(LIST, PVE_OK, "[]");
	pve_stub_add("POST " NODE "/qemu", PVE_ERROR, "stop here");
}

/* PVE names the same number again and again. */
TEST(publish_exec_skips_a_vmid_with_a_volume)
{
	struct error err;

	node_new();
	pve_stub_once(STATUS, PVE_OK, OK_TASK); /* the upload's */
	pve_stub_once(STATUS, PVE_OK,
		      LEFT("disk image '/var/lib/vz/images/100/vm-100-cloudinit.qcow2' already exists"));
	pve_stub_once("POST " NODE "/qemu", PVE_OK, UPID);
	pve_stub_then(created_101);
	pve_stub_once("GET /cluster/nextid", PVE_OK, "\"100\"");
	pve_stub_once("GET /cluster/nextid", PVE_OK, "\"100\"");
	pve_stub_once("GET /cluster/nextid", PVE_OK, "\"101\"");
	CHECK(run(&err) < 0 && pve_stub.now < 1);
	CHECK_STR(err.private.text, "stop here");
	CHECK(strstr(pve_stub.params.data, "vmid=101\n"));
}

static void shown_without_right(void)
{
	pve_stub_add(CONFIG, PVE_FORBIDDEN, "Permission check failed (/vms/100, VM.Audit)");
	pve_stub_add(LIST, PVE_OK, "[]");
}

/* The token loses VM.Audit in the middle: no second VM is made. */
TEST(publish_exec_stops_at_what_it_cannot_see)
{
	struct error err;

	for (int there = 0; there < 2; there++) {
		node_new();
		pve_stub_add("POST " NODE "/qemu", PVE_OK, UPID);
		pve_stub_then(shown_without_right);
		pve_stub_once("GET /cluster/nextid", PVE_OK, "\"100\"");
		if (there)
			pve_stub_once("GET /cluster/nextid", PVE_REFUSED, "VM 100 already exists");
		CHECK(run(&err) < 0 && err.class == ERROR_TARGET && pve_stub.now < 60);
		const char *first = strstr(pve_stub.calls.data, "POST " NODE "/qemu\n");
		CHECK(first && (strstr(first + 1, "POST") != NULL) == !there);
		CHECK(strstr(err.text,
			     there ? "VM 100, which this run works on, is still there, but the token "
				     "nodekiln@pve!ci cannot see it any more: it has lost VM.Audit on /pool/k8s"
				   : "was done 4 times and is still to do"));
	}
}

static void notes_taken(void)
{
	pve_stub_add(CONFIG, PVE_OK, "{\"description\":\"a user's\"}");
	pve_stub_add("POST " NODE "/qemu", PVE_ERROR, "stop here");
}

/* A user has taken the copy before it was finished: it is left alone, and another one is made. */
TEST(publish_exec_gives_up_what_is_a_users_now)
{
	struct error err;

	node_new();
	pve_stub_once("POST " NODE "/qemu", PVE_OK, UPID);
	pve_stub_then(notes_taken);
	pve_stub_add(LIST, PVE_OK, "[{\"vmid\":100,\"name\":\"" STEM "\",\"status\":\"stopped\"}]");
	pve_stub_add(CONFIG, PVE_MISSING, "no such VM");
	CHECK(run(&err) < 0);
	CHECK_STR(err.private.text, "stop here");
	CHECK(!pve_stub_called("DELETE") && !pve_stub_called("PUT"));
}

TEST(publish_exec_damaged_upload)
{
	struct error err;

	/* the file itself differs from the manifest */
	node_new();
	pve_stub_once(STATUS, PVE_OK, "{\"status\":\"stopped\",\"exitstatus\":\"checksum mismatch: got 'x'\"}");
	CHECK(run(&err) < 0 && err.class == ERROR_TRUST && strstr(err.text, "the manifest says aaaa"));
	/* the transfer was damaged: repeated */
	CLEANUP(close_p) int fd = open("tests/unit/check.h", O_RDONLY | O_CLOEXEC);
	node_new();
	CHECK(sha256_fd(fd, image.vm.sha256, &err) == 0);
	pve_stub_once("UPLOAD " NODE "/storage/local/upload", PVE_OK, UPID); /* and does not appear */
	pve_stub_once(STATUS, PVE_OK, "{\"status\":\"stopped\",\"exitstatus\":\"checksum mismatch: got 'x'\"}");
	CHECK(run(&err) == 0 && pve_stub_called("upload\nUPLOAD"));
}

TEST(publish_exec_upload_without_the_right)
{
	struct error err;

	node_new();
	pve_stub_add("UPLOAD " NODE "/storage/local/upload", PVE_UNREACHABLE, "closed");
	pve_stub_add("GET /access/permissions", PVE_OK, "{}");
	CHECK(run(&err) < 0 && err.class == ERROR_TARGET && pve_stub.now < 1);
	CHECK_STR(err.text,
		  "node pve1: the token nodekiln@pve!ci has lost Datastore.AllocateTemplate on /storage/local; "
		  "`nodekiln roles pve.yaml` prints how to grant it");
	node_new();
	image.vm.path = (char *)"/nonexistent";
	CHECK(run(&err) < 0 && strstr(err.text, "open /nonexistent") && !pve_stub_called("UPLOAD"));
}

TEST(publish_exec_waits_for_earlier_tasks)
{
	struct error err;

	node_new();
	pve_stub_once("GET " NODE "/tasks", PVE_OK, "[{\"upid\":" UPID "}]");
	pve_stub_once(STATUS, PVE_OK, "{\"status\":\"running\"}");
	CHECK(run(&err) == 0);
	CHECK_STR(pve_stub.calls.data, whole);
}

TEST(publish_exec_replace_keeps_what_is_in_use)
{
	struct error err;

	/* a finished copy, which --replace replaces; another guest is its linked clone */
	node_new();
	uploaded();
	set_config(true, true, true);
	order.replace = true;
	pve_stub_add("GET /cluster/nextid", PVE_FORBIDDEN, "stop here");
	CHECK(run(&err) < 0 && strstr(err.private.text, "stop here") && pve_stub_called("UPLOAD"));

	struct publish_step step = { .act = PUBLISH_REMOVE, .vmid = 100, .why = "replaced" };
	struct publish_run r = { .order = &order, .exec.pve = &pve_stub.pve };
	const struct publish_state none = { 0 };
	node_new();
	set_config(true, true, true);
	pve_stub_add("GET /cluster/resources", PVE_OK, "[{\"type\":\"qemu\",\"vmid\":500,\"node\":\"pve1\"}]");
	pve_stub_add("GET " NODE "/qemu/500/config", PVE_OK, "{\"scsi0\":\"lvm:base-100-disk-0/vm-500-disk-0\"}");
	CHECK(publish_exec(&r, &none, &step, &err) == 0 && r.memory.kept.n == 1 && !pve_stub_called("DELETE"));
	/* PVE says so itself */
	pve_stub_add("GET " NODE "/qemu/500/config", PVE_OK, "{\"description\":\"base-100-disk-0\"}");
	pve_stub_add("DELETE " NODE "/qemu/100", PVE_ERROR, "base volume 'x' is still in use by linked cloned");
	CHECK(publish_exec(&r, &none, &step, &err) == 0 && r.memory.kept.n == 2 && pve_stub_called("DELETE"));
	/* a guest whose configuration cannot be read now could be a clone */
	pve_stub_add("GET " NODE "/qemu/500/config", PVE_BUSY, "locked");
	CHECK(publish_exec(&r, &none, &step, &err) < 0 && r.exec.again);
	pve_stub_add("GET " NODE "/qemu/500/config", PVE_FORBIDDEN, "403");
	pve_stub_add("DELETE " NODE "/qemu/100", PVE_OK, UPID);
	CHECK(publish_exec(&r, &none, &step, &err) == 0 && r.memory.kept.n == 2);
	/* no longer ours, signed with another key, or removed */
	CLEANUP(free_p) char *forged = xstrdup(config);
	char *mac = strstr(forged, "\\\"mac\\\":\\\"") + 10;
	*mac ^= 1;
	pve_stub_add(CONFIG, PVE_OK, forged);
	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	CHECK(publish_exec(&r, &none, &step, &err) == 0 && !pve_stub_called("DELETE"));
	pve_stub_add(CONFIG, PVE_OK, "{\"description\":\"a user's\"}");
	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	CHECK(publish_exec(&r, &none, &step, &err) == 0 && !pve_stub_called("DELETE"));
	pve_stub_add(CONFIG, PVE_MISSING, "no such VM");
	CHECK(publish_exec(&r, &none, &step, &err) == 0 && !pve_stub_called("DELETE"));
	pve_stub_add(CONFIG, PVE_ERROR, "boom");
	CHECK(publish_exec(&r, &none, &step, &err) < 0);
	publish_memory_done(&r.memory);
}
