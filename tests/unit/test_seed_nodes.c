/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of one run, the secrets they share, and the file that keeps those. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/seed/seed_nodes.h"
#include "lib/certificate.h"
#include "lib/ec_key.h"
#include "lib/file.h"
#include "lib/validate.h"
#include "tests/unit/check.h"
#include "tests/unit/heap.h"

#define PVE_SECRET "c0ffeec0-ffee-c0ff-eec0-ffeec0ffee00"
#define PVE "proxmox: {url: https://pve, token_id: a@pve!b, token_secret: " PVE_SECRET "}\n"
#define TOKEN "token: c0ffee.c0ffeec0ffeec0ff\n"
#define FILES_MAX 4

/* A directory with NODE.yaml files, and the result of reading them. */
struct lab {
	char path[32];
	int fd;
	char *file[FILES_MAX], *keep; /* owned */
	size_t n;
	bool kubeadm;
	struct seed_secrets secrets;
	struct seed_nodes nodes;
};

static void lab_open(struct lab *l)
{
	struct error err = { 0 };

	*l = (struct lab){ .path = "/tmp/nodekiln-test.XXXXXX", .secrets.lock = -1 };
	if (!mkdtemp(l->path) || (l->fd = dir_open(AT_FDCWD, l->path, &err)) < 0)
		abort();
	l->keep = xasprintf("%s/secrets.yaml", l->path);
}

static void lab_done(struct lab *l)
{
	struct error err = { 0 };

	seed_nodes_done(&l->nodes);
	seed_secrets_close(&l->secrets);
	while (l->n)
		free(l->file[--l->n]);
	free(l->keep);
	close_p(&l->fd);
	if (tree_remove(AT_FDCWD, l->path, &err) < 0)
		printf("# %s\n", err.text);
}

static void put(struct lab *l, const char *name, const char *text)
{
	struct error err = { 0 };

	l->file[l->n++] = xasprintf("%s/%s", l->path, name);
	if (file_write_in(l->fd, name, text, strlen(text), 0644, &err) < 0)
		abort();
}

/* The error, without the leading directory; "" on success. */
static const char *make(struct lab *l, bool keep, struct error *err)
{
	const struct seed_nodes_options options = { .named = true, .kubeadm = l->kubeadm, .seconds = 3600 };
	const char *where;

	*err = (struct error){ 0 };
	if (seed_secrets_open(keep ? l->keep : NULL, &l->secrets, err) == 0 &&
	    seed_nodes_read(l->file, l->n, &options, &l->secrets, &l->nodes, err) == 0 &&
	    seed_secrets_save(&l->secrets, err) == 0)
		return "";
	where = strstr(err->text, l->path);
	return where == err->text ? where + strlen(l->path) + 1 : err->text;
}

/* Each has what its role needs: a certificate of its own, and only control planes the keys of the CAs. */
TEST(seed_nodes_share_the_pki)
{
	CLEANUP(lab_done) struct lab l;
	struct error err;

	lab_open(&l);
	put(&l, "w1.yaml", "cluster: lab\nrole: worker\n" PVE);
	put(&l, "cp2.yaml", "cluster: lab\nrole: control-plane\n" PVE);
	put(&l, "cp.yml", "cluster: lab\nrole: init\nnode: {name: first}\n");
	CHECK_STR(make(&l, false, &err), "");
	const struct node_config *w1 = &l.nodes.at[0].node, *cp2 = &l.nodes.at[1].node, *cp = &l.nodes.at[2].node;
	for (size_t i = 0; i < 3; i++) {
		const struct node_config *n = &l.nodes.at[i].node;
		CHECK(!n->token && !n->certificate_key);
		CHECK_STR(n->pki.ca, cp->pki.ca);
		CHECK(certificate_signed_by(n->pki.certificate, strlen(n->pki.certificate), cp->pki.ca,
					    strlen(cp->pki.ca)));
	}
	CHECK(strcmp(w1->pki.key, cp2->pki.key) != 0 && strcmp(w1->pki.certificate, cp->pki.certificate) != 0);
	CHECK(!w1->pki.ca_key && !w1->pki.etcd_ca_key && !w1->pki.front_proxy_ca_key && !w1->pki.service_account_key);
	CHECK_STR(cp2->pki.ca_key, cp->pki.ca_key);
	CHECK_STR(cp2->pki.service_account_key, cp->pki.service_account_key);
	CHECK(strcmp(cp->pki.ca_key, cp->pki.etcd_ca_key) != 0 && strcmp(cp->pki.ca_key, cp->pki.key) != 0);
	CHECK_STR(node_config_origin(w1, "pki.ca"), "nodekiln seed");
}

/* The user's text, its tree, the configuration that is made and printed, the cluster's keys and this node's. */
TEST(seed_nodes_done_leaves_no_secret_in_the_heap)
{
	struct lab l;
	struct error err;
	CLEANUP(text_wipe_done) struct text printed = { 0 };
	static char keys[3][EC_KEY_DIGITS + 1]; /* not in the heap */

	if (!HEAP_IS_OURS)
		SKIP("needs the heap of the C library");
	lab_open(&l);
	put(&l, "cp.yaml", "cluster: lab\nrole: init\n" PVE);
	CHECK_STR(make(&l, true, &err), "");
	const struct node_config *node = &l.nodes.at[0].node;
	const char *const secrets[] = { node->pki.ca_key, node->pki.service_account_key, node->pki.key };
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		snprintf(keys[i], sizeof keys[i], "%s", secrets[i]);
	node_config_print(node, true, &printed);
	CHECK(strstr(printed.data, keys[2]) && strstr(printed.data, PVE_SECRET));
	CHECK(heap_has(keys[0]) && heap_has(PVE_SECRET));
	text_wipe_done(&printed);
	lab_done(&l);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		CHECK(!heap_has(keys[i]));
	CHECK(!heap_has(PVE_SECRET));
}

/* The configuration of a node that was seeded before. */
TEST(seed_nodes_may_bring_their_pki)
{
	CLEANUP(lab_done) struct lab l;
	CLEANUP(text_done) struct text worker = { 0 };
	struct error err;

	lab_open(&l);
	CHECK(file_read(AT_FDCWD, "tests/golden/node/pki-worker.yaml", 1 << 16, &worker, &err) == 0);
	put(&l, "w1.yaml", worker.data);
	CHECK_STR(make(&l, false, &err), "");
	CHECK(l.nodes.at[0].node.pki.certificate && !l.nodes.at[0].node.token && !l.secrets.generated);
}

TEST(seed_nodes_pki_is_reused)
{
	CLEANUP(lab_done) struct lab l, later;
	struct error err;

	lab_open(&l);
	lab_open(&later);
	put(&l, "cp.yaml", "cluster: lab\nrole: init\n");
	CHECK_STR(make(&l, true, &err), "");
	close_p(&l.secrets.lock);
	free(later.keep);
	later.keep = xstrdup(l.keep);
	later.kubeadm = true; /* says nothing about a cluster that exists */
	put(&later, "cp2.yaml", "cluster: lab\nrole: control-plane\n" PVE);
	put(&later, "w9.yaml", "cluster: lab\nrole: worker\n" PVE);
	CHECK_STR(make(&later, true, &err), "");
	CHECK_STR(later.nodes.at[0].node.pki.ca_key, l.nodes.at[0].node.pki.ca_key);
	CHECK_STR(later.nodes.at[1].node.pki.ca, l.nodes.at[0].node.pki.ca);
	CHECK(!later.nodes.at[1].node.token);
}

/* A file of version 1: its cluster continues with tokens, and the file has version 2 from now on. */
TEST(seed_nodes_old_cluster_keeps_its_token)
{
	static const char old[] = "\"lab\":\n  token: \"c0ffee.c0ffeec0ffeec0ff\"\n  certificate_key: "
				  "\"c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff\"\n";
	CLEANUP(lab_done) struct lab l;
	CLEANUP(text_done) struct text text = { 0 };
	struct error err;

	lab_open(&l);
	CHECK(file_write(l.fd, "secrets.yaml", old, strlen(old), 0600, &err) == 0);
	put(&l, "w1.yaml", "cluster: lab\nrole: worker\n" PVE);
	put(&l, "new.yaml", "cluster: new\nrole: init\n" PVE);
	CHECK_STR(make(&l, true, &err), "");
	CHECK_STR(l.nodes.at[0].node.token, "c0ffee.c0ffeec0ffeec0ff");
	CHECK(!l.nodes.at[0].node.pki.ca && l.nodes.at[1].node.pki.ca_key && !l.nodes.at[1].node.token);
	CHECK(file_read(l.fd, "secrets.yaml", 1 << 16, &text, &err) == 0 && strstr(text.data, "nodekiln_secrets: 2\n"));
}

TEST(seed_nodes_init_node_shares_secrets)
{
	CLEANUP(lab_done) struct lab l;
	struct error err;

	lab_open(&l);
	l.kubeadm = true;
	put(&l, "w1.yaml", "cluster: lab\nrole: worker\n" PVE);
	put(&l, "cp2.yaml", "cluster: lab\nrole: control-plane\n" PVE);
	put(&l, "cp.yml", "cluster: lab\nrole: init\nnode: {name: first}\n");
	CHECK_STR(make(&l, false, &err), "");
	const struct node_config *w1 = &l.nodes.at[0].node, *cp2 = &l.nodes.at[1].node, *cp = &l.nodes.at[2].node;
	CHECK(bootstrap_token_is_valid(cp->token) && certificate_key_is_valid(cp->certificate_key));
	CHECK_STR(w1->token, cp->token);
	CHECK_STR(cp2->token, cp->token);
	CHECK_STR(cp2->certificate_key, cp->certificate_key);
	CHECK(!w1->certificate_key);
	CHECK_STR(w1->name, "w1");
	CHECK_STR(cp->name, "first");
	CHECK_STR(l.nodes.at[2].name, "cp");
	CHECK_STR(node_config_origin(w1, "token"), "nodekiln seed");
}

TEST(seed_nodes_secrets_per_cluster)
{
	CLEANUP(lab_done) struct lab l;
	struct error err;

	lab_open(&l);
	l.kubeadm = true;
	put(&l, "a.yaml", "cluster: a\nrole: init\n");
	put(&l, "b.yaml", "cluster: b\nrole: init\n");
	CHECK_STR(make(&l, false, &err), "");
	CHECK(strcmp(l.nodes.at[0].node.token, l.nodes.at[1].node.token));
	CHECK(strcmp(l.nodes.at[0].node.certificate_key, l.nodes.at[1].node.certificate_key));
}

TEST(seed_nodes_init_node_sets_secrets)
{
	CLEANUP(lab_done) struct lab l;
	struct error err;

	lab_open(&l);
	put(&l, "cp.yaml", "cluster: lab\nrole: init\n" TOKEN);
	put(&l, "w1.yaml", "cluster: lab\nrole: worker\n" PVE);
	put(&l, "w2.yaml", "cluster: lab\nrole: worker\ntoken: aaaaaa.aaaaaaaaaaaaaaaa\n" PVE);
	CHECK_STR(make(&l, false, &err), "");
	CHECK_STR(l.nodes.at[1].node.token, "c0ffee.c0ffeec0ffeec0ff");
	CHECK_STR(l.nodes.at[2].node.token, "aaaaaa.aaaaaaaaaaaaaaaa");
}

TEST(seed_secrets_file_is_reused)
{
	CLEANUP(lab_done) struct lab l;
	CLEANUP(lab_done) struct lab later;
	struct error err;
	struct stat st;

	lab_open(&l);
	lab_open(&later);
	l.kubeadm = true;
	put(&l, "cp.yaml", "cluster: lab\nrole: init\n");
	CHECK_STR(make(&l, true, &err), "");
	CHECK(stat(l.keep, &st) == 0 && (st.st_mode & 07777) == 0600);
	close_p(&l.secrets.lock);
	free(later.keep);
	later.keep = xstrdup(l.keep);
	put(&later, "cp2.yaml", "cluster: lab\nrole: control-plane\n" PVE);
	CHECK_STR(make(&later, true, &err), "");
	CHECK_STR(later.nodes.at[0].node.token, l.nodes.at[0].node.token);
	CHECK_STR(later.nodes.at[0].node.certificate_key, l.nodes.at[0].node.certificate_key);
}

TEST(seed_secrets_failed_run_leaves_no_file)
{
	CLEANUP(lab_done) struct lab l;
	struct error err;

	lab_open(&l);
	put(&l, "w1.yaml", "cluster: lab\nrole: worker\n" PVE);
	CHECK(strstr(make(&l, true, &err), "'token' is missing"));
	seed_secrets_close(&l.secrets);
	l.secrets = (struct seed_secrets){ .lock = -1 };
	CHECK(access(l.keep, F_OK) < 0);
}

/* NODE.yaml files that cannot be seeded together, and the error. */
static const struct {
	const char *file[3], *says;
} wrong[] = {
	{ { "cluster: lab\nrole: worker\n" PVE },
	  "0.yaml:1: 'token' is missing, and no secrets of cluster 'lab' are known: name its init node's file in the "
	  "same "
	  "command, or the "
	  "--secrets file that its seed was made with" },
	{ { "cluster: lab\nrole: control-plane\n" TOKEN PVE },
	  "0.yaml:1: 'certificate_key' is missing, and no secrets of "
	  "cluster 'lab' are known: name its init node's file in the same command, or "
	  "the --secrets file that its seed was made with" },
	{ { "cluster: lab\nrole: init\n", "cluster: lab\nrole: init\n" },
	  "0.yaml and 1.yaml would both initialise cluster 'lab': give both a proxmox section, so that they agree on "
	  "one, or "
	  "make one role control-plane" },
	{ { "cluster: lab\nrole: init\n" PVE "node: {name: x}\n",
	    "cluster: lab\nrole: init\n" PVE "node: {name: x}\n" },
	  "0.yaml and 1.yaml are both node 'x' of cluster 'lab'" },
	{ { "cluster: lab\nrole: init\n" TOKEN PVE, "cluster: lab\nrole: init\ntoken: aaaaaa.aaaaaaaaaaaaaaaa\n" PVE },
	  "1.yaml:3: 'token' differs from the one that cluster 'lab' has already; remove one of them" },
	{ { "cluster: lab\nrole: init\ntoken: c0ffee\n" },
	  "0.yaml:3: 'token' is invalid (its value is not shown); allowed: six of a-z 0-9, a dot, sixteen of a-z "
	  "0-9, as "
	  "`kubeadm token generate` makes them" },
	{ { "role: init\n" }, "0.yaml:1: 'cluster' is missing; give the cluster a name, the same on all of its nodes" },
	{ { "cluster: lab\nrole: boss\n" }, "0.yaml:2: 'role' is 'boss'; allowed: init, control-plane, worker" },
	{ { "cluster: lab\nrole: init\nnode: x\n" },
	  "0.yaml:3: 'node' must be a map (key: value), not a single value" },
};

static void without(char *text, const char *part)
{
	for (char *found; (found = strstr(text, part));)
		memmove(found, found + strlen(part), strlen(found + strlen(part)) + 1);
}

TEST(seed_nodes_refuses_bad_nodes)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		CLEANUP(lab_done) struct lab l;
		CLEANUP(free_p) char *directory = NULL;
		struct error err;

		lab_open(&l);
		directory = xasprintf("%s/", l.path);
		for (size_t k = 0; k < 3 && wrong[i].file[k]; k++) {
			CLEANUP(free_p) char *name = xasprintf("%zu.yaml", k);
			put(&l, name, wrong[i].file[k]);
		}
		make(&l, false, &err);
		without(err.text, directory);
		CHECK_STR(err.text, wrong[i].says);
	}
}

TEST(seed_nodes_file_name_must_be_valid)
{
	CLEANUP(lab_done) struct lab l;
	struct error err;

	lab_open(&l);
	put(&l, "Node_1.yaml", "cluster: lab\nrole: init\n");
	CHECK_STR(make(&l, false, &err),
		  "Node_1.yaml:1: 'node.name' is missing, and the file's name 'Node_1' cannot be one: give "
		  "the node a DNS name in lower case");
}

static const struct {
	const char *text, *says;
	mode_t mode;
} kept[] = {
	{ "lab: {token: c0ffee.c0ffeec0ffeec0ff}\n", "", 0600 },
	{ "", "", 0600 },
	{ "# nothing yet\n", "", 0600 },
	{ "lab: {token: c0ffee}\n", "secrets.yaml:1: 'token' is malformed (it is not shown here); remove it", 0600 },
	{ "lab: {tokn: c0ffee.c0ffeec0ffeec0ff}\n",
	  "secrets.yaml:1: unknown key 'tokn' (did you mean 'token'?); allowed here: token, certificate_key, "
	  "notes_key, pki, guests",
	  0600 },
	{ "lab: c0ffee.c0ffeec0ffeec0ff\n",
	  "secrets.yaml:1: 'lab' must be a map with pki, or with token and certificate_key", 0600 },
	{ "lab: {notes_key: c0ffee}\n", "secrets.yaml:1: 'notes_key' is malformed (it is not shown here); remove it",
	  0600 },
	{ "lab: {guests: {x1: {node: cp1}}}\n", "secrets.yaml:1: 'x1' is not a guest; allowed: VMID: {node: NAME}",
	  0600 },
	{ "lab: {guests: {101: {}}}\n", "secrets.yaml:1: 'node' is missing", 0600 },
	{ "nodekiln_secrets: 3\nlab: {}\n",
	  "secrets.yaml:1: it has version 3 of this format, and this nodekiln knows 2; use the nodekiln that wrote it, "
	  "or a later one",
	  0600 },
	{ "nodekiln_secrets: 2\nlab: {pki: {ca: c0ffee}}\n",
	  "secrets.yaml:2: 'pki.ca' is missing or malformed (it is not shown here); restore the file", 0600 },
	{ "- lab\n", "secrets.yaml:1: it must be a map of clusters, as `nodekiln seed --secrets` writes it", 0600 },
	{ "lab: {}\n",
	  "secrets.yaml can be read by others (mode 0640); chmod 0600 it, and if others are on this machine make new "
	  "secrets",
	  0640 },
};

TEST(seed_secrets_refuses_bad_files)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		CLEANUP(lab_done) struct lab l;
		struct error err;

		lab_open(&l);
		if (file_write(l.fd, "secrets.yaml", kept[i].text, strlen(kept[i].text), kept[i].mode, &err) < 0)
			abort();
		put(&l, "cp.yaml", "cluster: lab\nrole: init\n");
		CHECK_STR(make(&l, true, &err), kept[i].says);
		CHECK(!strstr(err.text, "c0ffee"));
		if (i == 0)
			CHECK_STR(l.nodes.at[0].node.token, "c0ffee.c0ffeec0ffeec0ff");
	}
}
