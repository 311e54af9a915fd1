/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form: every key, always in the same order, paths relative to the recipe's directory. */
#include "builder/recipe/recipe_internal.h"
#include "lib/json.h"

static struct json *relative_paths(const struct recipe *r, const struct strings *paths)
{
	struct json *array = json_array();

	for (size_t i = 0; i < paths->n; i++)
		json_push(array, json_string(recipe_relative(r->file, paths->at[i])));
	return array;
}

static void put_relative(struct json *object, const char *key, const struct recipe *r, const char *path)
{
	json_put_string(object, key, path ? recipe_relative(r->file, path) : NULL);
}

static struct json *distribution_json(const struct recipe *r)
{
	struct json *object = json_object();

	json_put_string(object, "id", r->distribution.id);
	json_put_string(object, "suite", r->distribution.suite);
	json_put_string(object, "mirror", r->distribution.mirror);
	json_put_string(object, "security_mirror", r->distribution.security_mirror);
	json_put_strings(object, "components", &r->distribution.components);
	json_put_bool(object, "updates", r->distribution.updates);
	json_put_bool(object, "security", r->distribution.security);
	json_put_bool(object, "check_valid_until", !r->distribution.expired);
	put_relative(object, "keyring", r, r->distribution.keyring);
	json_put_string(object, "variant", r->distribution.variant);
	return object;
}

static struct json *repositories_json(const struct recipe *r)
{
	struct json *array = json_array();

	for (size_t i = 0; i < r->repositories.n; i++) {
		const struct repository *from = &r->repositories.at[i];
		struct json *object = json_object();

		json_put_string(object, "url", from->url);
		json_put_string(object, "suite", from->suite);
		json_put_strings(object, "components", &from->components);
		json_put_string(object, "key_url", from->key_url);
		json_put_string(object, "key_fingerprint", from->key_fingerprint);
		put_relative(object, "keyring", r, from->keyring);
		json_put_bool(object, "check_valid_until", !from->expired);
		json_push(array, object);
	}
	return array;
}

static struct json *components_json(const struct recipe *r)
{
	struct json *array = json_array();

	for (size_t i = 0; i < r->components.n; i++)
		json_push(array, component_json(&r->components.at[i]));
	return array;
}

static struct json *kubernetes_json(const struct recipe *r)
{
	struct json *object = json_object(), *binaries = json_array();

	json_put_string(object, "source", kubernetes_source_names[r->kubernetes.source]);
	json_put_string(object, "version", r->kubernetes.version);
	json_put_strings(object, "packages", &r->kubernetes.packages);
	for (size_t i = 0; i < r->kubernetes.binaries.n; i++) {
		const struct binary *from = &r->kubernetes.binaries.at[i];
		struct json *binary = json_object();

		json_put_string(binary, "url", from->url);
		json_put_string(binary, "sha256", from->sha256);
		json_put_string(binary, "path", from->path);
		json_put_string(binary, "member", from->member);
		json_put_bool(binary, "archive", from->archive);
		json_push(binaries, binary);
	}
	json_put(object, "binaries", binaries);
	return object;
}

static struct json *agent_json(const struct recipe *r)
{
	struct json *object = json_object();

	json_put_string(object, "libcurl", agent_libcurl_names[r->agent.libcurl]);
	return object;
}

static struct json *guest_agent_json(const struct recipe *r)
{
	struct json *object = json_object();

	json_put_strings(object, "allow", &r->guest_agent.allow);
	return object;
}

static struct json *sets_json(const struct strings lists[SETS])
{
	struct json *object = json_object();

	for (int set = 0; set < SETS; set++)
		json_put_strings(object, set_names[set], &lists[set]);
	return object;
}

static struct json *packages_json(const struct recipe *r)
{
	struct json *object = sets_json(r->packages);

	json_put_strings(object, "extra", &r->extra_packages);
	return object;
}

static struct json *overlays_json(const struct recipe *r)
{
	struct json *object = json_object();

	for (int set = 0; set < SETS; set++)
		json_put(object, set_names[set], relative_paths(r, &r->overlays[set]));
	return object;
}

static struct json *images_json(const struct recipe *r)
{
	struct json *object = json_object();

	json_put_bool(object, "control_plane", r->images.control_plane);
	json_put(object, "archives", relative_paths(r, &r->images.archives));
	return object;
}

static struct json *disk_json(const struct recipe *r)
{
	struct json *object = json_object(), *firmware = json_array();

	json_put_int(object, "size", (int64_t)r->disk.size);
	json_put_string(object, "filesystem", r->disk.filesystem);
	if (r->disk.bios)
		json_push(firmware, json_string("bios"));
	if (r->disk.uefi)
		json_push(firmware, json_string("uefi"));
	json_put(object, "firmware", firmware);
	return object;
}

static struct json *output_json(bool enabled, enum compression compression, int level)
{
	struct json *object = json_object();

	json_put_bool(object, "enabled", enabled);
	json_put_string(object, "compression", compression_names[compression]);
	json_put_int(object, "level", level);
	return object;
}

static struct json *outputs_json(const struct recipe *r)
{
	struct json *object = json_object();

	json_put(object, "qcow2", output_json(r->outputs.qcow2, r->outputs.qcow2_compression, r->outputs.qcow2_level));
	json_put(object, "tarball",
		 output_json(r->outputs.tarball, r->outputs.tarball_compression, r->outputs.tarball_level));
	return object;
}

struct json *recipe_json(const struct recipe *recipe)
{
	struct json *object = json_object();

	json_put_string(object, "name", recipe->name);
	json_put_string(object, "description", recipe->description);
	json_put_string(object, "warning", recipe->warning);
	json_put_string(object, "architecture", recipe->architecture);
	json_put(object, "distribution", distribution_json(recipe));
	json_put(object, "components", components_json(recipe));
	json_put(object, "repositories", repositories_json(recipe));
	json_put(object, "kubernetes", kubernetes_json(recipe));
	json_put_string(object, "kernel", kernel_names[recipe->kernel]);
	json_put_string(object, "runtime", runtime_names[recipe->runtime]);
	json_put(object, "agent", agent_json(recipe));
	json_put(object, "guest_agent", guest_agent_json(recipe));
	json_put(object, "packages", packages_json(recipe));
	json_put(object, "overlays", overlays_json(recipe));
	json_put(object, "units", sets_json(recipe->units));
	json_put(object, "images", images_json(recipe));
	json_put(object, "disk", disk_json(recipe));
	json_put(object, "outputs", outputs_json(recipe));
	return object;
}
