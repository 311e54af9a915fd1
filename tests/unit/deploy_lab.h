/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A scripted node (pve_stub.h) with a signed template, and a cluster of one node that is deployed to it and destroyed:
 * CHECK(lab_new() && deploy(&said, &err) == 0).
 */
#include <fcntl.h>
#include <unistd.h>

#include "builder/deploy/deploy.h"
#include "builder/publish/publish_notes.h"
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
#define TEMPLATE "{\"vmid\":9000,\"name\":\"debian-12\",\"template\":1,\"tags\":\"nodekiln\"}"
#define NOTES_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
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
static char *file, *secrets, *notes_key;
static struct text notes, config, tokens, volumes, acl; /* of VM 100 and its cluster */
static struct text template_config;                     /* of VM 9000 */

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
	json_put_string(object, "smbios1", "uuid=" UUID);
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

/* After a change of the access lists: the token has an entry until it is deleted, among others'. */
static void acl_changed(void)
{
	const char *key = strstr(notes.data, "\"key\":\"") + strlen("\"key\":\"");
	bool gone = text_ends(pve_stub.params.data, "delete=1\n");

	text_done(&acl);
	text_addf(&acl, "[{\"path\":\"/pool/k8s\",\"type\":\"user\",\"ugid\":\"a@pve\",\"roleid\":\"X\"}");
	if (!gone)
		text_addf(&acl,
			  ",{\"path\":\"/vms/100\",\"type\":\"token\",\"ugid\":"
			  "\"nodekiln-agent@pve!kiln_lab_cp1_%.12s\",\"roleid\":\"NodekilnAgent\"}",
			  key);
	text_add(&acl, "]");
	pve_stub_add("GET /access/acl", PVE_OK, acl.data);
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

/* VM 9000, signed with the target's key. */
static void add_template(void)
{
	struct publish_notes p = {
		.image = (char *)"debian-12",
		.version = (char *)"1.37.2",
		.vmid = 9000,
		.ready = true,
		.settings = (char *)"s",
		.published = (char *)"2026-11-28T10:00:00Z",
		.node = (char *)"pve1",
		.pool = (char *)"k8s",
		.uuid = (char *)UUID,
	};
	CLEANUP(json_free_p) struct json *object = json_object();

	memset(p.sha256, 'a', SHA256_HEX - 1);
	CLEANUP(free_p) char *line = publish_notes_line(&p, NOTES_KEY);
	json_put_string(object, "description", line);
	json_put_string(object, "name", "debian-12-1.37.2-aaaaaaaaaaaa");
	json_put_string(object, "smbios1", "uuid=" UUID);
	json_put_string(object, "tags", "nodekiln");
	json_put_int(object, "template", 1);
	text_done(&template_config);
	json_print(object, false, &template_config);
	pve_stub_add("GET " NODE "/qemu/9000/config", PVE_OK, template_config.data);
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
	pve_stub_then(acl_changed);
	pve_stub_add("GET /access/acl", PVE_OK, "[]");
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
		notes_key = xasprintf("%s/nodekiln-notes.key", folder);
		if (file_write(AT_FDCWD, file, cluster_yaml, strlen(cluster_yaml), 0644, &err) < 0 ||
		    file_write(AT_FDCWD, notes_key, NOTES_KEY "\n", strlen(NOTES_KEY) + 1, 0600, &err) < 0)
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
	pve_stub_add("GET " NODE "/network", PVE_OK, "[{\"iface\":\"vmbr0\",\"type\":\"bridge\"}]");
	add_checks();
	add_template();
	add_changes();
	return true;
}

__attribute__((destructor)) static void lab_remove(void)
{
	if (file) {
		unlink(file);
		unlink(secrets);
		unlink(notes_key);
		rmdir(folder);
	}
	free(file);
	free(secrets);
	free(notes_key);
	pve_stub_reset();
	for (size_t i = 0; i < 6; i++)
		text_done((struct text *[]){ &notes, &config, &tokens, &volumes, &acl, &template_config }[i]);
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
