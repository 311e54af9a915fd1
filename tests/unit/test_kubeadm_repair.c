/* SPDX-License-Identifier: Apache-2.0 */
/* Each file of a node, lost or cut off in turn: what has to go with it, and what must stay. */
#include "agent/kubeadm.h"

#include "tests/unit/fake_root.h"

#define PKI "/etc/kubernetes/pki/"
#define GOLDEN "tests/golden/pki/"
#define ETC "/etc/kubernetes/"
#define KUBELET "/var/lib/kubelet/"

/* A control plane in which everything is whole. Three CAs are one here. */
static const struct {
	const char *file, *golden;
} whole[] = {
	{ PKI "ca.crt", GOLDEN "ca.crt" },
	{ PKI "ca.key", GOLDEN "ca.key" },
	{ PKI "sa.pub", GOLDEN "sa.pub" },
	{ PKI "sa.key", GOLDEN "sa.key" },
	{ PKI "front-proxy-ca.crt", GOLDEN "ca.crt" },
	{ PKI "front-proxy-ca.key", GOLDEN "ca.key" },
	{ PKI "front-proxy-client.crt", GOLDEN "node.crt" },
	{ PKI "front-proxy-client.key", GOLDEN "node.key" },
	{ PKI "etcd/ca.crt", GOLDEN "ca.crt" },
	{ PKI "etcd/ca.key", GOLDEN "ca.key" },
	{ PKI "etcd/server.crt", GOLDEN "server.crt" },
	{ PKI "etcd/server.key", GOLDEN "server.key" },
	{ PKI "apiserver.crt", GOLDEN "server.crt" },
	{ PKI "apiserver.key", GOLDEN "server.key" },
	{ ETC "admin.conf", "tests/golden/kubeconfig/admin.conf" },
	{ ETC "kubelet.conf", "tests/golden/kubeconfig/kubelet.conf" },
	{ ETC "bootstrap-kubelet.conf", "tests/golden/kubeconfig/bootstrap-kubelet.conf" },
};
static const struct {
	const char *file, *text;
} plain[] = {
	{ ETC "manifests/etcd.yaml", "kind: Pod\nstatus: {}\n" },
	{ ETC "manifests/somebodys.yaml", "" },
	{ KUBELET "config.yaml", "kind: KubeletConfiguration\n" },
	{ KUBELET "kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"\"\n" },
};

static void put_node(const char *root)
{
	CLEANUP(text_done) struct text pem = { 0 };
	struct error err = { 0 };
	CLEANUP(free_p) char *link = xasprintf("%s" KUBELET "pki/kubelet-client-current.pem", root);

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		fake_copy(root, whole[i].file, whole[i].golden);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		fake_put(root, plain[i].file, plain[i].text);
	for (int i = 0; i < 2; i++) {
		CLEANUP(text_done) struct text part = { 0 };
		if (file_read(AT_FDCWD, i ? GOLDEN "node.key" : GOLDEN "node.crt", 1 << 16, &part, &err) < 0)
			exit(1);
		text_addn(&pem, part.data, part.len);
	}
	fake_putn(root, KUBELET "pki/dated.pem", pem.data, pem.len);
	if (symlink("/var/lib/kubelet/pki/dated.pem", link) < 0)
		exit(1);
}

/* Which of the node's files are gone, in the tables' order. */
static char *gone(const char *root)
{
	struct text names = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (!fake_has(root, whole[i].file))
			text_addf(&names, "%s ",
				  whole[i].file + (text_starts(whole[i].file, PKI) ? strlen(PKI) : strlen(ETC)));
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (!fake_has(root, plain[i].file))
			text_addf(&names, "%s ", strrchr(plain[i].file, '/') + 1);
	if (!fake_has(root, KUBELET "pki/kubelet-client-current.pem"))
		text_add(&names, "current.pem ");
	return text_take(&names);
}

#define ALL_OF_CA "ca.crt ca.key apiserver.crt apiserver.key admin.conf kubelet.conf bootstrap-kubelet.conf "

/* how: EMPTY, CUT in the middle, LOST, or another certificate of the same name. */
enum how { EMPTY, CUT, LOST, OTHER };
static const struct {
	const char *file;
	enum how how;
	const char *goes; /* in addition to what was lost */
} cuts[] = {
	{ PKI "ca.crt", EMPTY, ALL_OF_CA },
	{ PKI "ca.crt", CUT, ALL_OF_CA },
	{ PKI "ca.crt", LOST, ALL_OF_CA },
	{ PKI "ca.crt", OTHER, ALL_OF_CA }, /* its key is not this one's */
	{ PKI "ca.key", EMPTY, ALL_OF_CA },
	{ PKI "ca.key", LOST, "ca.key " }, /* elsewhere, or a worker */
	{ PKI "sa.pub", EMPTY, "sa.pub sa.key " },
	{ PKI "sa.key", CUT, "sa.pub sa.key " },
	{ PKI "sa.pub", LOST, "sa.pub sa.key " },
	{ PKI "front-proxy-ca.crt", EMPTY,
	  "front-proxy-ca.crt front-proxy-ca.key front-proxy-client.crt front-proxy-client.key " },
	{ PKI "etcd/ca.key", CUT, "etcd/ca.crt etcd/ca.key etcd/server.crt etcd/server.key " },
	{ PKI "etcd/server.crt", EMPTY, "etcd/server.crt etcd/server.key " },
	{ PKI "apiserver.key", EMPTY, "apiserver.crt apiserver.key " },
	{ PKI "apiserver.key", LOST, "apiserver.crt apiserver.key " },
	{ PKI "apiserver.crt", OTHER, "apiserver.crt apiserver.key " },
	{ ETC "admin.conf", EMPTY, "admin.conf " },
	{ ETC "kubelet.conf", CUT, "kubelet.conf " },
	{ ETC "bootstrap-kubelet.conf", EMPTY, "bootstrap-kubelet.conf " },
	{ KUBELET "pki/dated.pem", EMPTY, "kubelet.conf current.pem " },
	{ KUBELET "pki/dated.pem", CUT, "kubelet.conf current.pem " },
	{ ETC "manifests/etcd.yaml", EMPTY, "etcd.yaml " },
	{ KUBELET "config.yaml", EMPTY, "config.yaml " },
	{ KUBELET "kubeadm-flags.env", EMPTY, "kubeadm-flags.env " },
};

static void damage(const char *root, const char *file, enum how how)
{
	CLEANUP(free_p) char *path = xasprintf("%s%s", root, file);
	struct stat st;

	if (how == OTHER)
		fake_copy(root, file, GOLDEN "other-ca.crt");
	else if (stat(path, &st) < 0 ||
		 (how == LOST ? unlink(path) : truncate(path, how == CUT ? st.st_size / 2 : 0)) < 0)
		exit(1);
}

static struct facts machine = { .kubeadm_minor = 34, .crictl = true, .cri_socket = (char *)"unix:///x" };
static struct node_config node;
static const struct kubeadm_run init = { .node = &node, .machine = &machine, .init = true, .again = true };
static const struct kubeadm_run join = { .node = &node, .machine = &machine, .again = true };

TEST(kubeadm_repair_keeps_complete_files)
{
	FAKE_ROOT();
	put_node(path);
	fake_put(path, "/var/lib/etcd/member/wal/0", "data");
	CHECK(kubeadm_repair(&init, path, &err) == 0 && kubeadm_repair(&join, path, &err) == 0);
	CLEANUP(free_p) char *names = gone(path);
	CHECK_STR(names, "");
	FAKE_ROOT_END();
}

TEST(kubeadm_repair_removes_truncated_files_and_their_dependents)
{
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		FAKE_ROOT();
		put_node(path);
		damage(path, cuts[i].file, cuts[i].how);
		CHECK(kubeadm_repair(&init, path, &err) == 0);
		CLEANUP(free_p) char *names = gone(path);
		CHECK_STR(names, cuts[i].goes);
		CHECK(kubeadm_repair(&init, path, &err) == 0);
		CLEANUP(free_p) char *again = gone(path);
		CHECK_STR(again, names);
		FAKE_ROOT_END();
	}
}

TEST(kubeadm_repair_does_nothing_on_a_fresh_machine)
{
	FAKE_ROOT();
	CHECK(kubeadm_repair(&init, path, &err) == 0 && kubeadm_repair(&join, path, &err) == 0);
	FAKE_ROOT_END();
}

/* etcd syncs its data, and with it the names of files that are still empty: this is what a power cut leaves most often. */
TEST(kubeadm_repair_resets_when_the_cluster_lost_its_ca)
{
	static const char *const foundations[] = { PKI "ca.crt", PKI "ca.key", PKI "sa.key" };

	for (size_t i = 0; i < ARRAY_SIZE(foundations); i++) {
		FAKE_ROOT();
		put_node(path);
		fake_put(path, "/var/lib/etcd/member/wal/0", "data");
		fake_program(path, "kubeadm", "echo \"$@\" >$root/calls");
		damage(path, foundations[i], EMPTY);
		CHECK(kubeadm_repair(&init, path, &err) == 0);
		CLEANUP(free_p) char *calls = fake_get(path, "/calls");
		CHECK_STR(calls, "reset -f --cri-socket unix:///x\n");
		CHECK(!fake_has(path, "/var/lib/etcd/member"));
		FAKE_ROOT_END();
	}
}

/* One that joined gets the CA from the cluster again, and its etcd data are the cluster's. */
TEST(kubeadm_repair_of_a_joining_control_plane_keeps_etcd)
{
	FAKE_ROOT();
	put_node(path);
	fake_put(path, "/var/lib/etcd/member/wal/0", "data");
	fake_program(path, "kubeadm", "echo \"$@\" >$root/calls");
	damage(path, PKI "ca.crt", EMPTY);
	CHECK(kubeadm_repair(&join, path, &err) == 0);
	CLEANUP(free_p) char *names = gone(path);
	CHECK_STR(names, ALL_OF_CA);
	CHECK(!fake_has(path, "/calls") && fake_has(path, "/var/lib/etcd/member/wal/0"));
	FAKE_ROOT_END();
}

/* A worker has the CA's certificate only. As long as nothing was joined, the next cluster may be another one. */
TEST(kubeadm_repair_of_a_worker)
{
	FAKE_ROOT();
	fake_copy(path, PKI "ca.crt", GOLDEN "ca.crt");
	fake_copy(path, ETC "bootstrap-kubelet.conf", "tests/golden/kubeconfig/bootstrap-kubelet.conf");
	fake_copy(path, ETC "kubelet.conf", "tests/golden/kubeconfig/admin.conf");
	CHECK(kubeadm_repair(&join, path, &err) == 0);
	CHECK(fake_has(path, PKI "ca.crt") && fake_has(path, ETC "bootstrap-kubelet.conf") &&
	      fake_has(path, ETC "kubelet.conf"));
	damage(path, ETC "kubelet.conf", LOST);
	CHECK(kubeadm_repair(&join, path, &err) == 0);
	CHECK(!fake_has(path, PKI "ca.crt") && !fake_has(path, ETC "bootstrap-kubelet.conf"));
	FAKE_ROOT_END();
}
