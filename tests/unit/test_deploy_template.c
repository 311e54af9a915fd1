/* SPDX-License-Identifier: Apache-2.0 */
/* Which template a VM is cloned from: a node with templates of the publisher and of other people (pve_stub.h). */
#include "builder/deploy/deploy_template.h"

#include "builder/publish/publish_notes.h"
#include "tests/unit/pve_stub.h"

#define NODE "/nodes/pve1"
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define UUID "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"
#define OTHER_UUID "7f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"
#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OLD "2026-11-01T00:00:00Z"
#define NEW "2026-11-28T00:00:00Z"

/* A template; what is 0 is as the publisher makes it. */
struct vm {
	long vmid;
	const char *name, *image, *sha256, *published; /* NULL = IMAGE, debian-13, SHA_A, OLD */
	const char *key, *node, *pool, *uuid, *tags;   /* NULL = KEY, pve1, k8s, UUID, nodekiln */
	long says;                                     /* the VMID in the notes; 0 = its own */
	bool bare, unfinished, guest;                  /* without a line; not a template */
};

static const char *given(const char *s, const char *otherwise)
{
	return s ? s : otherwise;
}

static struct strings kept; /* what the stub answers */

static void add_vm(const struct vm *v, struct text *list)
{
	struct publish_notes p = {
		.image = (char *)given(v->image, "debian-13"),
		.version = (char *)"1.37.2",
		.vmid = v->says ? v->says : v->vmid,
		.ready = !v->unfinished,
		.settings = (char *)"s",
		.published = (char *)given(v->published, OLD),
		.node = (char *)given(v->node, "pve1"),
		.pool = (char *)given(v->pool, "k8s"),
		.uuid = (char *)UUID,
	};
	CLEANUP(json_free_p) struct json *config = json_object();
	const char *name = given(v->name, "IMAGE");
	struct text text = { 0 };
	char *path = xasprintf("GET " NODE "/qemu/%ld/config", v->vmid);

	snprintf(p.sha256, sizeof p.sha256, "%s", given(v->sha256, SHA_A));
	CLEANUP(free_p) char *line = publish_notes_line(&p, given(v->key, KEY));
	json_put_string(config, "description", v->bare ? "People's words" : line);
	json_put_string(config, "name", name);
	json_put_stringf(config, "smbios1", "uuid=%s", given(v->uuid, UUID));
	json_put_string(config, "tags", given(v->tags, "nodekiln"));
	if (!v->guest)
		json_put_int(config, "template", 1);
	json_print(config, false, &text);
	strings_own(&kept, path);
	strings_own(&kept, text.data);
	pve_stub_add(path, PVE_OK, text.data);
	text_addf(list, "%s{\"vmid\":%ld,\"name\":\"%s\",\"tags\":\"%s\"%s}", list->len > 1 ? "," : "", v->vmid, name,
		  given(v->tags, "nodekiln"), v->guest ? "" : ",\"template\":1");
}

#define VM(number, ...)                                                                                                \
	{                                                                                                              \
		.vmid = (number), __VA_ARGS__                                                                          \
	}
#define CASE(called, template, digest, found, error, ...)                                                              \
	{                                                                                                              \
		.name = (called), .wanted = (template), .sha256 = (digest), .vmid = (found), .says = (error),          \
		.vms = { __VA_ARGS__ }                                                                                 \
	}

/* What is wanted, and what comes of it. The target's range is above 9000 where a VMID is near. */
static const struct template_case {
	const char *name, *wanted, *sha256;
	struct vm vms[4];
	long vmid;        /* 0 = an error */
	const char *says; /* a part of the error */
} cases[] = {
	CASE("the newest of the image", "debian-13", NULL, 101, "", VM(100), VM(101, .published = NEW),
	     VM(102, .image = "x")),
	CASE("by VMID", "100", NULL, 100, "", VM(100), VM(101, .published = NEW)),
	CASE("by name", "IMAGE", NULL, 100, "", VM(100), VM(101, .name = "other")),
	CASE("the only image", NULL, NULL, 101, "", VM(100), VM(101, .published = NEW)),
	CASE("of a digest", "debian-13", SHA_A, 100, "", VM(100), VM(101, .published = NEW, .sha256 = SHA_B)),
	CASE("none", "debian-13", NULL, 0, "node pve1 has no template debian-13 that", VM(0)),
	/* ambiguous */
	CASE("two of a name", "IMAGE", NULL, 0, "more than one template IMAGE (VM 100 IMAGE, sha256 aaaa", VM(100),
	     VM(101)),
	CASE("two images", NULL, NULL, 0, "more than one template (VM 1", VM(100), VM(101, .image = "x")),
	CASE("two of a moment", "debian-13", NULL, 0, "name one by its VMID", VM(100), VM(101, .sha256 = SHA_B)),
	CASE("image and name", "debian-13", NULL, 0, "more than one", VM(100),
	     VM(101, .image = "x", .name = "debian-13")),
	/* other people's */
	CASE("forged, the newest", "debian-13", NULL, 100, "", VM(100), VM(101, .published = NEW, .key = OTHER_KEY)),
	CASE("forged, alone", "debian-13", NULL, 0, "VM 101 does not count: its notes are not signed",
	     VM(101, .key = OTHER_KEY)),
	CASE("called so", "debian-13", NULL, 100, "", VM(100), VM(101, .name = "debian-13", .bare = true)),
	CASE("called so, alone", "debian-13", NULL, 0, "its notes do not say",
	     VM(101, .name = "debian-13", .bare = true)),
	CASE("a clone's notes", "debian-13", NULL, 100, "", VM(100), VM(101, .says = 100, .uuid = OTHER_UUID)),
	CASE("notes of one that is gone", "100", NULL, 0, "are not signed", VM(100, .uuid = OTHER_UUID)),
	CASE("of another node", "100", NULL, 0, "are not signed", VM(100, .node = "pve2")),
	CASE("without the tag", "100", NULL, 0, "it has no tag nodekiln", VM(100, .tags = "x")),
	CASE("of another pool", "100", NULL, 0, "not published into the target's pool", VM(100, .pool = "other")),
	CASE("unfinished", "100", NULL, 0, "it is unfinished", VM(100, .unfinished = true)),
	CASE("a guest", "100", NULL, 0, "has no template 100", VM(100, .guest = true)),
	CASE("outside of the range", "8999", NULL, 0, "outside of the target's `vmids`", VM(8999)),
	CASE("inside of the range", "9000", NULL, 9000, "", VM(9000)),
	CASE("another digest", "100", SHA_B, 0, "its image is not `template_sha256`", VM(100)),
	/* from before they were signed */
	CASE("a digest alone", "debian-13", SHA_A, 0, "or name its VMID (`template`) and", VM(100, .key = OTHER_KEY)),
	CASE("VMID and digest", "100", SHA_A, 100, "", VM(100, .key = OTHER_KEY)),
	CASE("VMID, other digest", "100", SHA_B, 0, "its image is not `template_sha256`", VM(100, .key = OTHER_KEY)),
	CASE("VMID and digest, no pool", "101", SHA_A, 0, "does not see that it is in the target's pool",
	     VM(101, .key = OTHER_KEY)),
};

static int find(const struct template_case *c, struct deploy_template *ret, struct error *err)
{
	struct cluster cluster = {
		.template = (char *)c->wanted,
		.template_sha256 = (char *)c->sha256,
		.target = { .pool = (char *)"k8s", .notes_key = (char *)KEY },
	};
	const struct deploy_order order = { .cluster = &cluster };
	const struct cluster_node node = { .name = (char *)"cp1" };
	struct text list = { 0 };

	cluster.target.vmid_from = c->vms[0].vmid > 1000 ? 9000 : 0;
	cluster.target.vmid_to = c->vms[0].vmid > 1000 ? 9099 : 0;
	pve_stub_reset();
	strings_done(&kept);
	text_add(&list, "[");
	for (size_t i = 0; i < ARRAY_SIZE(c->vms) && c->vms[i].vmid; i++)
		add_vm(&c->vms[i], &list);
	text_add(&list, "]");
	strings_own(&kept, list.data);
	pve_stub_add("GET " NODE "/qemu", PVE_OK, list.data);
	pve_stub_add("GET /cluster/resources", PVE_OK,
		     "[{\"type\":\"qemu\",\"vmid\":100,\"node\":\"pve1\",\"pool\":\"k8s\"},"
		     "{\"type\":\"qemu\",\"vmid\":101,\"node\":\"pve1\"}]");
	*err = (struct error){ 0 };
	return deploy_template_find(&pve_stub.pve, &order, &node, "pve1", ret, err);
}

TEST(deploy_template_choice)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct template_case *c = &cases[i];
		CLEANUP(deploy_template_done) struct deploy_template found = { 0 };
		struct error err;
		printf("# %s\n", c->name);
		int rc = find(c, &found, &err);
		CHECK_STR(rc < 0 && c->vmid ? err.text : "", "");
		CHECK(found.vmid == c->vmid && (rc < 0) == !c->vmid);
		CHECK(rc == 0 || (err.class == ERROR_TARGET && strstr(err.text, c->says)));
	}
	pve_stub_reset();
	strings_done(&kept);
}

TEST(deploy_template_is_named_in_full)
{
	CLEANUP(deploy_template_done) struct deploy_template found = { 0 }, weak = { 0 };
	CLEANUP(text_done) struct text good = { 0 }, text = { 0 };
	struct error err;

	CHECK(find(&cases[0], &found, &err) == 0);
	deploy_template_text(&found, &good);
	CHECK_STR(good.data, "VM 101 IMAGE, sha256 " SHA_A ", published " NEW);
	const struct template_case unsigned_one = CASE("", "100", SHA_A, 100, "", VM(100, .key = OTHER_KEY));
	CHECK(find(&unsigned_one, &weak, &err) == 0);
	deploy_template_text(&weak, &text);
	CHECK_STR(text.data, "VM 100 IMAGE, sha256 " SHA_A ", not signed");
	pve_stub_reset();
	strings_done(&kept);
}
