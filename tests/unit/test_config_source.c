/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "agent/cidata.h"
#include "agent/config_source.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define INSTANCE "/run/cloud-init/instance-data.json"
#define FILE_TEXT                                                                                                      \
	"cluster: lab\nrole: worker\ntoken: c0ffee.c0ffeec0ffeec0ff\nproxmox:\n  url: https://pve\n  token_id: "       \
	"a@pve!b\n"                                                                                                    \
	"  token_secret: c0ffeec0-ffee-c0ff-eec0-ffeec0ffee00\n"

/* A directory used as "/". */
struct root {
	char path[32];
	int fd;
};

static void root_open(struct root *r)
{
	struct error err = { 0 };

	strcpy(r->path, "/tmp/nodekiln-test.XXXXXX");
	if (!mkdtemp(r->path) || (r->fd = dir_open(AT_FDCWD, r->path, &err)) < 0)
		abort();
}

static void root_done(struct root *r)
{
	struct error err = { 0 };

	close_p(&r->fd);
	if (tree_remove(AT_FDCWD, r->path, &err) < 0)
		printf("# %s\n", err.text);
}

static void put(const struct root *r, const char *path, const char *text, mode_t mode)
{
	struct error err = { 0 };

	if (file_write_in(r->fd, path, text, strlen(text), mode, &err) < 0)
		abort();
}

static int answer(const struct root *r, struct node_config *ret)
{
	struct error err = { 0 };
	int rc = config_source_read(r->path, ret, &err);

	if (rc < 0)
		printf("# %s\n", err.text);
	return rc;
}

TEST(config_source_file_overrides_meta_data)
{
	CLEANUP(root_done) struct root r;
	CLEANUP(node_config_done) struct node_config node = { 0 };

	root_open(&r);
	put(&r, INSTANCE,
	    "{\"ds\": {\"meta_data\": {\"instance-id\": \"i\", \"nodekiln\": {\"cluster\": \"other\", \"node\": "
	    "{\"name\": \"w\\u0031\", "
	    "\"labels\": {\"a\": \"b\\/c\", \"n\": 7}}, \"proxmox\": {\"vmid\": 101}}}}}",
	    0644);
	put(&r, NODE_CONFIG_FILE, FILE_TEXT "node: {labels: {a: x}}\n", 0600);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_FOUND);
	CHECK_STR(node.cluster, "lab");
	CHECK_STR(node.name, "w1");
	CHECK(node.proxmox.vmid == 101 && node.labels.n == 2);
	CHECK_STR(node.labels.at[0].value, "7");
	CHECK_STR(node_config_origin(&node, "node.name"), "cloud-init's meta-data");
	CHECK_STR(node_config_origin(&node, "token"), NODE_CONFIG_FILE ":3");
}

TEST(config_source_nothing_is_no_node)
{
	CLEANUP(root_done) struct root r;
	struct node_config node = { 0 };

	root_open(&r);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_NONE);
	put(&r, "/run/cloud-init/disabled", "", 0644);
	put(&r, "/usr/bin/cloud-init", "", 0755);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_NONE);
}

/* Meta-data alone waits too: the file that goes over it may still come. */
TEST(config_source_cloud_init_running_is_later)
{
	CLEANUP(root_done) struct root r;
	CLEANUP(node_config_done) struct node_config node = { 0 };

	root_open(&r);
	put(&r, "/run/cloud-init/enabled", "", 0644);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_LATER);
	put(&r, INSTANCE, "{\"ds\": {\"meta_data\": {\"nodekiln\": {\"cluster\": \"lab\", \"role\": \"init\"}}}}",
	    0644);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_LATER);
	put(&r, "/run/cloud-init/result.json", "{}", 0644);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_FOUND);
	CHECK(node.role == NODE_INIT);
}

TEST(config_source_cloud_init_without_configuration_is_no_node)
{
	CLEANUP(root_done) struct root r;
	struct node_config node = { 0 };

	root_open(&r);
	put(&r, "/run/cloud-init/enabled", "", 0644);
	put(&r, "/run/cloud-init/result.json", "{}", 0644);
	put(&r, INSTANCE, "{\"ds\": {\"meta_data\": {\"instance-id\": \"i\"}}}", 0644);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_NONE);
}

TEST(config_source_file_suffices_while_cloud_init_runs)
{
	CLEANUP(root_done) struct root r;
	CLEANUP(node_config_done) struct node_config node = { 0 };

	root_open(&r);
	put(&r, "/run/cloud-init/enabled", "", 0644);
	put(&r, NODE_CONFIG_FILE, FILE_TEXT, 0600);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_FOUND);
}

static struct yaml *from_volume(const struct root *r, bool alone, struct yaml **ret_base)
{
	struct yaml *over = NULL;
	struct error err = { 0 };

	if (config_source_volume(r->fd, alone, ret_base, &over, &err) < 0)
		printf("# %s\n", err.text);
	return over;
}

/* cloud-init copies user-data onto the root disk, but knows nothing of nodekiln.yaml. */
TEST(config_source_volume_has_a_file_of_its_own)
{
	CLEANUP(root_done) struct root r;
	CLEANUP(yaml_node_free_p) struct yaml *base = NULL;

	root_open(&r);
	put(&r, "/meta-data", "nodekiln: {cluster: other}\n", 0400);
	put(&r, "/user-data",
	    "#cloud-config\nwrite_files:\n- {path: /etc/nodekiln/node.yaml, content: \"cluster: copied\\n\"}\n", 0400);
	CLEANUP(yaml_node_free_p) struct yaml *none = from_volume(&r, false, &base);
	CHECK(!none && !base);
	CLEANUP(yaml_node_free_p) struct yaml *copied = from_volume(&r, true, &base);
	CHECK_STR(yaml_find(copied, "cluster")->value, "copied");
	CHECK_STR(yaml_find(base, "cluster")->value, "other");
	put(&r, "/nodekiln.yaml", FILE_TEXT, 0400);
	for (int alone = 0; alone < 2; alone++) {
		CLEANUP(yaml_node_free_p) struct yaml *again = NULL;
		CLEANUP(yaml_node_free_p) struct yaml *own = from_volume(&r, alone, &again);
		CHECK(own && !strcmp(yaml_find(own, "cluster")->value, "lab"));
		CHECK(!!again == alone);
	}
}

static mode_t mode_of(const struct root *r)
{
	struct stat st;

	return fstatat(r->fd, NODE_CONFIG_FILE + 1, &st, 0) < 0 ? 0 : st.st_mode & 07777;
}

TEST(config_source_file_with_secrets_is_made_private)
{
	CLEANUP(root_done) struct root r;
	CLEANUP(node_config_done) struct node_config node = { 0 };

	root_open(&r);
	put(&r, NODE_CONFIG_FILE, FILE_TEXT, 0644);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_FOUND);
	CHECK(mode_of(&r) == 0600);
}

TEST(config_source_file_without_secrets_stays)
{
	CLEANUP(root_done) struct root r;
	CLEANUP(node_config_done) struct node_config node = { 0 };

	root_open(&r);
	put(&r, NODE_CONFIG_FILE, "cluster: lab\nrole: init\n", 0644);
	CHECK(answer(&r, &node) == CONFIG_SOURCE_FOUND);
	CHECK(mode_of(&r) == 0644);
}

TEST(config_source_file_that_others_can_write_is_refused)
{
	CLEANUP(root_done) struct root r;
	struct node_config node = { 0 };
	struct error err = { 0 };

	root_open(&r);
	put(&r, NODE_CONFIG_FILE, FILE_TEXT, 0600);
	CHECK(fchmodat(r.fd, NODE_CONFIG_FILE + 1, 0622, 0) == 0);
	CHECK(config_source_read(r.path, &node, &err) < 0);
	CHECK_STR(err.text, "/etc/nodekiln/node.yaml can be written by others than root (mode 0622); make it 0600");
}

TEST(config_source_file_of_another_user_is_refused)
{
	CLEANUP(root_done) struct root r;
	struct node_config node = { 0 };
	struct error err = { 0 };

	if (geteuid())
		return;
	root_open(&r);
	put(&r, NODE_CONFIG_FILE, FILE_TEXT, 0600);
	CHECK(fchownat(r.fd, NODE_CONFIG_FILE + 1, 1000, 0, 0) == 0);
	CHECK(config_source_read(r.path, &node, &err) < 0);
	CHECK(strstr(err.text, "belongs to user 1000"));
}

static const char *instance_error(const char *json, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	*err = (struct error){ 0 };
	return config_source_instance_data("instance-data.json", json, strlen(json), &tree, err) < 0 ? err->text
	       : tree                                                                                ? ""
												     : NULL;
}

TEST(config_source_checks_instance_data)
{
	struct error err;

	CHECK_STR(instance_error("{\"ds\":{\"meta_data\":{\"nodekiln\":{\"a\":\"b\"}}}}", &err), "");
	CHECK(!instance_error("{\"ds\":{\"meta_data\":{}}}", &err));
	CHECK(!instance_error("{\"ds\":{\"meta_data\":{\"nodekiln\":null}}}", &err));
	CHECK(!instance_error("[]", &err));
	CHECK_STR(instance_error("{\"ds\":{\"meta_data\":{\"nodekiln\":\"role: init\"}}}", &err),
		  "cloud-init's meta-data: 'nodekiln' in meta-data must be a map");
	CHECK_STR(
		instance_error("{\"ds\":{\"meta_data\":{\"nodekiln\":{\"token\":\"c0ffee.c0ffeec0ffeec0ff\"}}}}", &err),
		"cloud-init's meta-data: 'token' is a secret, and every process in the guest can read meta-data; put "
		"it into "
		"user-data: write_files with path /etc/nodekiln/node.yaml, owner root:root and permissions '0600'");
	CHECK(strstr(instance_error("{\"ds\":", &err), "instance-data.json: "));
}

/* The printed node of user-data, "" for none, or the error. */
static void user_data(const char *text, struct text *ret)
{
	struct yaml *tree = NULL;
	CLEANUP(node_config_done) struct node_config node = { 0 };
	struct error err = { 0 };

	ret->len = 0;
	text_add(ret, "");
	if (config_source_user_data("user-data", text, strlen(text), &tree, &err) < 0 ||
	    (tree && node_config_read(tree, &node, &err) < 0))
		text_add(ret, err.text);
	else if (node.tree)
		text_addf(ret, "%s %s %s", node.cluster, node_role_name(node.role), node_config_origin(&node, "role"));
}

TEST(config_source_user_data_holds_the_file)
{
	CLEANUP(text_done) struct text got = { 0 };

	user_data("#cloud-config\nwrite_files:\n- {path: /etc/x, content: y}\n- path: /etc/nodekiln/node.yaml\n  "
		  "content: |\n    "
		  "cluster: lab\n    role: init\n",
		  &got);
	CHECK_STR(got.data, "lab init /etc/nodekiln/node.yaml in user-data:2");
	user_data("#cloud-config\nwrite_files:\n- {path: /etc/nodekiln/node.yaml, content: 'x: y'}\n"
		  "- {path: /etc/nodekiln/node.yaml, encoding: b64, content: Y2x1c3RlcjogbGFiCnJvbGU6IGluaXQK}\n",
		  &got);
	CHECK_STR(got.data, "lab init /etc/nodekiln/node.yaml in user-data:2");
	user_data("#cloud-config\nwrite_files:\n- {path: /x, content: !!binary AAE=}\n"
		  "- {path: /etc/nodekiln/node.yaml, content: !!binary Y2x1c3RlcjogbGFiCnJvbGU6IGluaXQK}\n",
		  &got);
	CHECK_STR(got.data, "lab init /etc/nodekiln/node.yaml in user-data:2");
	user_data("#cloud-config\nhostname: x\n", &got);
	CHECK_STR(got.data, "");
	user_data("#cloud-config\nwrite_files: {path: /etc/nodekiln/node.yaml}\n", &got);
	CHECK_STR(got.data, "");
	user_data("#!/bin/sh\nexit 0\n", &got);
	CHECK_STR(got.data, "");
	user_data("#cloud-configs\n", &got);
	CHECK_STR(got.data, "");
}

TEST(config_source_user_data_errors_name_the_place)
{
	CLEANUP(text_done) struct text got = { 0 };

	user_data("#cloud-config\nwrite_files:\n- {path: /etc/nodekiln/node.yaml, content: !!binary x}\n", &got);
	CHECK_STR(got.data,
		  "user-data:3: the content of /etc/nodekiln/node.yaml is not valid base64, as !!binary says");
	user_data("#cloud-config\nwrite_files:\n- {path: /etc/nodekiln/node.yaml, encoding: gz+b64, content: x}\n",
		  &got);
	CHECK_STR(got.data,
		  "user-data:3: the encoding of /etc/nodekiln/node.yaml is 'gz+b64'; without cloud-init it must be "
		  "plain or b64");
	user_data("#cloud-config\nwrite_files:\n- {path: /etc/nodekiln/node.yaml, encoding: b64, content: x}\n", &got);
	CHECK_STR(got.data, "user-data:3: the content of /etc/nodekiln/node.yaml is not valid base64");
	user_data("#cloud-config\nwrite_files:\n- {path: /etc/nodekiln/node.yaml, content: 'role: init'}\n", &got);
	CHECK_STR(got.data,
		  "/etc/nodekiln/node.yaml in user-data:1: 'cluster' is missing; give the cluster a name, the same "
		  "on all of its nodes");
	user_data("#cloud-config\nwrite_files:\n- path: /etc/nodekiln/node.yaml\n", &got);
	CHECK(strstr(got.data, "is a map that begins with"));
}

/* As little of an ISO 9660 as says its label: a primary volume descriptor, and the end of descriptors. */
static void put_iso(const struct root *r, const char *path, const char *label)
{
	enum { SECTOR = 2048, FIRST = 16 };
	static char iso[(FIRST + 4) * SECTOR];
	char *primary = iso + FIRST * SECTOR;
	struct error err = { 0 };

	memcpy(primary, "\001CD001\001", 7);
	memset(primary + 40, ' ', 32);
	memcpy(primary + 40, label, strlen(label));
	memcpy(primary + SECTOR, "\377CD001\001", 7);
	if (file_write_in(r->fd, path, iso, sizeof iso, 0600, &err) < 0)
		abort();
}

TEST(config_source_volume_by_label_and_file_system)
{
	static const struct {
		const char *label, *device;
		bool is;
	} cases[] = { { "cidata", "/dev/sr0", true },
		      { "CIDATA", "/dev/sr1", true },
		      { "config-2", "/dev/sr2", false } };
	CLEANUP(root_done) struct root r;

	root_open(&r);
	put(&r, "dev/sda", "no file system", 0644);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *device = xasprintf("%s%s", r.path, cases[i].device);
		const char *type = "";

		put_iso(&r, cases[i].device, cases[i].label);
		CHECK(cidata_probe(device, &type) == cases[i].is);
		CHECK_STR(type, cases[i].is ? "iso9660" : "");
	}
	CLEANUP(free_p) char *other = xasprintf("%s/dev/sda", r.path);
	CLEANUP(free_p) char *none = xasprintf("%s/dev/none", r.path);
	const char *type;
	CHECK(!cidata_probe(other, &type) && !cidata_probe(none, &type));
}

/* Devices that are listed but carry nothing of ours. */
TEST(config_source_no_volume_is_no_node)
{
	CLEANUP(root_done) struct root r;
	struct error err = { 0 };
	int fd = -1;

	root_open(&r);
	put(&r, "dev/sda", "no file system", 0644);
	put(&r, "sys/class/block/sda", "", 0644);
	put(&r, "sys/class/block/sr0", "", 0644);
	CHECK_STR(cidata_open(r.path, &fd, &err) ? err.text : "", "");
	CHECK(fd == -1);
}
