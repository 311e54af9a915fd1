/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of deploy and destroy, names and notes. test_deploy_exec.c and tests/e2e/deploy.py have the rest. */
#include "builder/deploy/cluster.h"
#include "builder/deploy/deploy_plan.h"
#include "tests/unit/check.h"

#define KEY "0c9697bfab6d"
#define TARGET                                                                                                         \
	"target:\n  url: https://pve\n  token_id: n@pve!ci\n  token_secret_env: X\n  nodes: [pve1, pve2]\n"            \
	"  storages: {import: local, vztmpl: local, disks: lvm}\n  pool: k8s\n  bridge: vmbr0\n"
#define TOP "cluster: lab\ntemplate: debian-12\n" TARGET
#define VM "{name: cp1, role: init, disk: 20G, cores: 2}"
#define CT "{name: w1, role: worker, kind: lxc, disk: 8G, node: pve2, vmid: 211}"

static int parse(const char *text, struct cluster *ret, struct error *err)
{
	*err = (struct error){ 0 };
	return cluster_parse("lab.yaml", text, strlen(text), ret, err);
}

/* ---- names and notes ---- */

TEST(deploy_notes_names_round_trip)
{
	struct deploy_notes mark = { .cluster = (char *)"lab", .node = (char *)"cp1", .key = KEY, .vmid = 105 };
	CLEANUP(free_p) char *token = deploy_notes_token(&mark), *volume = deploy_notes_volume(&mark, ".iso");
	CLEANUP(free_p) char *line = deploy_notes_line(&mark), *notes = xasprintf("People's words\n%s\nmore", line);
	CLEANUP(deploy_notes_done) struct deploy_notes a = { 0 }, b = { 0 }, c = { 0 }, none = { 0 };

	CHECK_STR(token, "kiln_lab_cp1_" KEY);
	CHECK_STR(volume, "nodekiln_lab_cp1_" KEY ".iso");
	CHECK(deploy_notes_parse(notes, &a) && a.vmid == 105 && !strcmp(a.cluster, "lab") && !strcmp(a.key, KEY));
	CHECK(deploy_notes_parse_token(token, &b) && !strcmp(b.node, "cp1"));
	CHECK(deploy_notes_parse_volume(volume, &c) && !strcmp(c.node, "cp1"));
	CHECK(!deploy_notes_parse_token("kiln_lab_cp1", &none) && !deploy_notes_parse_token("kiln_lab_cp1_xyz", &none));
	CHECK(!deploy_notes_parse_volume("nodekiln_lab_cp1_" KEY ".qcow2", &none) &&
	      !deploy_notes_parse("none", &none));
	CHECK(!deploy_notes_parse("nodekiln-deploy: {\"cluster\":\"lab\"}", &none) && !deploy_notes_parse(NULL, &none));
}

static bool read_config(const char *text, struct deploy_guest *ret)
{
	CLEANUP(json_free_p) struct json *config = NULL;
	struct error err = { 0 };

	return json_parse("test", text, strlen(text), &config, &err) == 0 &&
	       deploy_guest_parse(config, 105, "lab", ret);
}

#define MARK(vmid)                                                                                                     \
	"nodekiln-deploy: {\\\"cluster\\\":\\\"lab\\\",\\\"node\\\":\\\"cp1\\\",\\\"vmid\\\":" vmid                    \
	",\\\"key\\\":\\\"" KEY "\\\"}"

TEST(deploy_guest_parse_slots)
{
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 }, none = { 0 };

	CHECK(read_config("{\"description\": \"" MARK("105") "\", \"scsi0\": \"lvm:vm-105-disk-0,size=8G\","
							     "\"scsi1\": \"lvm:vm-105-cloudinit,media=cdrom\", "
							     "\"scsi2\": \"local:iso/nodekiln_lab_cp1_" KEY
							     ".iso,media=cdrom\"}",
			  &g));
	CHECK_STR(g.seed, "scsi2");
	CHECK_STR(g.cloudinit, "scsi1");
	CHECK_STR(g.free, "scsi3");
	CHECK(!deploy_guest_ready(&g));
	/* a clone of it, another's, a template */
	CHECK(!read_config("{\"description\": \"" MARK("104") "\"}", &none));
	CHECK(!read_config("{\"description\": \"words\"}", &none));
	CHECK(!read_config("{\"description\": \"" MARK("105") "\", \"template\": 1}", &none));
}

/* ---- plans ---- */

struct lab {
	struct cluster cluster;
	struct deploy_order order;
	struct deploy_state state;
};

static void lab_done(struct lab *l)
{
	cluster_done(&l->cluster);
	deploy_state_done(&l->state);
}

static bool lab_open(struct lab *l, const char *nodes)
{
	CLEANUP(free_p) char *text = xasprintf("%scontainer: base.tar.zst\nnodes: [%s]\n", TOP, nodes);
	struct error err;

	l->order = (struct deploy_order){ .cluster = &l->cluster, .key = KEY, .may_discard = true, .now = 1000 };
	return parse(text, &l->cluster, &err) == 0;
}

static struct deploy_notes mark_of(const char *node, const char *key)
{
	struct deploy_notes mark = { .cluster = xstrdup("lab"), .node = xstrdup(node) };

	memcpy(mark.key, key, DEPLOY_NOTES_KEY + 1);
	return mark;
}

static struct deploy_guest *add_guest(struct lab *l, long vmid, const char *node, const char *key)
{
	vec_push(&l->state.guests, (struct deploy_guest){ .vmid = vmid,
							  .pve_node = xstrdup("pve1"),
							  .mark = mark_of(node, key),
							  .record.role = -1,
							  .disk = xstrdup("lvm:vm-105-disk-0,size=8G") });
	return &l->state.guests.at[l->state.guests.n - 1];
}

static void add_token(struct lab *l, const char *node, int64_t expire)
{
	struct deploy_notes mark = mark_of(node, KEY);

	vec_push(&l->state.tokens, (struct deploy_token){ mark, deploy_notes_token(&mark), expire });
}

static void add_volume(struct lab *l, const char *node, uint64_t size)
{
	struct deploy_notes mark = mark_of(node, KEY);
	CLEANUP(free_p) char *name = deploy_notes_volume(&mark, ".iso");

	vec_push(&l->state.volumes,
		 (struct deploy_volume){ mark, xstrdup("pve1"), xasprintf("local:iso/%s", name), size });
}

static char *plan_text(const struct lab *l,
		       void (*plan)(const struct deploy_order *, const struct deploy_state *, struct deploy_steps *))
{
	CLEANUP(deploy_steps_done) struct deploy_steps steps = { 0 };
	struct text text = { 0 };

	plan(&l->order, &l->state, &steps);
	for (size_t i = 0; i < steps.n; i++) {
		deploy_step_text(&l->order, &steps.at[i], &text);
		text_add(&text, "\n");
	}
	return text_take(&text);
}

#define END                                                                                                            \
	"wait until VM 105 cp1 is ready on pve1\ntake the seed out of VM 105 cp1 on pve1\n"                            \
	"delete local:iso/nodekiln_lab_cp1_" KEY ".iso on pve1\ndelete token kiln_lab_cp1_" KEY "\n"

TEST(deploy_plan_fresh_clone)
{
	CLEANUP(lab_done) struct lab l = { 0 };

	CHECK(lab_open(&l, VM));
	CHECK(add_guest(&l, 105, "cp1", KEY));
	add_token(&l, "cp1", 0);
	CLEANUP(free_p) char *text = plan_text(&l, deploy_plan);
	CHECK_STR(text, "grow the disk of VM 105 cp1 to 20 GiB on pve1\n"
			"delete token kiln_lab_cp1_" KEY " (its secret is no longer known)\n"
			"make a token for VM 105 cp1 on pve1\ngive the token its rights on VM 105 cp1 on pve1\n"
			"upload the seed of VM 105 cp1 on pve1\n"
			"configure VM 105 cp1, with its seed, 2 cores on pve1\nstart VM 105 cp1 on pve1\n" END);
}

TEST(deploy_plan_guests_first)
{
	CLEANUP(lab_done) struct lab l = { 0 };
	CLEANUP(deploy_steps_done) struct deploy_steps steps = { 0 };

	CHECK(lab_open(&l, CT ", " VM));
	deploy_plan(&l.order, &l.state, &steps);
	CHECK(steps.first == 4 && steps.at[0].act == DEPLOY_TOKEN && steps.at[1].act == DEPLOY_SEED);
	CHECK(steps.at[2].act == DEPLOY_CREATE && steps.at[2].vmid == 211 && steps.at[3].act == DEPLOY_CLONE);
	/* and then the init node before those that wait for it */
	CHECK(!strcmp(steps.at[4].name, "cp1"));
}

TEST(deploy_plan_seeded_vm)
{
	CLEANUP(lab_done) struct lab l = { 0 };

	CHECK(lab_open(&l, VM));
	struct deploy_guest *g = add_guest(&l, 105, "cp1", KEY);
	strcpy(g->seed, "scsi2");
	add_token(&l, "cp1", 2000);
	add_volume(&l, "cp1", 400000);
	CLEANUP(free_p) char *stopped = plan_text(&l, deploy_plan);
	CHECK_STR(stopped, "give the token its rights on VM 105 cp1 on pve1\nstart VM 105 cp1 on pve1\n" END);
	g->running = true;
	CLEANUP(free_p) char *running = plan_text(&l, deploy_plan);
	CHECK_STR(running, END);
	l.state.tokens.at[0].expire = 999;
	CLEANUP(free_p) char *expired = plan_text(&l, deploy_plan);
	CHECK(text_starts(expired, "stop VM 105 cp1 on pve1 (its token has expired)\n"));
	g->locked = true;
	CLEANUP(free_p) char *locked = plan_text(&l, deploy_plan);
	CHECK_STR(locked, "wait for VM 105 cp1 on pve1 (it is locked)\n");
}

TEST(deploy_plan_ready)
{
	CLEANUP(lab_done) struct lab l = { 0 };

	CHECK(lab_open(&l, VM));
	struct deploy_guest *g = add_guest(&l, 105, "cp1", KEY);
	g->record.state = NODE_RECORD_READY;
	CLEANUP(free_p) char *done = plan_text(&l, deploy_plan);
	CHECK_STR(done, "");
	add_token(&l, "cp1", 0);
	add_volume(&l, "cp1", DEPLOY_BLANK);
	CLEANUP(free_p) char *left = plan_text(&l, deploy_plan);
	CHECK_STR(left, "delete local:iso/nodekiln_lab_cp1_" KEY ".iso on pve1\ndelete token kiln_lab_cp1_" KEY "\n");
	l.order.may_discard = false;
	CLEANUP(free_p) char *blank = plan_text(&l, deploy_plan);
	CHECK_STR(blank, "delete token kiln_lab_cp1_" KEY "\n");
}

TEST(deploy_plan_duplicate)
{
	CLEANUP(lab_done) struct lab l = { 0 };

	CHECK(lab_open(&l, VM));
	add_guest(&l, 105, "cp1", KEY);
	add_guest(&l, 106, "cp1", KEY)->record.state = NODE_RECORD_READY;
	add_guest(&l, 107, "cp1", "ffffffffffff");
	CHECK(deploy_plan_guest(&l.order, &l.state, "cp1")->vmid == 106);
	CHECK(deploy_plan_stranger(&l.order, &l.state)->vmid == 107);
	CLEANUP(free_p) char *text = plan_text(&l, deploy_plan);
	CHECK_STR(text, "remove VM 105 cp1 with its disks on pve1 (a duplicate)\n");
}

TEST(destroy_plan_of_the_cluster)
{
	CLEANUP(lab_done) struct lab l = { 0 };

	CHECK(lab_open(&l, VM));
	add_guest(&l, 105, "cp1", KEY)->running = true;
	add_guest(&l, 106, "gone-from-the-file", KEY);
	add_guest(&l, 107, "cp1", "ffffffffffff");
	add_token(&l, "cp1", 0);
	add_volume(&l, "cp1", 400000);
	CLEANUP(free_p) char *text = plan_text(&l, destroy_plan);
	CHECK_STR(text, "delete token kiln_lab_cp1_" KEY "\nstop VM 105 cp1 on pve1\n"
			"remove VM 105 cp1 with its disks on pve1\n"
			"remove VM 106 gone-from-the-file with its disks on pve1\n"
			"delete local:iso/nodekiln_lab_cp1_" KEY ".iso on pve1\n");
}
