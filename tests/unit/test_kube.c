/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kube.h"
#include "agent/private_log.h"

#include "lib/clock.h"
#include "lib/process.h"
#include "tests/unit/fake_root.h"

#define CONF "/etc/kubernetes/kubelet.conf"
#define SERVER "https://10.0.0.10:6443" /* in the golden kubeconfigs */

/* tests/agent/node_api.py */
struct server {
	pid_t pid;
	int port, said; /* its output; it would not like it to be closed */
};

static struct server start_server(void)
{
	static const char *const argv[] = { "python3", "tests/agent/node_api.py", "tests/golden/pki", NULL };
	struct error err = { 0 };
	char line[16] = "";
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		exit(1);
	pid_t pid = process_start(&(struct process){ .argv = (char *const *)argv }, ends[1], &err);
	close(ends[1]);
	for (size_t n = 0; n + 1 < sizeof line && !strchr(line, '\n'); n++)
		if (pid < 0 || read(ends[0], line + n, 1) != 1)
			exit(1);
	return (struct server){ .pid = pid, .port = atoi(line), .said = ends[0] };
}

static void stop_server(struct server *server)
{
	char said[4096];

	process_stop(server->pid, 1000);
	ssize_t n = read(server->said, said, sizeof said - 1);
	if (n > 0)
		printf("# %.*s\n", (int)n, said);
	close(server->said);
}

static void put_kubeconfig(const char *root, const char *golden, const char *host, int port)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (file_read(AT_FDCWD, golden, FAKE_FILE_MAX, &text, &err) < 0)
		exit(1);
	char *at = strstr(text.data, SERVER);
	CLEANUP(free_p)
	char *conf =
		xasprintf("%.*shttps://%s:%d%s", (int)(at - text.data), text.data, host, port, at + strlen(SERVER));
	fake_put(root, CONF, conf);
}

static const struct {
	const char *name;
	int rc;
	bool ready;
	const char *uid, *reason, *pod_cidr;
	enum error_class class;
	const char *why;
} answers[] = {
	{ "ready", 0, true, "system:node:w1", "KubeletReady: in kubelet's words", "10.244.1.0/24", ERROR_NONE, NULL },
	{ "unready", 0, false, "u-1", "KubeletNotReady: in kubelet's words", "10.244.1.0/24", ERROR_NONE, NULL },
	{ "silent", 0, false, "u-1", "NodeStatusUnknown: in kubelet's words", "10.244.1.0/24", ERROR_NONE, NULL },
	{ "young", 0, false, "u-2", NULL, NULL, ERROR_NONE, NULL },
	{ "missing", 0, false, NULL, "it has not registered yet", NULL, ERROR_NONE, NULL },
	{ "denied", -1, false, NULL, NULL, NULL, ERROR_FAILED, "nodes \"denied\" is forbidden" },
	{ "busy", -1, false, NULL, NULL, NULL, ERROR_NETWORK, "apiserver is shutting down" },
	{ "list", -1, false, NULL, NULL, NULL, ERROR_FAILED, "is not a Node" },
};

/* kubelet's certificate is asked for and shown: the server says whose it is. */
TEST(kube_asks_for_the_node_as_the_node)
{
	FAKE_ROOT();
	struct server server = start_server();
	bool good = true;

	put_kubeconfig(path, "tests/golden/kubeconfig/admin.conf", "127.0.0.1", server.port);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		CLEANUP(kube_node_done) struct kube_node n = { 0 };
		err = (struct error){ 0 };
		int rc = kube_get_node(path, CONF, answers[i].name, &n, &err);
		good = rc == answers[i].rc && n.ready == answers[i].ready && text_same(n.uid, answers[i].uid) &&
		       text_same(n.reason, answers[i].reason) && text_same(n.pod_cidr, answers[i].pod_cidr) &&
		       err.class == answers[i].class &&
		       (!answers[i].why || strstr(err.text, answers[i].why) ||
			strstr(err.private.text, answers[i].why));
		if (!good) {
			printf("# %s: %s, %s, %s\n", answers[i].name, n.uid, n.reason, err.text);
			break;
		}
	}
	stop_server(&server);
	CHECK(good);
	CLEANUP(kube_node_done) struct kube_node n = { 0 };
	CHECK(kube_get_node(path, CONF, "ready", &n, &err) < 0 && err.class == ERROR_NETWORK);
	FAKE_ROOT_END();
}

/* The server never ends its answer: the first change ends the wait. */
TEST(kube_waits_for_a_change_only)
{
	FAKE_ROOT();
	struct server server = start_server();
	struct error gone = { 0 }, other = { 0 };

	put_kubeconfig(path, "tests/golden/kubeconfig/admin.conf", "127.0.0.1", server.port);
	double before = clock_seconds();
	int changed = kube_wait_for_change(path, CONF, "w1", "7", 20, &err);
	double after = clock_seconds();
	int old = kube_wait_for_change(path, CONF, NULL, "old", 20, &gone);
	int refused = kube_wait_for_change(path, CONF, NULL, NULL, 21, &other); /* the server knows 20 only */
	stop_server(&server);
	CHECK(changed == 0 && after - before < 10);
	CHECK(old == 0);
	CHECK(refused < 0 && strstr(other.text, "HTTP status 404"));
	FAKE_ROOT_END();
}

TEST(kube_grants_nodes_the_list_of_nodes)
{
	FAKE_ROOT();
	struct server server = start_server();
	struct error other = { 0 };

	CHECK(kube_grant_peers(path, &other) < 0);
	put_kubeconfig(path, "tests/golden/kubeconfig/admin.conf", "127.0.0.1", server.port);
	CLEANUP(free_p) char *conf = fake_get(path, CONF);
	fake_put(path, KUBE_ADMIN_CONF, conf);
	int rc = kube_grant_peers(path, &err);
	stop_server(&server);
	CHECK(rc == 0);
	CHECK(kube_grant_peers(path, &err) < 0 && err.class == ERROR_NETWORK);
	FAKE_ROOT_END();
}

/* No certificate, and a server by a name that its certificate does not have. */
TEST(kube_trusts_no_other_server)
{
	FAKE_ROOT();
	struct server server = start_server();
	CLEANUP(kube_node_done) struct kube_node n = { 0 };
	struct error other = { 0 };

	put_kubeconfig(path, "tests/golden/kubeconfig/bootstrap-kubelet.conf", "127.0.0.1", server.port);
	int without = kube_get_node(path, CONF, "ready", &n, &err);
	put_kubeconfig(path, "tests/golden/kubeconfig/admin.conf", "localhost", server.port);
	int misnamed = kube_get_node(path, CONF, "ready", &n, &other);
	stop_server(&server);
	CHECK(without < 0 && !strstr(err.text, "abcdef.0123456789abcdef"));
	CHECK(misnamed < 0 && other.class == ERROR_TRUST);
	FAKE_ROOT_END();
}

TEST(kube_node_is_parsed_with_suspicion)
{
	static const char *const wrong[] = {
		"", "{", "[]", "{}", "{\"metadata\": {\"uid\": 7}}", "{\"metadata\": []}"
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		CLEANUP(kube_node_done) struct kube_node n = { 0 };
		struct error err = { 0 };
		CHECK(kube_node_parse(wrong[i], strlen(wrong[i]), &n, &err) < 0 && err.class);
	}
}

TEST(kube_applies_directories_in_order)
{
	FAKE_ROOT();
	fake_program(path, "kubectl",
		     "echo \"$@\" >>$root/calls; grep -q bad \"$3\" && { echo 'no kind bad' >&2; exit 1; }; exit 0");
	fake_put(path, "/m/20-b.yml", "b");
	fake_put(path, "/m/10-a.yaml", "a");
	fake_put(path, "/m/30-c.json", "c");
	fake_put(path, "/m/README", "bad");
	fake_put(path, "/m/.hidden.yaml", "bad");
	CHECK(kube_apply(path, "/m", &err) == 0);
	CHECK(kube_apply(path, "/m/20-b.yml", &err) == 0);
	CLEANUP(text_done) struct text want = { 0 };
	static const char *const files[] = { "10-a.yaml", "20-b.yml", "30-c.json", "20-b.yml" };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		text_addf(&want,
			  "apply -f %s/m/%s --kubeconfig=%s/etc/kubernetes/admin.conf "
			  "--cache-dir=%s/run/nodekiln/kubectl\n",
			  path, files[i], path, path);
	CLEANUP(free_p) char *calls = fake_get(path, "/calls");
	CHECK_STR(calls, want.data);
	fake_put(path, "/m/15-bad.yaml", "bad");
	CHECK(kube_apply(path, "/m", &err) < 0 && strstr(err.text, "15-bad.yaml"));
	/* kubectl quotes Secrets: only root reads what it said. */
	CHECK(!strstr(err.text, "no kind bad") && strstr(err.private.text, "no kind bad"));
	CLEANUP(free_p) char *log = fake_get(path, PRIVATE_LOG_FILE);
	CLEANUP(free_p) char *log_file = xasprintf("%s" PRIVATE_LOG_FILE, path);
	struct stat st;
	CHECK(strstr(log, "15-bad.yaml") && strstr(log, "no kind bad"));
	CHECK(stat(log_file, &st) == 0 && (st.st_mode & 07777) == 0600);
	FAKE_ROOT_END();
}

TEST(kube_apply_needs_something_to_apply)
{
	FAKE_ROOT();
	CHECK(kube_apply(path, "/m", &err) < 0 && strstr(err.text, "manifest /m: No such file"));
	fake_put(path, "/m/README", "");
	CHECK(kube_apply(path, "/m", &err) < 0 && strstr(err.text, "no .yaml"));
	FAKE_ROOT_END();
}
