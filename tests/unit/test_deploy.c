/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of deploy and destroy, names and notes. test_deploy_exec.c and tests/e2e/deploy.py have the rest. */
#include "builder/deploy/cluster.h"
#include "builder/deploy/deploy_plan.h"
#include "tests/unit/check.h"

#define KEY "0c9697bfab6d"
#define NOTES_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define UUID "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"
#define OTHER_UUID "7f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"
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
	CLEANUP(free_p) char *line = deploy_notes_line(&mark, NOTES_KEY);
	CLEANUP(free_p) char *notes = xasprintf("People's words\n%s\nmore", line);
	CLEANUP(deploy_notes_done) struct deploy_notes a = { 0 }, b = { 0 }, c = { 0 }, other = { 0 };
	struct deploy_notes none = { 0 };

	CHECK_STR(token, "kiln_lab_cp1_" KEY);
	CHECK_STR(volume, "nodekiln_lab_cp1_" KEY ".iso");
	CHECK(deploy_notes_parse(notes, NOTES_KEY, &a) && a.good && a.vmid == 105 && a.kind == PVE_QEMU);
	CHECK(!strcmp(a.cluster, "lab") && !strcmp(a.node, "cp1") && !strcmp(a.key, KEY) && !*a.image);
	CHECK(deploy_notes_parse(notes, OTHER_KEY, &other) && !other.good);
	CHECK(deploy_notes_parse_token(token, &b) && !strcmp(b.node, "cp1") && !b.good);
	CHECK(deploy_notes_parse_volume(volume, &c) && !strcmp(c.node, "cp1"));
	CHECK(!deploy_notes_parse_token("kiln_lab_cp1", &none) && !deploy_notes_parse_token("kiln_lab_cp1_xyz", &none));
	CHECK(!deploy_notes_parse_volume("nodekiln_lab_cp1_" KEY ".qcow2", &none) &&
	      !deploy_notes_parse("none", NOTES_KEY, &none));
	CHECK(!deploy_notes_parse("nodekiln-deploy: {\"cluster\":\"lab\"}", NOTES_KEY, &none) &&
	      !deploy_notes_parse(NULL, NOTES_KEY, &none));
}

TEST(deploy_notes_of_older_versions)
{
	CLEANUP(deploy_notes_done) struct deploy_notes mark = { 0 };

	CHECK(deploy_notes_parse("nodekiln-deploy: {\"cluster\":\"lab\",\"node\":\"cp1\",\"vmid\":105,\"key\":\"" KEY
				 "\"}",
				 NOTES_KEY, &mark));
	CHECK(!mark.good && mark.vmid == 105);
}

/* ---- whose a guest is ---- */

/* A guest of cp1 as the state has it, and what is changed in it. */
struct guest {
	struct deploy_notes mark;
	const char *key;      /* that signs */
	const char *identity; /* of the machine */
	enum pve_kind kind;
	bool template, bare;  /* bare: no line */
	const char *recorded; /* the node; NULL = it is not recorded */
	const char *record;   /* the recorded identity; NULL = none */
};

static struct guest cp1(void)
{
	return (struct guest){
		.mark = { .cluster = (char *)"lab", .node = (char *)"cp1", .key = KEY, .vmid = 105 },
		.key = NOTES_KEY,
		.identity = UUID,
		.recorded = "cp1",
		.record = UUID,
	};
}

/* false: it is not in the state. */
static bool read_guest(const struct guest *g, const char *drives, struct deploy_guest *ret)
{
	CLEANUP(free_p) char *line = deploy_notes_line(&g->mark, g->key);
	CLEANUP(json_free_p) struct json *config = json_object();
	struct seed_made made = { .vmid = 105, .node = (char *)g->recorded, .identity = (char *)g->record };
	struct seed_secret secret = { .cluster = (char *)"lab", .notes_key = (char *)NOTES_KEY };
	const struct deploy_search search = { .cluster = "lab", .secret = &secret };
	CLEANUP(free_p) char *volume = deploy_notes_volume(&g->mark, ".iso");

	secret.made.at = &made;
	secret.made.n = g->recorded ? 1 : 0;
	json_put_string(config, "description", g->bare ? "People's words" : line);
	if (g->kind == PVE_QEMU)
		json_put_stringf(config, "smbios1", "base64=1,uuid=%s,serial=abc", g->identity);
	else
		json_put_stringf(config, "net0", "name=eth0,hwaddr=%s,ip=dhcp", g->identity);
	if (g->template)
		json_put_int(config, "template", 1);
	if (drives) {
		json_put_string(config, "scsi0", "lvm:vm-105-disk-0,size=8G");
		json_put_string(config, "scsi1", "lvm:vm-105-cloudinit,media=cdrom");
		json_put_stringf(config, "scsi2", "local:iso/%s,media=cdrom", volume);
	}
	return deploy_guest_parse(config, g->kind, 105, &search, ret);
}

/* The claim, or -1. */
static int claim_of(struct guest g)
{
	CLEANUP(deploy_guest_done) struct deploy_guest ret = { 0 };

	return read_guest(&g, NULL, &ret) ? (int)ret.claim : -1;
}

TEST(deploy_guest_parse_slots)
{
	CLEANUP(deploy_guest_done) struct deploy_guest g = { 0 };
	struct guest guest = cp1();

	CHECK(read_guest(&guest, "with", &g) && g.claim == DEPLOY_OURS);
	CHECK_STR(g.seed, "scsi2");
	CHECK_STR(g.cloudinit, "scsi1");
	CHECK_STR(g.free, "scsi3");
	CHECK_STR(g.identity, UUID);
	CHECK(!deploy_guest_ready(&g));
}

#define CLAIM(wanted, ...)                                                                                             \
	do {                                                                                                           \
		struct guest g = cp1();                                                                                \
		__VA_ARGS__;                                                                                           \
		CHECK(claim_of(g) == (int)(wanted));                                                                   \
	} while (0)

TEST(deploy_guest_claims)
{
	CLAIM(DEPLOY_OURS, );
	/* PVE writes UUIDs in lower case, people do not */
	CLAIM(DEPLOY_OURS, g.identity = "6F2A2F0E-3C41-4B0F-9D7E-0A1B2C3D4E5F");
	/* just made: it was not seen yet */
	CLAIM(DEPLOY_OURS, g.record = NULL);
	/* signed with another key, or not recorded as made, or both */
	CLAIM(DEPLOY_STRANGER, g.key = OTHER_KEY; g.record = NULL);
	CLAIM(DEPLOY_UNRECORDED, g.recorded = NULL);
	CLAIM(DEPLOY_STRANGER, g.recorded = NULL; g.key = OTHER_KEY);
	/* the line of a guest that is gone, on a new machine with its VMID */
	CLAIM(DEPLOY_STRANGER, g.identity = OTHER_UUID);
	/* ours, but its line was changed, removed, or is of another node or kind */
	CLAIM(DEPLOY_LOST, g.key = OTHER_KEY);
	CLAIM(DEPLOY_LOST, g.bare = true);
	CLAIM(DEPLOY_LOST, g.template = true);
	CLAIM(DEPLOY_LOST, g.mark.node = (char *)"cp2");
	CLAIM(DEPLOY_LOST, g.mark.kind = PVE_LXC);
	CLAIM(DEPLOY_LOST, g.mark.vmid = 104);
	CLAIM(DEPLOY_LOST, g.mark.cluster = (char *)"other");
	/* a container */
	CLAIM(DEPLOY_OURS, g.mark.kind = g.kind = PVE_LXC; g.identity = "BC:24:11:00:00:01";
	      g.record = "bc:24:11:00:00:01");
}

TEST(deploy_guests_that_say_nothing)
{
	/* a clone of a guest, a user's, one of another cluster, a template */
	CLAIM(-1, g.recorded = NULL; g.mark.vmid = 104);
	CLAIM(-1, g.recorded = NULL; g.bare = true);
	CLAIM(-1, g.recorded = NULL; g.mark.cluster = (char *)"other");
	CLAIM(-1, g.recorded = NULL; g.template = true);
	/* what a clone that failed leaves behind */
	CLAIM(-1, g.record = NULL; g.bare = true);
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
							  .claim = strcmp(key, KEY) ? DEPLOY_STRANGER : DEPLOY_OURS,
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
	CLEANUP(free_p) char *stopped = plan_text(&l, deploy_plan);
	CHECK_STR(stopped, "start VM 105 cp1 on pve1 (it is ready, but stopped)\n");
	g->running = true;
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
	struct deploy_guest *ready = add_guest(&l, 106, "cp1", KEY);
	ready->record.state = NODE_RECORD_READY;
	ready->running = true;
	add_guest(&l, 107, "cp1", "ffffffffffff");
	CHECK(deploy_plan_guest(&l.state, "cp1")->vmid == 106);
	CHECK(deploy_state_first(&l.state, DEPLOY_STRANGER)->vmid == 107);
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
	add_guest(&l, 108, "cp1", KEY)->claim = DEPLOY_LOST;
	add_guest(&l, 109, "cp1", KEY)->claim = DEPLOY_UNRECORDED;
	CLEANUP(free_p) char *text = plan_text(&l, destroy_plan);
	CHECK_STR(text, "delete token kiln_lab_cp1_" KEY "\nstop VM 105 cp1 on pve1\n"
			"remove VM 105 cp1 with its disks on pve1\n"
			"remove VM 106 gone-from-the-file with its disks on pve1\n"
			"delete local:iso/nodekiln_lab_cp1_" KEY ".iso on pve1\n");
}

/* Without the key of the notes, what has the cluster's name may be anybody's. */
TEST(destroy_plan_without_a_key)
{
	CLEANUP(lab_done) struct lab l = { 0 };

	CHECK(lab_open(&l, VM));
	l.order.key[0] = '\0';
	add_token(&l, "cp1", 0);
	add_volume(&l, "cp1", 400000);
	add_guest(&l, 105, "cp1", "ffffffffffff");
	CLEANUP(free_p) char *text = plan_text(&l, destroy_plan);
	CHECK_STR(text, "");
}
