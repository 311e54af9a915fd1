/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy_run() and destroy_run() on a scripted node (pve_stub.h): the requests of one deployment, the same with a fault at each of
 * them in turn, and what its checks report.
 */
#include <fcntl.h>
#include <unistd.h>

#include "builder/deploy/deploy.h"
#include "builder/progress/progress.h"
#include "lib/file.h"
#include "lib/node_record.h"
#include "tests/unit/pve_stub.h"

#define NODE "/nodes/pve1"
#define UPID "\"UPID:pve1:0000A1B2:00C3D4E5:6570A1B2:qmclone:100:nodekiln@pve!ci:\""
#define UUID "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
#define TOKENS "/access/users/*/token"
#define LIST "GET " NODE "/qemu"
#define CONTENT "GET " NODE "/storage/local/content"
#define CONFIG "GET " NODE "/qemu/100/config"
#define TEMPLATE "{\"vmid\":9000,\"name\":\"debian-12\",\"template\":1}"
#define RIGHTS                                                                                                         \
	"{\"VM.Allocate\":1,\"VM.Audit\":1,\"VM.Clone\":1,\"VM.Config.CDROM\":1,\"VM.Config.CPU\":1,"                  \
	"\"VM.Config.Cloudinit\":1,\"VM.Config.Disk\":1,\"VM.Config.Memory\":1,\"VM.Config.Network\":1,"               \
	"\"VM.Config.Options\":1,\"VM.PowerMgmt\":1,\"Pool.Allocate\":1,\"SDN.Use\":1,\"Datastore.Allocate\":1,"       \
	"\"Datastore.AllocateSpace\":1,\"Datastore.AllocateTemplate\":1}"

static const char cluster_yaml[] =
	"cluster: lab\ntemplate: debian-12\n"
	"target:\n  url: https://pve1\n  token_id: nodekiln@pve!ci\n  token_secret_env: DEPLOY_TEST_TOKEN\n"
	"  nodes: [pve1]\n  storages: {import: local, vztmpl: local, disks: lvm}\n  pool: k8s\n  bridge: vmbr0\n"
	"nodes: [{name: cp1, role: init, disk: 20G, cores: 2, memory: 4G}]\n";

static char folder[] = "/tmp/test_deploy_exec.XXXXXX";
static char *file, *secrets;
static struct text notes, config, tokens, volumes; /* of VM 100 and its cluster */

/* What the last request with a description has written. */
static void take_notes(void)
{
	const char *line = strstr(pve_stub.params.data, "nodekiln-deploy: {");

	text_done(&notes);
	text_addn(&notes, line ? line : "none", line ? strcspn(line, "\n") : 4);
}

static void set_guest(bool running, bool seeded, enum node_record_state state, const char *error)
{
	struct node_record m = {
		.cluster = (char *)"lab", .role = 0, .state = state, .vmid = 100, .error = (char *)error
	};
	CLEANUP(free_p) char *all = NULL;
	CLEANUP(json_free_p) struct json *object = json_object();
	const char *key = strstr(notes.data, "\"key\":\"") + strlen("\"key\":\"");
	struct error err;

	if (state == NODE_RECORD_UNKNOWN || node_record_notes(&m, notes.data, &all, &err) < 0)
		all = xstrdup(notes.data);
	json_put_string(object, "description", all);
	json_put_string(object, "digest", "d1");
	json_put_string(object, "scsi0", "lvm:vm-100-disk-0,size=8G");
	json_put_string(object, "scsi1", "lvm:vm-100-cloudinit,media=cdrom");
	if (seeded)
		json_put_stringf(object, "scsi2", "local:iso/nodekiln_lab_cp1_%.12s.iso,media=cdrom", key);
	text_done(&config);
	json_print(object, false, &config);
	pve_stub_add(CONFIG, PVE_OK, config.data);
	pve_stub_add(LIST, PVE_OK,
		     running ? "[" TEMPLATE ",{\"vmid\":100,\"name\":\"cp1\",\"status\":\"running\"}]"
			     : "[" TEMPLATE ",{\"vmid\":100,\"name\":\"cp1\",\"status\":\"stopped\"}]");
}

static void cloned(void)
{
	take_notes();
	set_guest(false, false, NODE_RECORD_UNKNOWN, NULL);
}

static void token_made(void)
{
	const char *key = strstr(notes.data, "\"key\":\"") + strlen("\"key\":\"");

	text_done(&tokens);
	text_addf(&tokens, "[{\"tokenid\":\"kiln_lab_cp1_%.12s\",\"expire\":0}]", key);
	pve_stub_add("GET " TOKENS, PVE_OK, tokens.data);
}

static void token_removed(void)
{
	pve_stub_add("GET " TOKENS, PVE_OK, "[]");
}

static void seeded(void)
{
	const char *key = strstr(notes.data, "\"key\":\"") + strlen("\"key\":\"");

	text_done(&volumes);
	text_addf(&volumes, "[{\"volid\":\"local:iso/nodekiln_lab_cp1_%.12s.iso\",\"size\":400000}]", key);
	pve_stub_add(CONTENT, PVE_OK, volumes.data);
}

static void seed_removed(void)
{
	pve_stub_add(CONTENT, PVE_OK, "[]");
}

static void ejected(void)
{
	set_guest(true, false, NODE_RECORD_READY, NULL);
}

static void booted(void)
{
	set_guest(true, true, NODE_RECORD_READY, NULL);
	pve_stub_add("PUT " NODE "/qemu/100/config", PVE_OK, "null");
	pve_stub_then(ejected);
}

static void attached(void)
{
	set_guest(false, true, NODE_RECORD_UNKNOWN, NULL);
}

static void guest_removed(void)
{
	pve_stub_add(LIST, PVE_OK, "[" TEMPLATE "]");
	pve_stub_add(CONFIG, PVE_MISSING, "no such VM");
}

static void add_checks(void)
{
	pve_stub_add("GET /version", PVE_OK, "{\"version\":\"9.0.1\"}");
	pve_stub_add("GET /access/permissions", PVE_OK,
		     "{\"/pool/k8s\":" RIGHTS ",\"/sdn/zones/localnetwork/vmbr0\":" RIGHTS ",\"/storage/local\":" RIGHTS
		     ",\"/storage/lvm\":" RIGHTS "}");
	pve_stub_add("GET /access/roles", PVE_OK,
		     "[{\"roleid\":\"NodekilnAgent\",\"privs\":\"VM.Audit,VM.Config.Options\"},"
		     "{\"roleid\":\"NodekilnPeer\",\"privs\":\"VM.Audit\"}]");
	pve_stub_add("GET /nodes", PVE_OK, "[{\"node\":\"pve1\",\"status\":\"online\"}]");
	pve_stub_add("GET " NODE "/storage", PVE_OK,
		     "[{\"storage\":\"local\",\"enabled\":1,\"active\":1,\"content\":\"iso,vztmpl\"},"
		     "{\"storage\":\"lvm\",\"enabled\":1,\"active\":1,\"content\":\"images,rootdir\"}]");
}

static void add_changes(void)
{
	pve_stub_add("POST " NODE "/qemu/9000/clone", PVE_OK, UPID);
	pve_stub_then(cloned);
	pve_stub_add("PUT " NODE "/qemu/100/resize", PVE_OK, "null");
	pve_stub_add("POST " TOKENS "/*", PVE_OK, "{\"value\":\"" UUID "\"}");
	pve_stub_then(token_made);
	pve_stub_add("DELETE " TOKENS "/*", PVE_OK, "null");
	pve_stub_then(token_removed);
	pve_stub_add("PUT /access/acl", PVE_OK, "null");
	pve_stub_add("UPLOAD " NODE "/storage/local/upload", PVE_OK, UPID);
	pve_stub_then(seeded);
	pve_stub_add("PUT " NODE "/qemu/100/config", PVE_OK, "null");
	pve_stub_then(attached);
	pve_stub_add("POST " NODE "/qemu/100/status/start", PVE_OK, UPID);
	pve_stub_then(booted);
	pve_stub_add("POST " NODE "/qemu/100/status/stop", PVE_OK, UPID);
	pve_stub_add("DELETE " NODE "/storage/local/content/*", PVE_OK, "null");
	pve_stub_then(seed_removed);
	pve_stub_add("DELETE " NODE "/qemu/100", PVE_OK, UPID);
	pve_stub_then(guest_removed);
}

static bool lab_new(void)
{
	struct error err;

	pve_stub_reset();
	if (!file) {
		if (!mkdtemp(folder))
			return false;
		file = xasprintf("%s/lab.yaml", folder);
		secrets = xasprintf("%s/lab.secrets", folder);
		if (file_write(AT_FDCWD, file, cluster_yaml, strlen(cluster_yaml), 0644, &err) < 0)
			return false;
	}
	setenv("DEPLOY_TEST_TOKEN", UUID, 1);
	pve_stub_add("GET " NODE "/tasks", PVE_OK, "[]");
	pve_stub_add("GET " NODE "/tasks/*/status", PVE_OK, "{\"status\":\"stopped\",\"exitstatus\":\"OK\"}");
	pve_stub_add(LIST, PVE_OK, "[" TEMPLATE "]");
	pve_stub_add("GET " NODE "/lxc", PVE_OK, "[]");
	pve_stub_add(CONTENT, PVE_OK, "[]");
	pve_stub_add("GET " TOKENS, PVE_OK, "[]");
	pve_stub_add("GET /cluster/nextid", PVE_OK, "\"100\"");
	add_checks();
	add_changes();
	return true;
}

__attribute__((destructor)) static void lab_remove(void)
{
	if (file) {
		unlink(file);
		unlink(secrets);
		rmdir(folder);
	}
	free(file);
	free(secrets);
	pve_stub_reset();
	for (size_t i = 0; i < 4; i++)
		text_done((struct text *[]){ &notes, &config, &tokens, &volumes }[i]);
}

static int deploy(struct text *said, struct error *err)
{
	const struct deploy_options options = { .cluster = file };

	*err = (struct error){ 0 };
	setenv("DEPLOY_TEST_TOKEN", UUID, 1);
	return deploy_run(&options, said, err);
}

static int destroy(struct text *said, struct error *err)
{
	const struct deploy_options options = { .cluster = file, .yes = true };

	*err = (struct error){ 0 };
	setenv("DEPLOY_TEST_TOKEN", UUID, 1);
	return destroy_run(&options, said, err);
}

/* Without the parts that differ from run to run: the digests of keys. */
static bool calls_are(const char *want)
{
	CLEANUP(text_done) struct text got = { 0 };

	for (const char *c = pve_stub.calls.data; *c;) {
		const char *key = strstr(c, "cp1_"), *end = c + strcspn(c, "\n");
		if (key && key < end)
			text_addf(&got, "%.*sKEY%.*s\n", (int)(key + 4 - c), c, (int)(end - key - 16), key + 16);
		else
			text_addf(&got, "%.*s\n", (int)(end - c), c);
		c = end + (*end == '\n');
	}
	if (!strcmp(got.data ? got.data : "", want))
		return true;
	printf("# got:\n%s", got.data ? got.data : "");
	return false;
}

#define AGENT "/access/users/nodekiln-agent%40pve/token/kiln_lab_cp1_KEY\n"

TEST(deploy_exec_whole_and_destroy)
{
	CLEANUP(text_done) struct text said = { 0 }, gone = { 0 };
	struct error err;

	CHECK(lab_new());
	CHECK_STR(deploy(&said, &err) < 0 ? err.text : "", "");
	CHECK(calls_are("POST " NODE "/qemu/9000/clone\nPUT " NODE "/qemu/100/resize\nPOST " AGENT
			"PUT /access/acl\nPUT /access/acl\nUPLOAD " NODE "/storage/local/upload\n"
			"PUT " NODE "/qemu/100/config\nPOST " NODE "/qemu/100/status/start\n"
			"PUT " NODE "/qemu/100/config\n"
			"DELETE " NODE "/storage/local/content/local%3Aiso%2Fnodekiln_lab_cp1_KEY.iso\nDELETE " AGENT));
	CHECK_STR(said.data, "cp1: VM 100 on pve1, ready\n");
	CHECK(strstr(pve_stub.params.data, "delete=scsi1\n") && strstr(pve_stub.params.data, "memory=4096\n"));

	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	CHECK(destroy(&gone, &err) == 0 && access(secrets, F_OK) < 0);
	CHECK(calls_are("POST " NODE "/qemu/100/status/stop\nDELETE " NODE "/qemu/100\n"));
	CHECK_STR(gone.data, "cluster lab: nothing is left\n");
}

TEST(deploy_exec_again_after_a_passing_fault)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && deploy(&said, &err) == 0);
	for (int n = 1, last = pve_stub.requests; n <= last; n++) {
		CHECK(lab_new());
		pve_stub.fault_at = n;
		pve_stub.fault = PVE_BUSY;
		printf("# request %d\n", n);
		/* one busy answer ends nothing */
		CHECK_STR(deploy(&said, &err) < 0 ? err.text : "", "");
		CHECK(strstr(config.data, "\\\"state\\\":\\\"ready\\\"") && pve_stub.now > 0);
	}
}

TEST(deploy_exec_ends_at_a_lasting_fault)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && deploy(&said, &err) == 0);
	text_done(&said);
	for (int n = 1, last = pve_stub.requests; n <= last; n++) {
		CHECK(lab_new());
		pve_stub.fault_at = n;
		pve_stub.fault = PVE_ERROR;
		printf("# request %d\n", n);
		CHECK(deploy(&said, &err) < 0 && text_ends(err.text, "a fault") && !said.len);
	}
}

TEST(deploy_watch_failures)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && deploy(&said, &err) == 0);
	/* the node failed, and says why */
	token_made();
	set_guest(true, true, NODE_RECORD_FAILED, "no network");
	CHECK(deploy(&said, &err) < 0 && err.class == ERROR_FAILED);
	CHECK(strstr(err.text, "node cp1 (guest 100 on pve1) failed: no network; "));
	/* it never becomes ready */
	set_guest(true, true, NODE_RECORD_JOINING, NULL);
	pve_stub.now = 0;
	CHECK(deploy(&said, &err) < 0 && err.class == ERROR_FAILED && pve_stub.now > 1000);
	CHECK(strstr(err.text, "it is joining. Look at its console"));
	/* PVE does not answer any more while it is watched: 20 looks of four tries, and then it is an error */
	int before = pve_stub.requests;
	pve_stub.now = 0;
	pve_stub_once(CONFIG, PVE_OK, config.data);
	pve_stub_add(CONFIG, PVE_UNREACHABLE, "down");
	CHECK(deploy(&said, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK_STR(err.text, "cluster lab: down");
	CHECK(pve_stub.requests - before > 80);
}

TEST(deploy_check_reports_what_is_missing)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new());
	pve_stub_add("GET " TOKENS, PVE_FORBIDDEN, "Permission check failed");
	CHECK(deploy(&said, &err) < 0 && err.class == ERROR_TARGET && strstr(err.text, "may not make tokens for"));
	CHECK(lab_new());
	pve_stub_add("GET /access/roles", PVE_OK, "[{\"roleid\":\"NodekilnAgent\",\"privs\":\"VM.Audit\"}]");
	CHECK(deploy(&said, &err) < 0 && strstr(err.text, "everything that is missing is listed above; first: there is "
							  "no role NodekilnAgent"));
	CHECK(lab_new());
	pve_stub_add(LIST, PVE_OK, "[]");
	CHECK(deploy(&said, &err) < 0 && strstr(err.text, "node 'cp1': node pve1 has no template debian-12 that"));
	CHECK(lab_new());
	pve_stub_add(LIST, PVE_FORBIDDEN, "403");
	CHECK(deploy(&said, &err) < 0);
	CHECK_STR(err.text, "403");
	CHECK_STR(pve_stub.calls.data, "");
}

/* Reads what was written to stdout meanwhile. */
static bool capture(int (*run)(struct text *said, struct error *err), struct text *ret)
{
	CLEANUP(text_done) struct text said = { 0 };
	CLEANUP(free_p) char *name = xasprintf("%s/out", folder);
	struct error err;
	int old = dup(STDOUT_FILENO), fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	progress_open(PROGRESS_JSON);
	int rc = run(&said, &err);
	progress_close();
	dup2(old, STDOUT_FILENO);
	close(old);
	close(fd);
	rc |= file_read(AT_FDCWD, name, 1 << 20, ret, &err);
	unlink(name);
	return rc == 0;
}

static int dry_run(struct text *said, struct error *err)
{
	const struct deploy_options options = { .cluster = file, .dry_run = true };

	return deploy_run(&options, said, err);
}

TEST(deploy_session_prints_its_plan_as_json)
{
	CLEANUP(text_done) struct text out = { 0 }, done = { 0 };

	CHECK(lab_new());
	unlink(secrets);
	CHECK(capture(dry_run, &out));
	CHECK(strstr(out.data, "\"plan\":[\"clone VM cp1 of debian-12 (linked) on pve1\","));
	CHECK(!*pve_stub.calls.data && access(secrets, F_OK) < 0);
	CHECK(lab_new() && capture(deploy, &done));
	CHECK(strstr(done.data, "{\"name\":\"cp1\",\"role\":\"init\",\"vmid\":100,\"node\":\"pve1\"}"));
}

TEST(deploy_strangers_are_refused)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && deploy(&said, &err) == 0);
	unlink(secrets); /* so this run has others */
	CHECK(deploy(&said, &err) < 0);
	CHECK(strstr(err.text, "there is a cluster lab with other secrets than those in"));
	/* destroy knows no secrets: everything with its name */
	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	unlink(secrets);
	CHECK(destroy(&said, &err) == 0 && pve_stub_called("DELETE " NODE "/qemu/100\n"));
}

TEST(destroy_asks_first)
{
	CLEANUP(text_done) struct text said = { 0 };
	struct deploy_options options = { .cluster = file };
	struct error err = { 0 };

	CHECK(lab_new() && deploy(&said, &err) == 0);
	setenv("DEPLOY_TEST_TOKEN", UUID, 1);
	CHECK(destroy_run(&options, &said, &err) < 0 && err.class == ERROR_USAGE &&
	      strstr(err.text, "--yes confirms it"));
	options.yes = true;
	strings_add(&options.nodes, "cp7");
	setenv("DEPLOY_TEST_TOKEN", UUID, 1);
	CHECK(destroy_run(&options, &said, &err) < 0 && strstr(err.text, "has no such node"));
	strings_done(&options.nodes);
}
