/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inspection as text for people and as JSON for programs.
 */
#include "builder/image/inspect.h"
#include "lib/text.h"

#define LABEL_WIDTH 12

/* The packages that people look for first; the JSON has all of them. */
static const char *const important[] = {
	"systemd",        "containerd",       "docker.io",
	"runc",           "kubelet",          "kubeadm",
	"kubectl",        "cri-tools",        "containernetworking-plugins",
	"kubernetes-cni", "cloud-init",       "qemu-guest-agent",
	"openssh-server", "grub-cloud-amd64",
};

static struct json *partition_json(const struct image_partition *p)
{
	struct json *json = json_object();

	json_put_int(json, "number", p->number);
	json_put_string(json, "name", p->name);
	json_put_int(json, "start", (int64_t)p->start);
	json_put_int(json, "size", (int64_t)p->size);
	json_put_string(json, "type", p->type);
	json_put_string(json, "uuid", p->uuid);
	json_put_string(json, "filesystem", *p->filesystem ? p->filesystem : NULL);
	json_put_string(json, "label", *p->label ? p->label : NULL);
	json_put_string(json, "filesystem_uuid", *p->filesystem_uuid ? p->filesystem_uuid : NULL);
	return json;
}

static struct json *partitions_json(const struct inspection *i)
{
	struct json *list = json_array();
	const struct image_partition *p;
	size_t n = image_partitions(i->image, &p);

	for (size_t k = 0; k < n; k++)
		json_push(list, partition_json(&p[k]));
	return list;
}

static struct json *packages_json(const struct inspection *i)
{
	struct json *list = json_array();

	for (size_t k = 0; k < i->packages.n; k++) {
		struct json *package = json_object();
		json_put_string(package, "name", i->packages.at[k].name);
		json_put_string(package, "version", i->packages.at[k].version);
		json_put_string(package, "architecture", i->packages.at[k].architecture);
		json_push(list, package);
	}
	return list;
}

static const char *kind_name(const struct inspection *i)
{
	return image_kind(i->image) == IMAGE_DISK ? "disk" : "tarball";
}

/* A copy of a value that its object keeps owning. */
static struct json *copy_of(const struct json *value)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct json *ret = NULL;
	struct error ignored;

	if (!value)
		return NULL;
	json_print(value, false, &text);
	return json_parse("copy", text.data, text.len, &ret, &ignored) < 0 ? NULL : ret;
}

struct json *inspection_json(const struct inspection *i)
{
	struct json *json = json_object(), *about = copy_of(i->about);

	json_put_string(json, "path", i->path);
	json_put_string(json, "kind", kind_name(i));
	json_put_int(json, "size", (int64_t)i->file_size);
	if (image_kind(i->image) == IMAGE_DISK) {
		json_put_int(json, "virtual_size", (int64_t)image_virtual_size(i->image));
		json_put(json, "partitions", partitions_json(i));
	}
	json_put_string(json, "system", i->system);
	json_put_string(json, "kubernetes", i->kubernetes);
	json_put_strings(json, "kernels", &i->kernels);
	json_put_int(json, "entries", (int64_t)i->entries);
	json_put_int(json, "bytes", (int64_t)i->bytes);
	json_put(json, "packages", packages_json(i));
	json_put(json, "programs", inspect_programs_json(i));
	if (about)
		json_put(json, "about", about);
	return json;
}

static void print_label(struct text *ret, const char *label)
{
	text_addf(ret, "  %-*s", LABEL_WIDTH, label);
}

static void print_line(struct text *ret, const char *label, const char *value)
{
	if (!value)
		return;
	print_label(ret, label);
	text_addf(ret, "%s\n", value);
}

static void print_about(const struct inspection *i, struct text *ret)
{
	const char *name = json_get_string(i->about, "name"), *artifact = json_get_string(i->about, "artifact");
	const char *builder = json_get_string(i->about, "builder");

	print_label(ret, "image");
	text_addf(ret, "%s (%s), made by %s\n", name ? name : "?", artifact ? artifact : "?", builder ? builder : "?");
	print_line(ret, "runtime", json_get_string(i->about, "runtime"));
	print_line(ret, "warning", json_get_string(i->about, "warning"));
}

static bool is_important(const char *name)
{
	for (size_t k = 0; k < ARRAY_SIZE(important); k++) {
		if (text_same(name, important[k]))
			return true;
	}
	return false;
}

static void print_packages(const struct inspection *i, struct text *ret)
{
	print_label(ret, "packages");
	text_addf(ret, "%zu\n", i->packages.n);
	for (size_t k = 0; k < i->packages.n; k++) {
		if (!is_important(i->packages.at[k].name))
			continue;
		print_label(ret, "");
		text_addf(ret, "%s %s\n", i->packages.at[k].name, i->packages.at[k].version);
	}
}

static char *program_line(const struct inspect_program *p)
{
	CLEANUP(free_p) char *version = inspect_program_version(p);

	if (p->fault)
		return xasprintf("%s: %s", p->file->path, p->fault);
	return xasprintf("%s %s (%s, %zu modules)", inspect_program_name(p), version, p->info.go, p->info.linked.n);
}

/* Of programs that a package has, the package's version is enough. The layers of preloaded images can have one twice. */
static void print_programs(const struct inspection *i, struct text *ret)
{
	CLEANUP(strings_done) struct strings lines = { 0 };

	for (size_t k = 0; k < i->programs.n; k++) {
		const struct inspect_program *p = &i->programs.at[k];
		CLEANUP(free_p) char *line = program_line(p);

		if (p->package || strings_has(&lines, line))
			continue;
		print_line(ret, lines.n ? "" : "programs", line);
		strings_own(&lines, TAKE(line));
	}
}

static void print_partitions(const struct inspection *i, struct text *ret)
{
	const struct image_partition *p;
	size_t n = image_partitions(i->image, &p);

	for (size_t k = 0; k < n; k++) {
		print_label(ret, k ? "" : "partitions");
		text_addf(ret, "%2u %-5s at %9s, %9s %-5s %s\n", p[k].number, p[k].name, text_bytes(p[k].start),
			  text_bytes(p[k].size), *p[k].filesystem ? p[k].filesystem : "-", p[k].filesystem_uuid);
	}
}

void inspection_print(const struct inspection *i, struct text *ret)
{
	text_addf(ret, "%s: %s, %s", i->path, kind_name(i), text_bytes(i->file_size));
	if (image_kind(i->image) == IMAGE_DISK)
		text_addf(ret, " for %s", text_bytes(image_virtual_size(i->image)));
	text_add(ret, "\n");
	if (i->about)
		print_about(i, ret);
	print_line(ret, "system", i->system);
	print_line(ret, "kubernetes", i->kubernetes);
	for (size_t k = 0; k < i->kernels.n; k++)
		print_line(ret, "kernel", i->kernels.at[k]);
	print_label(ret, "tree");
	text_addf(ret, "%llu entries, %s\n", (unsigned long long)i->entries, text_bytes(i->bytes));
	print_packages(i, ret);
	print_programs(i, ret);
	print_partitions(i, ret);
}
