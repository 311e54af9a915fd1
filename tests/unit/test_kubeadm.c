/* SPDX-License-Identifier: Apache-2.0 */
/* kubeadm is a shell script here; what it is given, what it says and what is left of it. */
#include "agent/kubeadm.h"

#include "agent/kubeadm_output.h"
#include "tests/unit/fake_root.h"

#define TOKEN "abcdef.0123456789abcdef"
#define KEY "f8902e114ef118304e561c3ecd4d0b543adc226b7a07f675f56564185ffe0c07"
#define HASH "sha256:4ee23d935fa28d6a2035a52e54df7cf0029949fe2f4085845dac6cc0fafae67f"

static struct node_config node = {
	.cluster = (char *)"lab",
	.role = NODE_INIT,
	.token = (char *)TOKEN,
	.certificate_key = (char *)KEY,
	.timeout_kubeadm = 1200,
};
static struct facts machine = {
	.kubeadm_version = (char *)"v1.34.1",
	.kubeadm_minor = 34,
	.runtime = FACTS_RUNTIME_CONTAINERD,
	.cri_socket = (char *)"unix:///run/containerd/containerd.sock",
	.crictl = true,
};
static const struct kubeadm_run init = { .node = &node,
					 .machine = &machine,
					 .init = true,
					 .control_plane = true,
					 .name = "cp1",
					 .address = "10.0.0.10",
					 .endpoint = "10.0.0.10:6443" };

static void add_phase(void *context, const char *name)
{
	text_addf(context, "%s ", name);
}

/* Runs kubeadm_execute with our stderr in the root's file /stderr. */
static int execute(const struct kubeadm_run *run, const char *root, struct text *phases, struct kubeadm_error *failure,
		   struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/stderr", root);
	int saved = dup(STDERR_FILENO), fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDERR_FILENO);
	int rc = kubeadm_execute(run, root, add_phase, phases, failure, err);
	dup2(saved, STDERR_FILENO);
	close(fd), close(saved);
	return rc;
}

static bool has_secret(const char *text)
{
	return strstr(text, TOKEN) || strstr(text, TOKEN + 7) || strstr(text, KEY);
}

TEST(kubeadm_gets_its_secrets_in_a_private_file)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text phases = { 0 };
	CLEANUP(kubeadm_error_done) struct kubeadm_error failure = { 0 };

	fake_program(path, "kubeadm",
		     "cp $root/run/nodekiln/kubeadm.yaml $root/seen\n"
		     "stat -c %a $root/run/nodekiln $root/run/nodekiln/kubeadm.yaml >$root/modes\n"
		     "printf '%s\\n' \"$@\" >$root/arguments; env >$root/environment");
	CHECK(setenv("SECRET_OF_SOMEBODY", TOKEN, 1) == 0);
	CHECK(execute(&init, path, &phases, &failure, &err) == 0);
	CHECK(unsetenv("SECRET_OF_SOMEBODY") == 0);
	CLEANUP(free_p) char *seen = fake_get(path, "/seen"), *modes = fake_get(path, "/modes");
	CLEANUP(free_p) char *arguments = fake_get(path, "/arguments"), *environment = fake_get(path, "/environment");
	CHECK(strstr(seen, TOKEN) && strstr(seen, KEY) && strstr(seen, "InitConfiguration"));
	CHECK_STR(modes, "700\n600\n");
	CHECK(text_starts(arguments, "init\n") && strstr(arguments, "/run/nodekiln/kubeadm.yaml"));
	CHECK(!has_secret(arguments) && !has_secret(environment) && strstr(environment, "PATH="));
	CHECK(!fake_has(path, KUBEADM_CONFIG_FILE));
	FAKE_ROOT_END();
}

/* The words are kubeadm 1.20's and 1.31's. */
#define INIT_OUTPUT                                                                                                    \
	"cat <<'END'\n"                                                                                                \
	"[init] Using Kubernetes version: v1.34.1\n"                                                                   \
	"[preflight] Running pre-flight checks\n"                                                                      \
	"\t[WARNING Swap]: swap is supported for cgroup v2 only\n"                                                     \
	"[certs] Using certificateDir folder \"/etc/kubernetes/pki\"\n"                                                \
	"[certs] Generating \"ca\" certificate and key\n"                                                              \
	"[control-plane] Using manifest folder \"/etc/kubernetes/manifests\"\n"                                        \
	"[upload-certs] Using certificate key:\n" KEY "\n"                                                             \
	"[bootstrap-token] Using token: " TOKEN "\n"                                                                   \
	"  kubeadm join 10.0.0.10:6443 --token " TOKEN " \\\n"                                                         \
	"\t--discovery-token-ca-cert-hash " HASH " \\\n"                                                               \
	"\t--control-plane --certificate-key " KEY "\n"                                                                \
	"END\n"                                                                                                        \
	"printf 'no newline at the end " TOKEN "' >&2\n"

TEST(kubeadm_output_is_masked_and_names_phases)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text phases = { 0 };
	CLEANUP(kubeadm_error_done) struct kubeadm_error failure = { 0 };

	fake_program(path, "kubeadm", INIT_OUTPUT);
	CHECK(execute(&init, path, &phases, &failure, &err) == 0);
	CLEANUP(free_p) char *said = fake_get(path, "/stderr");
	CHECK_STR(phases.data, "init preflight certs control-plane upload-certs bootstrap-token ");
	CHECK(!has_secret(said) && strstr(said, HASH) && strstr(said, "no newline at the end ******."));
	CHECK(strstr(said, "kubeadm: [certs] Generating \"ca\" certificate and key\n"));
	FAKE_ROOT_END();
}

TEST(kubeadm_failure_is_classified_without_secrets)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text phases = { 0 };
	CLEANUP(kubeadm_error_done) struct kubeadm_error failure = { 0 };

	fake_program(path, "kubeadm",
		     INIT_OUTPUT "echo 'error execution phase x: something new with " TOKEN " in it' >&2; exit 1");
	CHECK(execute(&init, path, &phases, &failure, &err) < 0);
	CHECK(failure.class == KUBEADM_ERROR_RETRY && strstr(failure.words, "something new"));
	CHECK(!has_secret(failure.words) && !has_secret(err.private.text));
	CHECK_STR(err.text, failure.sentence);
	CHECK(!strstr(err.text, "something new"));
	CHECK_STR(err.private.text, failure.words);
	CHECK(!fake_has(path, KUBEADM_CONFIG_FILE));
	FAKE_ROOT_END();
}

TEST(kubeadm_that_cannot_run_is_fatal)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text phases = { 0 };
	CLEANUP(kubeadm_error_done) struct kubeadm_error failure = { 0 };

	fake_program(path, "other", "");
	CHECK(execute(&init, path, &phases, &failure, &err) < 0);
	CHECK(failure.class == KUBEADM_ERROR_FATAL && strstr(failure.sentence, "kubeadm") &&
	      !fake_has(path, KUBEADM_CONFIG_FILE));
	fake_put(path, "/run/nodekiln/kubeadm.yaml/in-the-way", "");
	CHECK(execute(&init, path, &phases, &failure, &err) < 0);
	CHECK(failure.class == KUBEADM_ERROR_FATAL && strstr(failure.sentence, "kubeadm.yaml"));
	FAKE_ROOT_END();
}

/* The end of the output is what a failure needs; its start may be lost. */
TEST(kubeadm_output_is_bounded)
{
	CLEANUP(kubeadm_output_done) struct kubeadm_output o = { 0 };
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	for (int i = 0; i < 5000; i++) {
		CLEANUP(free_p) char *line = xasprintf("%s %d", HASH, i);
		kubeadm_output_line(&o, line);
	}
	dup2(saved, STDERR_FILENO);
	close(saved), close(null);
	CHECK(o.kept.len <= 2 * KUBEADM_OUTPUT_MAX && o.kept.len >= KUBEADM_OUTPUT_MAX);
	CHECK(text_ends(o.kept.data, " 4999\n"));
}

#define EXISTS                                                                                                         \
	"echo 'error execution phase kubelet-start: a Node with name \"w1\" and status \"Ready\" already exists in "   \
	"the "                                                                                                         \
	"cluster. You must delete the existing Node or change the name of this new joining Node'; exit 1"

TEST(kubeadm_joined_before_is_success)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text phases = { 0 };
	CLEANUP(kubeadm_error_done) struct kubeadm_error failure = { 0 };
	struct strings hashes = { 0 };
	struct kubeadm_run join = init;

	strings_add(&hashes, HASH);
	join.init = join.control_plane = false;
	join.ca_cert_hashes = &hashes;
	fake_program(path, "kubeadm", EXISTS);
	CHECK(execute(&join, path, &phases, &failure, &err) < 0 && failure.class == KUBEADM_ERROR_FATAL);
	join.again = true;
	CHECK(execute(&join, path, &phases, &failure, &err) < 0 && failure.class == KUBEADM_ERROR_RETRY);
	fake_put(path, "/etc/kubernetes/kubelet.conf", "x");
	fake_put(path, "/var/lib/kubelet/pki/kubelet-client-current.pem", "x");
	CHECK(execute(&join, path, &phases, &failure, &err) == 0);
	strings_done(&hashes);
	FAKE_ROOT_END();
}

TEST(kubeadm_names_the_ca)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *hash = NULL;

	CHECK(kubeadm_ca_hash(path, &hash, &err) < 0 && strstr(err.text, "pki/ca.crt"));
	fake_put(path, KUBEADM_CA_FILE, "");
	CHECK(kubeadm_ca_hash(path, &hash, &err) < 0 && strstr(err.text, "not a complete PEM certificate"));
	fake_copy(path, KUBEADM_CA_FILE, "tests/golden/pki/ca.crt");
	CHECK(kubeadm_ca_hash(path, &hash, &err) == 0);
	CHECK_STR(hash, HASH);
	FAKE_ROOT_END();
}

/* Both programs note how they were called, in order. */
#define NOTE(name) "echo " name " \"$@\" >>$root/calls\n"

static int reset(const char *root, const struct facts *m, struct error *err)
{
	fake_put(root, "/calls", "");
	fake_put(root, "/etc/cni/net.d/10-nodekiln.conflist", "{}");
	fake_put(root, "/etc/cni/net.d/10-other.conflist", "{}");
	fake_put(root, KUBEADM_CONFIG_FILE, TOKEN);
	fake_put(root, "/var/lib/etcd/member/wal/0", "late");
	return kubeadm_reset(&node, m, root, err);
}

static struct facts facts_with(int minor, bool crictl, const char *socket)
{
	struct facts m = machine;

	m.kubeadm_minor = minor;
	m.crictl = crictl;
	m.cri_socket = (char *)socket;
	return m;
}

TEST(kubeadm_reset_leaves_nothing_of_ours)
{
	struct facts old = facts_with(20, false, machine.cri_socket);
	FAKE_ROOT();
	fake_program(path, "kubeadm", NOTE("kubeadm"));
	fake_program(path, "systemctl", NOTE("systemctl"));
	CHECK(reset(path, &machine, &err) == 0);
	CLEANUP(free_p) char *new_calls = fake_get(path, "/calls");
	CHECK_STR(new_calls, "kubeadm reset -f --cri-socket unix:///run/containerd/containerd.sock\n");
	CHECK(!fake_has(path, "/etc/cni/net.d/10-nodekiln.conflist") && !fake_has(path, KUBEADM_CONFIG_FILE));
	CHECK(fake_has(path, "/etc/cni/net.d/10-other.conflist") && !fake_has(path, "/var/lib/etcd/member"));
	CHECK(reset(path, &old, &err) == 0);
	CLEANUP(free_p) char *old_calls = fake_get(path, "/calls");
	CHECK_STR(old_calls, "kubeadm reset -f --cri-socket /run/containerd/containerd.sock\n"
			     "systemctl stop kubepods.slice\n");
	FAKE_ROOT_END();
}

TEST(kubeadm_reset_needs_no_crictl_from_1_31_on)
{
	struct facts last = facts_with(30, false, machine.cri_socket),
		     first = facts_with(31, false, machine.cri_socket);
	FAKE_ROOT();
	fake_program(path, "kubeadm", NOTE("kubeadm"));
	fake_program(path, "systemctl", NOTE("systemctl"));
	CHECK(reset(path, &last, &err) == 0);
	CLEANUP(free_p) char *calls = fake_get(path, "/calls");
	CHECK(strstr(calls, "systemctl stop kubepods.slice\n"));
	CHECK(reset(path, &first, &err) == 0);
	CLEANUP(free_p) char *later = fake_get(path, "/calls");
	CHECK(!strstr(later, "systemctl"));
	FAKE_ROOT_END();
}

/* kubeadm 1.20 does that itself through docker. */
TEST(kubeadm_reset_of_docker_needs_no_crictl)
{
	struct facts docker = facts_with(20, false, FACTS_DOCKERSHIM_SOCKET);
	FAKE_ROOT();
	fake_program(path, "kubeadm", NOTE("kubeadm"));
	fake_program(path, "systemctl", NOTE("systemctl"));
	CHECK(reset(path, &docker, &err) == 0);
	CLEANUP(free_p) char *calls = fake_get(path, "/calls");
	CHECK_STR(calls, "kubeadm reset -f --cri-socket /var/run/dockershim.sock\n");
	FAKE_ROOT_END();
}

/* kubeadm would not know which one. */
TEST(kubeadm_reset_names_the_chosen_runtime)
{
	struct facts both = facts_with(34, true, NULL);
	struct node_config chosen = node;
	FAKE_ROOT();
	fake_program(path, "kubeadm", NOTE("kubeadm"));
	both.runtime = FACTS_RUNTIME_SEVERAL;
	chosen.cri_socket = (char *)"unix:///run/cri-dockerd.sock";
	CHECK(kubeadm_reset(&chosen, &both, path, &err) == 0);
	CLEANUP(free_p) char *calls = fake_get(path, "/calls");
	CHECK_STR(calls, "kubeadm reset -f --cri-socket unix:///run/cri-dockerd.sock\n");
	FAKE_ROOT_END();
}

/* Containers are stopped even then; a slice that there is not is no failure. */
TEST(kubeadm_reset_that_fails_is_reported)
{
	struct facts old = facts_with(20, false, machine.cri_socket);
	FAKE_ROOT();
	fake_program(path, "kubeadm", "echo 'this version is broken' >&2; exit 1");
	fake_program(path, "systemctl", NOTE("systemctl") "exit 5");
	CHECK(reset(path, &old, &err) < 0 && strstr(err.private.text, "this version is broken"));
	CLEANUP(free_p) char *calls = fake_get(path, "/calls");
	CHECK_STR(calls, "systemctl stop kubepods.slice\n");
	FAKE_ROOT_END();
}
