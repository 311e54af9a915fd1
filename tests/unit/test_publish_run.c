/* SPDX-License-Identifier: Apache-2.0 */
/* publish_run() of a container's tarball to two scripted nodes (pve_stub.h) that share a storage. */
#include <fcntl.h>
#include <unistd.h>

#include "builder/publish/publish.h"
#include "lib/file.h"
#include "tests/unit/pve_stub.h"

#define UPID "\"UPID:pve1:0000A1B2:00C3D4E5:6570A1B2:imgcopy::nodekiln@pve!ci:\""
#define UUID "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define VOLUME "d12-1.20.2-aaaaaaaaaaaa.tar.zst"
#define STORAGE(avail)                                                                                                 \
	"[{\"storage\":\"local\",\"enabled\":1,\"active\":1,\"shared\":1,\"content\":\"vztmpl\",\"avail\":" avail "}]"

static const char target_yaml[] =
	"url: https://pve1\ntoken_id: nodekiln@pve!ci\ntoken_secret_env: PUBLISH_TEST_TOKEN\nnodes: [pve1, pve2]\n"
	"storages: {import: local, vztmpl: local, disks: local}\nbridge: vmbr0\n";
static const char manifest[] =
	"{\"name\":\"d12\",\"created\":\"2026-11-22T10:00:00Z\",\"versions\":{\"kubernetes\":"
	"\"1.20.2\"},\"artifacts\":[{\"file\":\"d12.tar.zst\",\"sha256\":\"" SHA "\",\"size\":10}]}";

static char folder[] = "/tmp/test_publish_run.XXXXXX";
static char *target, *image, *list;

static bool put(const char *path, const char *text)
{
	struct error err;

	return file_write(AT_FDCWD, path, text, strlen(text), 0644, &err) == 0;
}

static void uploaded(void)
{
	pve_stub_add("GET /nodes/*/storage/local/content", PVE_OK,
		     "[{\"volid\":\"local:vztmpl/" VOLUME "\",\"size\":10,\"ctime\":5}]");
}

static bool lab_new(void)
{
	if (!target) {
		if (!mkdtemp(folder))
			return false;
		target = xasprintf("%s/target.yaml", folder);
		list = xasprintf("%s/d12.manifest.json", folder);
		image = xasprintf("%s/d12.tar.zst", folder);
	}
	pve_stub_reset();
	pve_stub_add("GET /version", PVE_OK, "{\"version\":\"8.1.0\"}");
	pve_stub_add("GET /access/permissions", PVE_OK,
		     "{\"/storage/local\":{\"Datastore.AllocateSpace\":1,\"Datastore.AllocateTemplate\":1}}");
	pve_stub_add("GET /nodes", PVE_OK,
		     "[{\"node\":\"pve1\",\"status\":\"online\"},{\"node\":\"pve2\",\"status\":\"online\"}]");
	pve_stub_add("GET /nodes/*/storage", PVE_OK, STORAGE("1000"));
	pve_stub_add("GET /nodes/*/status", PVE_OK, "{\"rootfs\":{\"avail\":5}}");
	pve_stub_add("GET /nodes/*/tasks", PVE_OK, "[]");
	pve_stub_add("GET /nodes/*/qemu", PVE_OK, "[]");
	pve_stub_add("GET /nodes/*/tasks/*/status", PVE_OK, "{\"status\":\"stopped\",\"exitstatus\":\"OK\"}");
	pve_stub_add("GET /nodes/*/storage/local/content", PVE_OK, "[]");
	pve_stub_add("UPLOAD /nodes/*/storage/local/upload", PVE_OK, UPID);
	pve_stub_then(uploaded);
	return put(target, target_yaml) && put(list, manifest) && put(image, "0123456789");
}

__attribute__((destructor)) static void lab_remove(void)
{
	char *files[] = { target, list, image };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i])
			unlink(files[i]);
		free(files[i]);
	}
	rmdir(folder);
	pve_stub_reset();
}

static int run(bool dry_run, struct text *said, struct error *err)
{
	const struct publish_options options = {
		.target = target, .image = image, .parts = PUBLISH_VM | PUBLISH_CT, .dry_run = dry_run
	};

	*err = (struct error){ 0 };
	setenv("PUBLISH_TEST_TOKEN", UUID, 1);
	return publish_run(&options, said, err);
}

TEST(publish_run_uploads_once_to_a_shared_storage)
{
	CLEANUP(text_done) struct text plan = { 0 }, said = { 0 }, again = { 0 };
	struct error err;

	CHECK(lab_new());
	CHECK_STR(run(true, &plan, &err) < 0 ? err.text : "", "");
	CHECK_STR(plan.data,
		  "pve1: upload local:vztmpl/" VOLUME ", 10 B\npve2: upload local:vztmpl/" VOLUME ", 10 B\n");
	CHECK_STR(pve_stub.calls.data, "");
	CHECK(run(false, &said, &err) == 0);
	CHECK_STR(pve_stub.calls.data, "UPLOAD /nodes/pve1/storage/local/upload\n");
	CHECK_STR(said.data, "pve1: local:vztmpl/" VOLUME "\npve2: local:vztmpl/" VOLUME "\n");
	CHECK(run(false, &again, &err) == 0 && strstr(again.data, "pve1: local:vztmpl/" VOLUME " (was there)\n"));
}

TEST(publish_run_ends_at_a_lasting_fault)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && run(false, &said, &err) == 0);
	for (int n = 1, last = pve_stub.requests; n <= last; n++) {
		CHECK(lab_new());
		pve_stub.fault_at = n;
		pve_stub.fault = PVE_UNAUTHORIZED;
		printf("# request %d\n", n);
		int rc = run(false, &said, &err);
		/* planning for the checks is tried again when publishing begins */
		CHECK(rc == 0 || !strcmp(err.private.text, "a fault"));
		CHECK(rc < 0 || pve_stub_called("UPLOAD"));
	}
}

TEST(publish_check_space_and_rights)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new());
	pve_stub_add("GET /nodes/*/storage", PVE_OK, STORAGE("9"));
	CHECK(run(false, &said, &err) < 0 && err.class == ERROR_SPACE &&
	      text_starts(err.text, "storage local has 9 B free"));
	CHECK(lab_new());
	pve_stub_add("GET /access/permissions", PVE_OK, "{}");
	CHECK(run(false, &said, &err) < 0 && err.class == ERROR_TARGET &&
	      strstr(err.text, "lacks Datastore.AllocateSpace"));
	CHECK_STR(pve_stub.calls.data, "");
}

TEST(publish_image_must_match_its_manifest)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && put(image, "short"));
	CHECK(run(false, &said, &err) < 0 && err.class == ERROR_TRUST && strstr(err.text, "has 5 bytes"));
	CHECK(lab_new() && put(list, "{\"name\":\"d12\"}"));
	CHECK(run(false, &said, &err) < 0 && strstr(err.text, "neither a version of Kubernetes nor a date"));
	CHECK(put(list, "{\"name\":\"../x\"}"));
	CHECK(run(false, &said, &err) < 0 && strstr(err.text, "it names no image"));
	CHECK(put(list, "{\"name\":\"d12\",\"created\":\"2026-11-22T10:00:00Z\"}"));
	CHECK(run(false, &said, &err) < 0 && strstr(err.text, "none of the artifacts"));
	unlink(list);
	CHECK(run(false, &said, &err) < 0 && err.class == ERROR_INPUT && strstr(err.text, "published by its manifest"));
	CHECK(!pve_stub.requests);
}
