/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "builder/disk/disk.h"
#include "builder/source/source.h"
#include "lib/alloc.h"
#include "lib/macro.h"
#include "lib/text.h"

#define LABEL_WIDTH 12
#define LINE_WIDTH 100

static bool always(const struct recipe *r)
{
	(void)r;
	return true;
}

static bool compiles_kubernetes(const struct recipe *r)
{
	return recipe_has_source(r, COMPONENT_DEBIAN_SOURCE);
}

static bool compiles_components(const struct recipe *r)
{
	return recipe_has_source(r, COMPONENT_GO_MODULES) || recipe_has_source(r, COMPONENT_C);
}

static bool preloads(const struct recipe *r)
{
	return r->images.control_plane || r->images.archives.n || source_has_images(r);
}

static bool has_vm(const struct recipe *r)
{
	return r->outputs.qcow2;
}

static bool has_lxc(const struct recipe *r)
{
	return r->outputs.tarball;
}

static bool has_extra(const struct recipe *r)
{
	return r->extra_packages.n;
}

/* In the order of build.h. */
static const struct {
	const char *name;
	bool (*applies)(const struct recipe *);
	const char *what;
} steps[] = {
	{ "resolve", always, "apt's solver pins every package by version and sha256" },
	{ "fetch", always, "packages that are not in the cache are downloaded and verified" },
	{ "toolchain", always, "a tree of this suite with a compiler; the agent is compiled in it" },
	{ "components", compiles_components,
	  "components are compiled in a tree with Go (minutes the first time, then cached), and packed as images" },
	{ "kubernetes", compiles_kubernetes,
	  "Kubernetes is compiled in the toolchain tree (minutes the first time, then cached)" },
	{ "base", always, "the packages of both artifacts are unpacked and configured once" },
	{ "images", preloads, "container images are imported into the runtime's store" },
	{ "vm", has_vm, "the VM's own packages and overlays, on top of base" },
	{ "lxc", has_lxc, "the container's own packages and overlays, on top of base" },
	{ "extra", has_extra, "the extra packages, on top of each" },
	{ "seal", always, "machine-id, keys, logs, caches and seeds are removed" },
	{ "disk", has_vm, "GPT, boot loader and file system are written, then compressed to qcow2" },
	{ "tarball", has_lxc, "the container template is packed" },
	{ "outputs", always, "all artifacts and their metadata appear together in the output directory" },
};

/* The suites that apt reads: bookworm, bookworm-updates, bookworm-security. */
static void suites(const struct recipe *r, struct strings *ret)
{
	strings_add(ret, r->distribution.suite);
	if (r->distribution.updates)
		strings_addf(ret, "%s-updates", r->distribution.suite);
	if (r->distribution.security)
		strings_addf(ret, "%s-security", r->distribution.suite);
}

static const char *mirror(const struct plan *p)
{
	return p->mirror.archive ? p->mirror.archive : p->recipe->distribution.mirror;
}

/* Owned by the caller; NULL when the host's apt sources decide, or there are none. */
static char *security_mirror(const struct plan *p)
{
	const struct recipe *r = p->recipe;
	const char *named = p->mirror.security ? p->mirror.security : r->distribution.security_mirror;

	if (!r->distribution.security)
		return NULL;
	return named || !mirror(p) ? xstrdup_or_null(named) : mirror_security(mirror(p), r->distribution.id);
}

static void artifacts(const struct plan *p, struct strings *ret)
{
	const struct recipe *r = p->recipe;

	if (r->outputs.qcow2)
		strings_addf(ret, "%s/%s.qcow2", p->out, r->name);
	if (r->outputs.tarball)
		strings_addf(ret, "%s/%s.tar%s", p->out, r->name,
			     r->outputs.tarball_compression == COMPRESSION_ZSTD ? ".zst" : "");
	strings_addf(ret, "%s/%s.manifest.json", p->out, r->name);
	strings_addf(ret, "%s/%s.spdx.json", p->out, r->name);
	strings_addf(ret, "%s/%s.provenance.json", p->out, r->name);
	strings_addf(ret, "%s/SHA256SUMS", p->out);
}

/* Only the sizes are used. UUIDs depend on the lock, which a plan does not have; here they are made from the name. */
static int layout(const struct recipe *r, struct disk_plan *ret, struct error *err)
{
	*ret = (struct disk_plan){ 0 };
	if (!r->outputs.qcow2)
		return 0;
	return disk_plan(r, r->name, ret, err);
}

static void add_label(struct text *t, const char *label)
{
	text_addf(t, "%-*s", LABEL_WIDTH, label);
}

/* "label  a b c", folded at LINE_WIDTH. */
static void add_words(struct text *t, const char *label, const char *title, const struct strings *words)
{
	size_t column = LABEL_WIDTH + strlen(title);

	if (!words->n)
		return;
	add_label(t, label);
	text_add(t, title);
	for (size_t i = 0; i < words->n; i++) {
		size_t len = strlen(words->at[i]) + 1;

		if (column + len > LINE_WIDTH) {
			text_addf(t, "\n%*s", LABEL_WIDTH + 2, "");
			column = LABEL_WIDTH + 2;
		}
		text_addf(t, "%s%s", i || *title ? " " : "", words->at[i]);
		column += len;
	}
	text_add(t, "\n");
}

/* Returns the label of the next line: "" once label has been printed. */
static const char *add_set(struct text *t, const char *label, const char *set, const struct strings *words)
{
	CLEANUP(free_p) char *title = xasprintf("%s (%zu):", set, words->n);

	add_words(t, label, title, words);
	return words->n ? "" : label;
}

static const char *add_sets(struct text *t, const char *label, const struct strings lists[SETS])
{
	for (int set = 0; set < SETS; set++)
		label = add_set(t, label, set_names[set], &lists[set]);
	return label;
}

static void add_sources(struct text *t, const struct plan *p)
{
	const struct recipe *r = p->recipe;
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(free_p) char *security = security_mirror(p);

	suites(r, &names);
	add_words(t, "sources", r->distribution.id, &names);
	add_label(t, "");
	text_addf(t, "from %s%s%s, signed by a key in %s\n",
		  mirror(p) ? mirror(p) : "the mirror of the host's apt sources", security ? " and " : "",
		  security ? security : "", r->distribution.keyring);
	for (size_t i = 0; i < r->repositories.n; i++) {
		const struct repository *repository = &r->repositories.at[i];

		add_label(t, "");
		text_addf(t, "%s %s, signed by %s\n", repository->url, repository->suite,
			  repository->key_fingerprint ? repository->key_fingerprint : repository->keyring);
	}
}

static void add_runtime(struct text *t, const struct recipe *r)
{
	add_label(t, "runtime");
	text_addf(t, "%s\n", runtime_names[r->runtime]);
}

/* "LABEL  NAME VERSION from SOURCE", one a line. */
static void add_components(struct text *t, const struct recipe *r)
{
	for (size_t i = 0; i < r->components.n; i++) {
		const struct component *c = &r->components.at[i];
		add_label(t, i ? "" : "components");
		text_addf(t, "%s %s from %s\n", c->name, c->version ? c->version : "",
			  component_source_names[c->source]);
		for (size_t k = 0; k < c->images.n; k++) {
			add_label(t, "");
			text_addf(t, "  image %s, preloaded\n", c->images.at[k].name);
		}
	}
}

static void add_kubernetes(struct text *t, const struct recipe *r)
{
	bool component = recipe_component(r, "kubernetes");

	if (!component)
		add_label(t, "kubernetes");
	if (!component && r->kubernetes.source == KUBERNETES_NONE)
		text_add(t, "none\n");
	else if (!component)
		text_addf(t, "%s from %s\n", r->kubernetes.version, kubernetes_source_names[r->kubernetes.source]);
	for (size_t i = 0; i < r->kubernetes.binaries.n; i++) {
		add_label(t, "");
		text_addf(t, "%s to %s\n", r->kubernetes.binaries.at[i].url, r->kubernetes.binaries.at[i].path);
	}
	add_runtime(t, r);
	if (r->images.control_plane) {
		add_label(t, "images");
		text_add(t, "the compiled control plane, etcd and pause\n");
	}
	add_words(t, "images", "", &r->images.archives);
}

static void add_disk(struct text *t, const struct recipe *r, const struct disk_plan *disk)
{
	if (!r->outputs.qcow2)
		return;
	add_label(t, "disk");
	text_addf(t, "%s, GPT, boots under %s%s%s\n", text_bytes(disk->size), disk->bios ? "BIOS" : "",
		  disk->bios && disk->uefi ? " and " : "", disk->uefi ? "UEFI" : "");
	for (int i = 0; i < DISK_PARTITIONS; i++) {
		const struct disk_partition *part = &disk->partition[i];

		add_label(t, "");
		text_addf(t, "%2u %-5s %9s at %s\n", part->number, part->name, text_bytes(part->size),
			  text_bytes(part->start));
	}
}

static void add_steps(struct text *t, const struct recipe *r)
{
	const char *label = "steps";

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!steps[i].applies(r))
			continue;
		add_label(t, label);
		text_addf(t, "%-10s %s\n", steps[i].name, steps[i].what);
		label = "";
	}
}

static void add_artifacts(struct text *t, const struct plan *p)
{
	CLEANUP(strings_done) struct strings files = { 0 };

	artifacts(p, &files);
	for (size_t i = 0; i < files.n; i++) {
		add_label(t, i ? "" : "outputs");
		text_addf(t, "%s\n", files.at[i]);
	}
}

static void add_life_warnings(struct text *ret, const struct plan *plan)
{
	CLEANUP(strings_done) struct strings warnings = { 0 };

	if (plan->now)
		recipe_life_warnings(plan->recipe, plan->now, &warnings);
	for (size_t i = 0; i < warnings.n; i++) {
		add_label(ret, "WARNING");
		text_addf(ret, "%s\n", warnings.at[i]);
	}
}

int plan_text(const struct plan *plan, struct text *ret, struct error *err)
{
	const struct recipe *r = plan->recipe;
	struct disk_plan disk;

	if (layout(r, &disk, err) < 0)
		return -1;
	add_label(ret, "recipe");
	text_addf(ret, "%s%s%s\n", r->name, r->description ? ": " : "", r->description ? r->description : "");
	if (r->warning) {
		add_label(ret, "WARNING");
		text_addf(ret, "%s\n", r->warning);
	}
	add_life_warnings(ret, plan);
	add_sources(ret, plan);
	add_components(ret, r);
	add_kubernetes(ret, r);
	add_set(ret, add_sets(ret, "packages", r->packages), "extra", &r->extra_packages);
	add_sets(ret, "overlays", r->overlays);
	add_sets(ret, "units", r->units);
	add_disk(ret, r, &disk);
	add_artifacts(ret, plan);
	add_steps(ret, r);
	return 0;
}

static struct json *disk_json(const struct disk_plan *disk)
{
	struct json *object = json_object(), *partitions = json_array();

	json_put_int(object, "size", (int64_t)disk->size);
	for (int i = 0; i < DISK_PARTITIONS; i++) {
		struct json *partition = json_object();

		json_put_int(partition, "number", disk->partition[i].number);
		json_put_string(partition, "name", disk->partition[i].name);
		json_put_int(partition, "start", (int64_t)disk->partition[i].start);
		json_put_int(partition, "size", (int64_t)disk->partition[i].size);
		json_push(partitions, partition);
	}
	json_put(object, "partitions", partitions);
	return object;
}

static struct json *steps_json(const struct recipe *r)
{
	struct json *array = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct json *step;

		if (!steps[i].applies(r))
			continue;
		step = json_object();
		json_put_string(step, "name", steps[i].name);
		json_put_string(step, "what", steps[i].what);
		json_push(array, step);
	}
	return array;
}

int plan_json(const struct plan *plan, struct json **ret, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 }, files = { 0 };
	CLEANUP(free_p) char *security = security_mirror(plan);
	struct json *object;
	struct disk_plan disk;

	if (layout(plan->recipe, &disk, err) < 0)
		return -1;
	object = json_object();
	suites(plan->recipe, &names);
	artifacts(plan, &files);
	json_put(object, "recipe", recipe_json(plan->recipe));
	json_put_strings(object, "suites", &names);
	json_put_string(object, "mirror", mirror(plan));
	json_put_string(object, "security_mirror", security);
	json_put(object, "disk", plan->recipe->outputs.qcow2 ? disk_json(&disk) : NULL);
	json_put_strings(object, "outputs", &files);
	json_put(object, "steps", steps_json(plan->recipe));
	*ret = object;
	return 0;
}
