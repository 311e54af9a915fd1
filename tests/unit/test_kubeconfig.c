/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeconfig.h"

#include "tests/unit/fake_root.h"

#define GOLDEN "tests/golden/kubeconfig/"
#define KUBELET_PEM "/var/lib/kubelet/pki/kubelet-client-current.pem"

#define CONTEXT "current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\n"
#define SERVER "clusters: [{name: b, cluster: {server: 'https://x:6443', certificate-authority-data: Zm9v}}]\n"

/* As client-go writes them: embedded data, as `kubectl config view --raw` shows it. */
TEST(kubeconfig_reads_embedded_data)
{
	FAKE_ROOT();
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, path, &err);

	fake_copy(path, "/etc/kubernetes/admin.conf", GOLDEN "admin.conf");
	fake_copy(path, "/ca.crt", "tests/golden/pki/ca.crt");
	fake_copy(path, "/node.key", "tests/golden/pki/node.key");
	CLEANUP(free_p) char *ca = fake_get(path, "/ca.crt"), *key = fake_get(path, "/node.key");
	CHECK(kubeconfig_load(rootfd, "etc/kubernetes/admin.conf", &k, &err) == 0);
	CHECK_STR(k.server, "https://10.0.0.10:6443");
	CHECK_STR(k.ca.text, ca);
	CHECK_STR(k.key.text, key);
	CHECK(k.certificate.text && !k.token);
	FAKE_ROOT_END();
}

/* kubelet's own: the certificate that it renews is in a file of its own, behind a link. */
TEST(kubeconfig_reads_what_it_refers_to)
{
	FAKE_ROOT();
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, path, &err);
	CLEANUP(free_p) char *link = xasprintf("%s" KUBELET_PEM, path);

	fake_copy(path, "/etc/kubernetes/kubelet.conf", GOLDEN "kubelet.conf");
	CHECK(kubeconfig_load(rootfd, "etc/kubernetes/kubelet.conf", &k, &err) < 0);
	CHECK(strstr(err.text, KUBELET_PEM));
	fake_put(path, "/var/lib/kubelet/pki/dated.pem", "both");
	CHECK(symlink("/var/lib/kubelet/pki/dated.pem", link) == 0);
	CHECK(kubeconfig_load(rootfd, "etc/kubernetes/kubelet.conf", &k, &err) == 0);
	CHECK_STR(k.certificate.text, "both");
	CHECK_STR(k.key.text, "both");
	FAKE_ROOT_END();
}

TEST(kubeconfig_reads_relative_names)
{
	FAKE_ROOT();
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, path, &err);

	fake_put(path, "/etc/kubernetes/x.conf",
		 CONTEXT "clusters: [{name: b, cluster: {server: 'https://x', "
			 "certificate-authority: pki/ca.crt}}]\nusers: [{name: c, user: {token: t}}]\n");
	fake_put(path, "/etc/kubernetes/pki/ca.crt", "the CA");
	CHECK(kubeconfig_load(rootfd, "etc/kubernetes/x.conf", &k, &err) == 0);
	CHECK_STR(k.ca.text, "the CA");
	CHECK_STR(k.token, "t");
	FAKE_ROOT_END();
}

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "", "no server" },
	{ "{", "" },
	{ "[]", "no server" },
	{ "current-context: x\n" SERVER, "no server" },
	{ CONTEXT "clusters: [{name: b, cluster: {server: 'http://x', certificate-authority-data: Zm9v}}]\n",
	  "https://" },
	{ CONTEXT "clusters: [{name: b, cluster: {server: 'https://x'}}]\n", "no certificate-authority" },
	{ CONTEXT SERVER, "neither a client certificate" },
	{ CONTEXT SERVER "users: [{name: c, user: {client-certificate: x}}]\n", "neither a client certificate" },
	{ CONTEXT SERVER "users: [{name: other, user: {token: x}}]\n", "neither a client certificate" },
	{ CONTEXT SERVER "users: [{name: c, user: {client-key-data: Zm9vY}}]\n", "client-key-data is truncated" },
	{ CONTEXT "clusters: [b, {name: [b], cluster: x}]\nusers: {c: d}\n", "no server" },
};

TEST(kubeconfig_refuses_what_is_truncated)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
		struct error err = { 0 };
		CHECK(kubeconfig_parse("x.conf", wrong[i].text, strlen(wrong[i].text), &k, &err) < 0);
		CHECK(strstr(err.text, "x.conf") && strstr(err.text, wrong[i].why) && !k.server);
	}
}

/* At any byte. */
TEST(kubeconfig_refuses_what_is_truncated_anywhere)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	CHECK(file_read(AT_FDCWD, GOLDEN "admin.conf", KUBECONFIG_SIZE_MAX, &text, &err) == 0);
	size_t key = (size_t)(strstr(text.data, "client-key-data") - text.data);
	for (size_t n = 0; n < key; n++) {
		CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
		CHECK(kubeconfig_parse("x.conf", text.data, n, &k, &err) < 0);
	}
}
