/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/publish/: what there is (NAME.json) and the plan that follows (NAME.txt). UPDATE_GOLDEN=1 writes the latter; read the
 * difference. A copy in there is an object: vmid, and where it differs from a finished one of the image: sha ("b" = 64 of it),
 * version, firmware, ready, template, settings, source, published, ct (as sha), tags, lock, signed (false: by another key), node,
 * uuid (of the guest).
 */
#include "tests/unit/check.h"

#include <dirent.h>

#include "builder/publish/publish_vm.h"
#include "builder/pve/target_check.h"
#include "lib/file.h"
#include "lib/pve_task.h"

#define FOLDER "tests/golden/publish"
#define NOW 1800000000
#define NOTES_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER_KEY "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define UUID "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"

static char sha_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void repeat(char letter, char ret[SHA256_HEX])
{
	memset(ret, letter, SHA256_HEX - 1);
	ret[SHA256_HEX - 1] = '\0';
}

static struct publish_image image = {
	.name = (char *)"debian-12-k8s",
	.version = (char *)"1.20.2",
	.description = (char *)"A node",
	.warning = (char *)"For tests",
	.stem = (char *)"debian-12-k8s-1.20.2-aaaaaaaaaaaa",
	.vm = { .path = (char *)"x.qcow2", .volume = (char *)"debian-12-k8s-1.20.2-aaaaaaaaaaaa.qcow2", .size = 1000 },
	.ct = { .path = (char *)"x.tar.zst",
		.volume = (char *)"debian-12-k8s-1.20.2-cccccccccccc.tar.zst",
		.size = 2000 },
	.stored = 3000,
};

static struct target target = {
	.file = (char *)"pve.yaml",
	.url = (char *)"https://pve.example:8006",
	.token_id = (char *)"nodekiln@pve!ci",
	.storages = { .import = (char *)"local",
		      .vztmpl = (char *)"local",
		      .disks = (char *)"local-lvm",
		      .seeds = (char *)"local" },
	.pool = (char *)"k8s",
	.bridge = (char *)"vmbr0",
	.zone = (char *)"localnetwork",
	.notes_key = (char *)NOTES_KEY,
};

static int read_golden(const char *name, const char *suffix, struct text *ret)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s%s", name, suffix);
	struct error err = { 0 };

	return file_read(AT_FDCWD, file, 1 << 20, ret, &err);
}

static bool is_golden(const char *name, const struct text *got)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.txt", name);
	CLEANUP(text_done) struct text want = { 0 };
	struct error err = { 0 };
	const char *have = got->data ? got->data : "";

	if (getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, have, got->len, 0644, &err) < 0)
		return false;
	if (read_golden(name, ".txt", &want) == 0 && text_same(have, want.data ? want.data : ""))
		return true;
	printf("# %s: got:\n%s", file, have);
	return false;
}

static const char *word(const struct json *o, const char *key, const char *otherwise)
{
	const char *s = json_get_string(o, key);

	return s ? s : otherwise;
}

static bool flag(const struct json *o, const char *key, bool otherwise)
{
	bool b = otherwise;

	(void)json_get_bool(o, key, &b);
	return b;
}

static long number(const struct json *o, const char *key, long otherwise)
{
	int64_t n;

	return json_get_int(o, key, &n) ? (long)n : otherwise;
}

static void add_copy(const struct publish_order *o, const struct json *entry, struct publish_state *state)
{
	CLEANUP(json_free_p) struct json *config = json_object();
	char settings[PUBLISH_NOTES_HASH + 1];
	struct publish_notes p = {
		.image = (char *)word(entry, "image", image.name),
		.version = (char *)word(entry, "version", image.version),
		.firmware = text_same(word(entry, "firmware", "bios"), "uefi"),
		.vmid = number(entry, "says", number(entry, "vmid", 0)),
		.ready = flag(entry, "ready", true),
		.source = number(entry, "source", 5),
		.published = (char *)word(entry, "published", "2026-11-22T12:00:00Z"),
		.node = (char *)word(entry, "node", "pve1"),
		.pool = target.pool,
		.uuid = (char *)UUID,
	};

	publish_settings(o, settings);
	p.settings = (char *)word(entry, "settings", settings);
	repeat(*word(entry, "sha", "a"), p.sha256);
	if (json_get_string(entry, "ct"))
		repeat(*json_get_string(entry, "ct"), p.ct);
	CLEANUP(free_p)
	char *notes = publish_notes_print(&p, flag(entry, "signed", true) ? NOTES_KEY : OTHER_KEY, "words");
	CLEANUP(free_p) char *tags = publish_notes_tags(&p, o->node, &target.tags);
	json_put_string(config, "description", notes);
	json_put_stringf(config, "smbios1", "uuid=%s", word(entry, "uuid", UUID));
	json_put_string(config, "tags", word(entry, "tags", tags));
	if (flag(entry, "template", true))
		json_put_int(config, "template", 1);
	if (json_get_string(entry, "lock"))
		json_put_string(config, "lock", json_get_string(entry, "lock"));
	publish_state_add_copy(state, number(entry, "vmid", 0), config, o->node, image.name, target.notes_key);
}

static void read_state(const struct publish_order *o, const struct json *input, struct publish_state *state)
{
	const struct json *copies = json_get(input, "copies"), *tasks = json_get(input, "tasks");
	CLEANUP(strings_done) struct strings upids = { 0 };

	for (size_t i = 0; i < json_count(copies); i++)
		add_copy(o, json_at(copies, i), state);
	publish_volumes_parse(json_get(input, "import"), image.name, ".qcow2", &state->import);
	publish_volumes_parse(json_get(input, "vztmpl"), image.name, ".tar.zst", &state->vztmpl);
	pve_task_parse_list(tasks, &upids);
	for (size_t i = 0; i < upids.n; i++)
		if (pve_task_is_own(upids.at[i], target.token_id, publish_state_awaited))
			strings_add(&state->tasks, upids.at[i]);
}

static void read_order(const struct json *input, struct publish_order *o, struct publish_memory *m)
{
	const struct json *kept = json_get(input, "kept"), *skipped = json_get(input, "skipped");

	*o = (struct publish_order){
		.image = &image,
		.target = &target,
		.storages = &target.storages,
		.node = "pve1",
		.firmware = text_same(word(input, "firmware", "bios"), "uefi"),
		.replace = flag(input, "replace", false),
		.retain = number(input, "retain", 0),
		.may_discard = flag(input, "may_discard", false) ? PUBLISH_VM | PUBLISH_CT : 0,
		.keep_import = flag(input, "keep_import", false),
		.now = NOW,
	};
	m->own = number(input, "own", 0);
	m->known = number(input, "known", 0);
	m->pauses = (unsigned)number(input, "pauses", 0);
	m->uploaded = (unsigned)number(input, "uploaded", 0);
	for (size_t i = 0; i < json_count(kept); i++)
		vec_push(&m->kept, number(json_at(kept, i), "vmid", 0));
	for (size_t i = 0; i < json_count(skipped); i++)
		vec_push(&m->skipped, number(json_at(skipped, i), "vmid", 0));
}

static bool plan_is_golden(const char *name)
{
	CLEANUP(text_done) struct text file = { 0 }, got = { 0 };
	CLEANUP(json_free_p) struct json *input = NULL;
	CLEANUP(publish_state_done) struct publish_state state = { 0 };
	CLEANUP(publish_steps_done) struct publish_steps steps = { 0 };
	CLEANUP(publish_memory_done) struct publish_memory memory = { 0 };
	struct publish_order order;
	struct error err = { 0 };

	if (read_golden(name, ".json", &file) < 0 || json_parse(name, file.data, file.len, &input, &err) < 0)
		return false;
	read_order(input, &order, &memory);
	read_state(&order, input, &state);
	publish_memory_begin(&memory, &order, &state);
	publish_plan(&order, &state, &memory, &steps);
	for (size_t i = 0; i < steps.n; i++) {
		publish_step_text(&order, &steps.at[i], &got);
		text_add(&got, "\n");
	}
	return is_golden(name, &got);
}

TEST(publish_plan_golden)
{
	CLEANUP(closedir_p) DIR *folder = opendir(FOLDER);
	size_t n = 0;

	memcpy(image.vm.sha256, sha_a, SHA256_HEX);
	repeat('c', image.ct.sha256);
	CHECK(folder);
	for (struct dirent *e; (e = readdir(folder));) {
		if (!text_ends(e->d_name, ".json"))
			continue;
		CLEANUP(free_p) char *name = xstrndup(e->d_name, strlen(e->d_name) - strlen(".json"));
		CHECK(plan_is_golden(name));
		n++;
	}
	CHECK(n >= 20);
}

TEST(publish_vm_params_golden)
{
	CLEANUP(publish_params_done) struct publish_params params = { 0 }, uefi = { 0 };
	CLEANUP(text_done) struct text got = { 0 };
	struct publish_order order = {
		.image = &image, .target = &target, .storages = &target.storages, .node = "pve1", .now = NOW
	};

	memcpy(image.vm.sha256, sha_a, SHA256_HEX);
	publish_vm_params(&order, 9000, 5, UUID, &params);
	for (const struct pve_param *p = params.at; p->name; p++)
		text_addf(&got, "%s=%s\n", p->name, p->value);
	CHECK(is_golden("hardware", &got));
	order.firmware = FIRMWARE_UEFI;
	publish_vm_params(&order, 9000, 5, UUID, &uefi);
	CHECK(uefi.n == params.n + 3 && uefi.n < PUBLISH_PARAMS_MAX);
}

TEST(publish_notes_round_trip)
{
	CLEANUP(publish_notes_done) struct publish_notes p = { 0 };
	struct publish_notes said = {
		.image = (char *)"a\"b",
		.version = (char *)"1",
		.vmid = 7,
		.settings = (char *)"s",
		.source = 9,
		.published = (char *)"d",
		.firmware = FIRMWARE_UEFI,
		.node = (char *)"pve1",
		.uuid = (char *)UUID,
	};

	memcpy(said.sha256, sha_a, SHA256_HEX);
	CLEANUP(free_p) char *first = publish_notes_print(&said, NOTES_KEY, "people's words\nmore of them");
	said.ready = true;
	CLEANUP(free_p) char *theirs = xasprintf("%s\nbelow", first);
	CLEANUP(free_p) char *second = publish_notes_print(&said, NOTES_KEY, theirs);
	CHECK(text_starts(second, "people's words\nmore of them\n\nnodekiln-template: {") &&
	      text_ends(second, "}\nbelow"));
	CHECK(publish_notes_parse(second, NOTES_KEY, &p));
	CHECK(p.good && !p.pool && !*p.ct && !strcmp(p.uuid, UUID));
	CHECK(p.ready && p.vmid == 7 && p.source == 9 && p.firmware == FIRMWARE_UEFI);
	CHECK_STR(p.image, "a\"b");
}

static bool proves(const struct publish_notes *said, const char *key, long vmid, const char *node, const char *uuid)
{
	CLEANUP(publish_notes_done) struct publish_notes p = { 0 };
	CLEANUP(json_free_p) struct json *config = json_object();
	CLEANUP(free_p) char *notes = publish_notes_print(said, NOTES_KEY, "");

	json_put_string(config, "smbios1", uuid);
	return publish_notes_parse(notes, key, &p) && publish_notes_prove(&p, vmid, node, config);
}

TEST(publish_notes_prove_one_guest)
{
	struct publish_notes said = {
		.image = (char *)"a",
		.version = (char *)"1",
		.vmid = 7,
		.settings = (char *)"s",
		.published = (char *)"d",
		.node = (char *)"pve1",
		.uuid = (char *)UUID,
	};

	memcpy(said.sha256, sha_a, SHA256_HEX);
	CHECK(proves(&said, NOTES_KEY, 7, "pve1", "base64=1,uuid=" UUID));
	CHECK(!proves(&said, OTHER_KEY, 7, "pve1", "uuid=" UUID) && !proves(&said, NULL, 7, "pve1", "uuid=" UUID));
	/* a clone, a copy of the notes, another machine with the VMID of one that is gone */
	CHECK(!proves(&said, NOTES_KEY, 8, "pve1", "uuid=" UUID));
	CHECK(!proves(&said, NOTES_KEY, 7, "pve2", "uuid=" UUID));
	CHECK(!proves(&said, NOTES_KEY, 7, "pve1", "uuid=7f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"));
	CHECK(!proves(&said, NOTES_KEY, 7, "pve1", "serial=" UUID) && !proves(&said, NOTES_KEY, 7, "pve1", NULL));
	said.uuid = NULL;
	CHECK(!proves(&said, NOTES_KEY, 7, "pve1", NULL));
}

TEST(publish_notes_of_others)
{
	static const char *const others[] = {
		"",
		"nodekiln: {\"role\":\"init\"}",
		"see nodekiln-template: {}",
		"nodekiln-template: {}",
		"nodekiln-template: {\"vmid\":7",
		"nodekiln-template: "
		"{\"image\":\"a\",\"version\":\"1\",\"sha256\":\"short\",\"firmware\":\"bios\",\"vmid\":1,"
		"\"settings\":\"\",\"published\":\"\"}",
	};
	struct publish_notes p = { 0 };

	CHECK(!publish_notes_parse(NULL, NOTES_KEY, &p));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		CHECK(!publish_notes_parse(others[i], NOTES_KEY, &p));
}

TEST(publish_notes_is_file_of_one_image)
{
	CHECK(publish_notes_is_file("debian-1.20.2-0c9697bfab6d.qcow2", "debian", ".qcow2"));
	CHECK(!publish_notes_is_file("debian-12-1.20.2-0c9697bfab6d.qcow2", "debian", ".qcow2"));
	CHECK(!publish_notes_is_file("debian-1.20.2-0c9697bfab6d.qcow2", "debian", ".tar.zst"));
	CHECK(!publish_notes_is_file("debian-1.20.2-0c9697bfab6x.qcow2", "debian", ".qcow2"));
	CHECK(!publish_notes_is_file("debian--0c9697bfab6d.qcow2", "debian", ".qcow2"));
	CHECK(!publish_notes_is_file("debian.qcow2", "debian", ".qcow2"));
	CHECK(!publish_notes_is_file("debian-.qcow2", "debian", ".qcow2"));
}

TEST(publish_notes_is_file_of_a_digest)
{
	CHECK(publish_notes_is_file_of("debian-1.20.2-aaaaaaaaaaaa.qcow2", ".qcow2", sha_a));
	CHECK(!publish_notes_is_file_of("debian-1.20.2-aaaaaaaaaaab.qcow2", ".qcow2", sha_a));
	CHECK(!publish_notes_is_file_of("debian-1.20.2-aaaaaaaaaaaa.tar.zst", ".qcow2", sha_a));
	CHECK(!publish_notes_is_file_of("debian-1.20.2-.qcow2", ".qcow2", ""));
}

TEST(publish_state_candidates)
{
	static const struct {
		const char *entry;
		bool is;
	} cases[] = {
		{ "{\"name\":\"debian-12-k8s-1\"}", true },
		{ "{\"name\":\"VM 100\",\"template\":1,\"tags\":\"nodekiln;x\"}", true },
		{ "{\"name\":\"node-1\",\"tags\":\"nodekiln\"}", false },
		{ "{\"name\":\"other\",\"template\":1}", false },
		{ "{}", false },
	};
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(json_free_p) struct json *entry = NULL;
		CHECK(json_parse("x", cases[i].entry, strlen(cases[i].entry), &entry, &err) == 0);
		CHECK(publish_state_is_candidate(entry, image.name) == cases[i].is);
	}
}

/* 0 says that a right is held here and not below: it is held. */
