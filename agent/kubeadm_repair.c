/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a power cut, files that kubeadm had just written often exist but are empty: kubeadm calls no fsync(),
 * so the names reach the disk before the contents. kubeadm keeps any file that it finds, so incomplete ones
 * are removed here.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/kubeadm.h"
#include "agent/kubeconfig.h"
#include "lib/alloc.h"
#include "lib/certificate.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/yaml.h"

#define REPAIR_SIZE_MAX (1 << 20)
#define PKI "etc/kubernetes/pki/"
#define KUBELET "var/lib/kubelet/"
#define ETCD_DATA "var/lib/etcd/member"

/* A certificate and its key, which only work together. A CA's key may be elsewhere: workers have none. */
static const struct pair {
	const char *certificate, *key, *ca; /* ca: the certificate that signed it; NULL = itself */
	bool is_ca;
	bool in_etcd; /* the data in etcd are useless without it */
} pairs[] = {
	{ PKI "ca.crt", PKI "ca.key", NULL, true, true },
	{ PKI "sa.pub", PKI "sa.key", NULL, false, true },
	{ PKI "front-proxy-ca.crt", PKI "front-proxy-ca.key", NULL, true, false },
	{ PKI "etcd/ca.crt", PKI "etcd/ca.key", NULL, true, false },
	{ PKI "apiserver.crt", PKI "apiserver.key", PKI "ca.crt", false, false },
	{ PKI "apiserver-kubelet-client.crt", PKI "apiserver-kubelet-client.key", PKI "ca.crt", false, false },
	{ PKI "front-proxy-client.crt", PKI "front-proxy-client.key", PKI "front-proxy-ca.crt", false, false },
	{ PKI "apiserver-etcd-client.crt", PKI "apiserver-etcd-client.key", PKI "etcd/ca.crt", false, false },
	{ PKI "etcd/server.crt", PKI "etcd/server.key", PKI "etcd/ca.crt", false, false },
	{ PKI "etcd/peer.crt", PKI "etcd/peer.key", PKI "etcd/ca.crt", false, false },
	{ PKI "etcd/healthcheck-client.crt", PKI "etcd/healthcheck-client.key", PKI "etcd/ca.crt", false, false },
	/* kubelet does not start when its own certificate is truncated. */
	{ KUBELET "pki/kubelet.crt", KUBELET "pki/kubelet.key", NULL, false, false },
	{ KUBELET "pki/kubelet-client-current.pem", KUBELET "pki/kubelet-client-current.pem", NULL, false, false },
	{ KUBELET "pki/kubelet-server-current.pem", KUBELET "pki/kubelet-server-current.pem", NULL, false, false },
};

static const char *const kubeconfigs[] = {
	"etc/kubernetes/admin.conf",     "etc/kubernetes/super-admin.conf",
	"etc/kubernetes/scheduler.conf", "etc/kubernetes/controller-manager.conf",
	"etc/kubernetes/kubelet.conf",   "etc/kubernetes/bootstrap-kubelet.conf",
};

/* kubeadm rewrites them in each run, but kubelet reads them at boot and would fail on truncated ones. */
static const char *const plain_files[] = {
	"etc/kubernetes/manifests/kube-apiserver.yaml",
	"etc/kubernetes/manifests/kube-controller-manager.yaml",
	"etc/kubernetes/manifests/kube-scheduler.yaml",
	"etc/kubernetes/manifests/etcd.yaml",
	KUBELET "config.yaml",
	KUBELET "instance-config.yaml",
	KUBELET "kubeadm-flags.env",
	KUBELET "cpu_manager_state",
	KUBELET "memory_manager_state",
};

static bool read_file(int rootfd, const char *path, struct text *ret)
{
	struct error ignored = { 0 };

	return file_read_in(rootfd, path, REPAIR_SIZE_MAX, ret, &ignored) == 0;
}

/* Removes a symlink itself, not its target. */
static int remove_file(int rootfd, const char *path, const char *why, struct error *err)
{
	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(rootfd, path, false, &base);

	if (parent >= 0 && unlinkat(parent, base, 0) == 0)
		log_warning("removed /%s: %s", path, why);
	else if (errno != ENOENT)
		return error_errno(err, errno, "remove /%s, %s", path, why);
	return 0;
}

static bool is_signed(int rootfd, const struct pair *pair, const struct text *certificate)
{
	CLEANUP(text_done) struct text ca = { 0 };

	return !pair->ca || (read_file(rootfd, pair->ca, &ca) &&
			     certificate_signed_by(certificate->data, certificate->len, ca.data, ca.len));
}

/* The fault of the pair; NULL = no fault, or neither file exists. */
static const char *fault_of(int rootfd, const struct pair *pair)
{
	CLEANUP(text_done) struct text certificate = { 0 }, key = { 0 };
	bool public_key = text_ends(pair->certificate, ".pub");
	bool has_certificate = read_file(rootfd, pair->certificate, &certificate);
	bool has_key = read_file(rootfd, pair->key, &key);

	if (!has_certificate && !has_key)
		return NULL;
	if (has_certificate &&
	    !(public_key ? certificate_public_key_whole : certificate_whole)(certificate.data, certificate.len))
		return "the certificate is truncated";
	if (has_key && !certificate_key_whole(key.data, key.len))
		return "the key is truncated";
	if (pair->is_ca && !has_key)
		return NULL;
	if (!has_certificate || !has_key)
		return "half of the pair is missing";
	if (!public_key && !certificate_has_key(certificate.data, certificate.len, key.data, key.len))
		return "certificate and key do not belong together";
	return is_signed(rootfd, pair, &certificate) ? NULL : "the CA on this node did not sign it";
}

static int repair_pair(int rootfd, const struct pair *pair, struct error *err)
{
	const char *fault = fault_of(rootfd, pair);

	if (!fault)
		return 0;
	if (remove_file(rootfd, pair->certificate, fault, err) < 0)
		return -1;
	return remove_file(rootfd, pair->key, fault, err);
}

/* The first certificate that the etcd data here depend on and that is missing; NULL = none is missing, or
 * there are no data. */
static const char *lost_foundation(int rootfd)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs) && file_exists_in(rootfd, ETCD_DATA); i++)
		if (pairs[i].in_etcd && !file_exists_in(rootfd, pairs[i].certificate))
			return pairs[i].certificate;
	return NULL;
}

/* Removes a CA from a join that did not complete, so that kubeadm fetches the CA of the cluster that it
 * joins now; otherwise it would keep the old one. */
static int repair_join(const struct kubeadm_run *run, int rootfd, struct error *err)
{
	if (run->init || file_exists_in(rootfd, "etc/kubernetes/kubelet.conf") || file_exists_in(rootfd, PKI "ca.key"))
		return 0;
	return remove_file(rootfd, PKI "ca.crt", "the join that fetched it did not finish", err);
}

static bool same_trimmed(struct text *a, char *b)
{
	return !strcmp(text_trim(a->data), text_trim(b));
}

static const char *fault_of_kubeconfig(int rootfd, const char *path)
{
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CLEANUP(text_done) struct text ca = { 0 };
	struct error why = { 0 };

	if (kubeconfig_load(rootfd, path, &k, &why) < 0)
		return "it is truncated, or refers to a missing file";
	if (!k.token &&
	    !certificate_has_key(k.certificate.text, strlen(k.certificate.text), k.key.text, strlen(k.key.text)))
		return "its certificate and key do not belong together";
	/* kubeadm requires exactly this text in ca.crt. */
	if (!read_file(rootfd, PKI "ca.crt", &ca) || !same_trimmed(&ca, k.ca.text))
		return "it was made with another CA";
	return NULL;
}

static int repair_kubeconfigs(int rootfd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kubeconfigs); i++) {
		const char *path = kubeconfigs[i];
		const char *fault = file_exists_in(rootfd, path) ? fault_of_kubeconfig(rootfd, path) : NULL;
		if (fault && remove_file(rootfd, path, fault, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_cut_off(const char *path, const struct text *text)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	struct error ignored = { 0 };

	if (!text->len || memchr(text->data, '\0', text->len))
		return true;
	return text_ends(path, ".yaml") && yaml_parse(path, text->data, text->len, &tree, &ignored) < 0;
}

static int repair_plain_files(int rootfd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain_files); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		if (read_file(rootfd, plain_files[i], &text) && is_cut_off(plain_files[i], &text) &&
		    remove_file(rootfd, plain_files[i], "it is truncated", err) < 0)
			return -1;
	}
	return 0;
}

int kubeadm_repair(const struct kubeadm_run *run, const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);
	const char *lost;

	if (rootfd < 0)
		return -1;
	/* CAs come first in the table, so that a CA is decided on before the certificates that it signed. */
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (repair_pair(rootfd, &pairs[i], err) < 0)
			return -1;
	lost = run->init ? lost_foundation(rootfd) : NULL;
	if (lost) {
		log_warning("/%s is lost, and etcd's data with it; no node has joined yet, so the cluster is "
			    "initialised again",
			    lost);
		return kubeadm_reset(run->node, run->machine, root, err);
	}
	if (repair_join(run, rootfd, err) < 0 || repair_kubeconfigs(rootfd, err) < 0)
		return -1;
	return repair_plain_files(rootfd, err);
}
