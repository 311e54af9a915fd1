/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/manifest.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "builder/lock/lock_toolchain.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/text.h"

#define FORMAT 1 /* raise it when readers of older manifests would misread a new one */

/* Packages whose versions users look for first. */
static const char *const notable_packages[] = {
	"containerd",        "docker.io",      "runc",
	"cri-tools",         "cri-dockerd",    "kubelet",
	"kubeadm",           "kubectl",        "linux-image-cloud-amd64",
	"linux-image-amd64", "systemd",        "cloud-init",
	"qemu-guest-agent",  "openssh-server",
};

static const struct lock_package *find_package(const struct lock *lock, const char *name)
{
	for (enum lock_group g = 0; g < LOCK_GUEST_GROUPS; g++) {
		const struct lock_package *p = lock_find(lock, g, name);
		if (p)
			return p;
	}
	return NULL;
}

/* What is linked into nodekiln-agent, in the versions of the packages that it is from: "nodekiln-libmbedtls", ... */
static void put_static(struct json *object, const struct lock *lock)
{
	for (size_t i = 0; lock_agent_link(lock) == AGENT_LINK_STATIC && i < LOCK_STATIC_PACKAGES; i++) {
		const struct lock_package *p = lock_find(lock, LOCK_TOOLCHAIN, lock_static_packages[i]);
		if (!p)
			continue;
		CLEANUP(free_p)
		char *name = xasprintf("nodekiln-%.*s", (int)(strlen(p->name) - strlen("-dev")), p->name);
		json_put_string(object, name, p->version);
	}
}

static struct json *versions(const struct lock *lock)
{
	struct json *object = json_object();

	const struct lock_source *curl = lock_source(lock, "curl");

	if (lock->kubernetes_version)
		json_put_string(object, "kubernetes", lock->kubernetes_version);
	for (size_t i = 0; i < lock->components.n; i++)
		json_put_string(object, lock->components.at[i].name, lock->components.at[i].version);
	if (curl)
		json_put_string(object, "nodekiln-libcurl", curl->version);
	put_static(object, lock);
	for (size_t i = 0; i < ARRAY_SIZE(notable_packages); i++) {
		const struct lock_package *p = find_package(lock, notable_packages[i]);
		if (p)
			json_put_string(object, p->name, p->version);
	}
	return object;
}

/* What was compiled. The key is the digest of everything that the programs depend on, and their name in the cache. */
static struct json *components_json(const struct source_set *sources)
{
	struct json *array = json_array();

	for (size_t i = 0; i < sources->programs.n; i++) {
		const struct source_programs *p = &sources->programs.at[i];
		struct json *component = json_object();
		json_put_string(component, "name", p->component->name);
		json_put_string(component, "version", p->version);
		json_put_string(component, "source", component_source_names[p->component->source]);
		json_put_string(component, "key", source_programs_key(p));
		json_push(array, component);
	}
	return array;
}

static struct json *group_sizes(const struct lock *lock)
{
	struct json *object = json_object();

	for (enum lock_group g = 0; g < LOCK_GUEST_GROUPS; g++) {
		struct json *group = json_object();
		uint64_t size = 0, installed = 0;
		for (size_t i = 0; i < lock->group[g].n; i++) {
			size += lock->group[g].at[i].size;
			installed += lock->group[g].at[i].installed;
		}
		json_put_int(group, "packages", (int64_t)lock->group[g].n);
		json_put_int(group, "download", (int64_t)size);
		json_put_int(group, "installed", (int64_t)installed);
		json_put(object, lock_group_names[g], group);
	}
	return object;
}

static struct json *life_warnings(const struct manifest *m)
{
	CLEANUP(strings_done) struct strings warnings = { 0 };
	struct json *array = json_array();

	recipe_life_warnings(m->recipe, m->epoch, &warnings);
	for (size_t i = 0; i < warnings.n; i++)
		json_push(array, json_string(warnings.at[i]));
	return array;
}

struct json *manifest_json(const struct manifest *m, const struct artifacts *o, struct json *timings)
{
	struct json *object = json_object();
	char date[CLOCK_TEXT_MAX];

	clock_text((time_t)m->epoch, date);
	json_put_int(object, "format", FORMAT);
	json_put_string(object, "name", m->recipe->name);
	json_put_string(object, "description", m->recipe->description);
	json_put_string(object, "warning", m->recipe->warning);
	json_put(object, "warnings", life_warnings(m));
	json_put_string(object, "created", date);
	json_put_string(object, "tool", "nodekiln " NODEKILN_VERSION);
	json_put_string(object, "key", m->key);
	json_put_string(object, "architecture", m->recipe->architecture);
	json_put(object, "versions", versions(m->lock));
	json_put(object, "artifacts", artifacts_json(o));
	if (m->sources && m->sources->programs.n)
		json_put(object, "components", components_json(m->sources));
	if (m->images)
		json_put_strings(object, "images", m->images);
	json_put(object, "sizes", group_sizes(m->lock));
	json_put(object, "timings", timings);
	json_put(object, "recipe", recipe_json(m->recipe));
	json_put(object, "lock", lock_json(m->lock));
	return object;
}

static int write_json(const struct artifacts *o, const char *suffix, const struct json *json, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(close_p) int fd = artifacts_file(o, suffix, err);

	if (fd < 0)
		return -1;
	json_print(json, true, &text);
	if (write_all(fd, text.data, text.len) < 0)
		return error_errno(err, errno, "write %s.%s", o->name, suffix);
	return 0;
}

/* The SBOM contains the digests of the artifacts, the provenance also that of the SBOM, the manifest those of both: so this is the
 * order. */
int manifest_write(const struct manifest *m, struct artifacts *o, struct json *timings, struct error *err)
{
	CLEANUP(json_free_p) struct json *owned = timings;

	if (artifacts_sum(o, err) < 0)
		return -1;
	CLEANUP(json_free_p) struct json *sbom = sbom_json(m, o);
	if (write_json(o, "spdx.json", sbom, err) < 0 || artifacts_sum(o, err) < 0)
		return -1;
	CLEANUP(json_free_p) struct json *provenance = provenance_json(m, o);
	if (write_json(o, "provenance.json", provenance, err) < 0 || artifacts_sum(o, err) < 0)
		return -1;
	CLEANUP(json_free_p) struct json *manifest = manifest_json(m, o, TAKE(owned));
	return write_json(o, "manifest.json", manifest, err);
}
