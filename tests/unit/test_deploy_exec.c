/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy_run() and destroy_run() on a scripted node (deploy_lab.h): the requests of one deployment, the same with a fault at each of
 * them in turn, and what its checks report.
 */
#include "builder/progress/progress.h"
#include "tests/unit/deploy_lab.h"

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
			"DELETE " NODE "/storage/local/content/local%3Aiso%2Fnodekiln_lab_cp1_KEY.iso\n"
			"PUT /access/acl\nDELETE " AGENT));
	CHECK(strstr(pve_stub.params.data,
		     "path=/vms/100\nroles=NodekilnAgent\ntokens=nodekiln-agent@pve!kiln_lab_cp1_") &&
	      text_ends(pve_stub.params.data, "delete=1\n"));
	CHECK_STR(said.data, "cp1: VM 100 on pve1, ready\n");
	CHECK(strstr(pve_stub.params.data, "delete=scsi1\n") && strstr(pve_stub.params.data, "memory=4096\n"));

	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	CHECK(destroy(&gone, &err) == 0 && access(secrets, F_OK) < 0);
	CHECK(calls_are("POST " NODE "/qemu/100/status/stop\nDELETE " NODE "/qemu/100\n"));
	CHECK_STR(gone.data, "cluster lab: nothing is left\n");
}

static bool write_file(const char *path, const char *content)
{
	struct error err;

	return file_write(AT_FDCWD, path, content, strlen(content), 0600, &err) == 0;
}

static char *content_of(const char *path)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err;

	return file_read(AT_FDCWD, path, 1 << 20, &text, &err) == 0 ? text_take(&text) : NULL;
}

/* Afterwards it is the user's. */
TEST(deploy_exec_writes_a_kubeconfig_once)
{
	CLEANUP(free_p)
	char *yaml = xasprintf("%sconfig: {control_plane_endpoint: \"10.0.0.1:6443\"}\n", cluster_yaml);
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && write_file(file, yaml));
	CLEANUP(free_p) char *path = xasprintf("%s/lab.kubeconfig", folder);
	CHECK_STR(deploy(&said, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *first = content_of(path);
	CHECK(first && strstr(first, "server: \"https://10.0.0.1:6443\""));
	CHECK(deploy(&said, &err) == 0 && strstr(said.data, "kubectl --kubeconfig "));
	CLEANUP(free_p) char *second = content_of(path);
	CHECK_STR(second, first);
	CHECK(write_file(path, "apiVersion: v1\n") && deploy(&said, &err) == 0);
	CLEANUP(free_p) char *foreign = content_of(path);
	CHECK_STR(foreign, "apiVersion: v1\n");
	CHECK(unlink(path) == 0 && deploy(&said, &err) == 0 && access(path, F_OK) == 0);
	CHECK(destroy(&said, &err) == 0 && access(path, F_OK) < 0);
	CHECK(write_file(file, cluster_yaml));
}

/* Every `from` is a `to`. */
static char *replaced_text(const char *s, const char *from, const char *to)
{
	CLEANUP(text_done) struct text text = { 0 };

	for (const char *at; (at = strstr(s, from)); s = at + strlen(from)) {
		text_addn(&text, s, (size_t)(at - s));
		text_add(&text, to);
	}
	text_add(&text, s);
	return text_take(&text);
}

static int deploy_with_endpoint(const char *endpoint, struct error *err)
{
	CLEANUP(free_p)
	char *yaml = xasprintf("%sconfig: {control_plane_endpoint: \"%s\"}\n", cluster_yaml, endpoint);
	CLEANUP(text_done) struct text said = { 0 };

	return write_file(file, yaml) ? deploy(&said, err) : -1;
}

/* The same certificate for another server; what the user has edited stays, wherever it leads. */
TEST(deploy_exec_moves_the_kubeconfig_with_the_endpoint)
{
	static const char old[] = "10.0.0.1:6443", new[] = "192.0.2.200:6443", tunnel[] = "10.0.0.9:6443";
	struct error err = { 0 };

	CHECK(lab_new() && deploy_with_endpoint(old, &err) == 0);
	CLEANUP(free_p) char *path = xasprintf("%s/lab.kubeconfig", folder), *first = content_of(path);
	CHECK(deploy_with_endpoint(new, &err) == 0);
	CLEANUP(free_p) char *moved = content_of(path);
	CLEANUP(free_p) char *wanted = replaced_text(first, old, new);
	CHECK_STR(moved, wanted);
	CHECK(deploy_with_endpoint(old, &err) == 0);
	CLEANUP(free_p) char *back = content_of(path);
	CHECK_STR(back, first);

	char *server = strstr(back, "https://");
	CHECK(server && memcmp(server + strlen("https://"), old, strlen(old)) == 0);
	memcpy(server + strlen("https://"), tunnel, strlen(tunnel));
	CHECK(write_file(path, back) && deploy_with_endpoint(new, &err) == 0);
	CLEANUP(free_p) char *kept = content_of(path);
	CHECK_STR(kept, back);
	CHECK(unlink(path) == 0 && write_file(file, cluster_yaml));
}

/* Of an earlier cluster of that name. */
TEST(deploy_exec_and_the_kubeconfig_of_another_cluster)
{
	CLEANUP(free_p)
	char *yaml = xasprintf("%sconfig: {control_plane_endpoint: \"10.0.0.1:6443\"}\n", cluster_yaml);
	CLEANUP(text_done) struct text said = { 0 };
	struct error err;

	CHECK(lab_new() && write_file(file, yaml) && deploy(&said, &err) == 0);
	CLEANUP(free_p) char *path = xasprintf("%s/lab.kubeconfig", folder), *old = content_of(path);
	CHECK(old && destroy(&said, &err) == 0 && write_file(path, old));
	CHECK(lab_new() && deploy(&said, &err) == 0);
	CLEANUP(free_p) char *new = content_of(path);
	CHECK(new &&strcmp(old, new) != 0);
	CHECK(write_file(path, old) && destroy(&said, &err) == 0 && access(path, F_OK) == 0);
	CHECK(unlink(path) == 0 && write_file(file, cluster_yaml));
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
		CHECK(deploy(&said, &err) < 0 && !strcmp(err.private.text, "a fault") && !said.len);
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
	CHECK_STR(err.text, "cluster lab: refused");
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
	CHECK_STR(err.private.text, "403");
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
	CHECK(strstr(err.text, "(--adopt cp1=100)"));
	/* destroy knows no secrets, so nothing is known to be its */
	text_done(&pve_stub.calls);
	text_add(&pve_stub.calls, "");
	unlink(secrets);
	CHECK(destroy(&said, &err) < 0 && err.class == ERROR_TARGET && !*pve_stub.calls.data);
	CHECK(strstr(err.text,
		     "knows no guest of cluster lab, so nothing proves that guest 100 on pve1 is its node cp1"));
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
