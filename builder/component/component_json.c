/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form: what the chosen source and version make of the file, always in the same order. Licence, description and
 * calendar are left out: they change nothing in an image. */
#include <string.h>

#include "builder/component/component.h"

static struct json *go_json(const struct component_go *go)
{
	struct json *object = json_object();

	json_put_string(object, "module", go->module);
	json_put_string(object, "tag", go->tag);
	json_put_string(object, "released_with", go->released_with);
	json_put_strings(object, "modules", &go->modules);
	json_put_strings(object, "tags", &go->tags);
	json_put_strings(object, "variables", &go->variables);
	json_put_strings(object, "flags", &go->flags);
	json_put_bool(object, "cgo", go->cgo);
	json_put_strings(object, "packages", &go->packages);
	json_put_string(object, "main", go->main);
	return object;
}

static struct json *packages_json(const struct component_packages *p)
{
	struct json *object = json_object();

	json_put_string(object, "url", p->url);
	json_put_string(object, "suite", p->suite);
	json_put_strings(object, "components", &p->components);
	json_put_string(object, "key_url", p->key_url);
	json_put_string(object, "key_fingerprint", p->key_fingerprint);
	json_put_strings(object, "names", &p->names);
	json_put_strings(object, "versioned", &p->versioned);
	return object;
}

static struct json *debian_json(const struct component_debian *d)
{
	struct json *object = json_object();

	json_put_string(object, "version", d->version);
	json_put_strings(object, "packages", &d->packages);
	return object;
}

static struct json *binaries_json(const struct component *c)
{
	struct json *array = json_array();

	for (size_t i = 0; i < c->binaries.n; i++) {
		const struct component_binary *from = &c->binaries.at[i];
		struct json *object;

		if (strcmp(from->version, c->version) != 0)
			continue; /* other releases have no effect */
		object = json_object();
		json_put_string(object, "version", from->version);
		json_put_string(object, "url", from->url);
		json_put_string(object, "sha256", from->sha256);
		json_put_string(object, "member", from->member);
		json_put_string(object, "path", from->path);
		json_put_bool(object, "archive", from->archive);
		json_push(array, object);
	}
	return array;
}

static struct json *programs_json(const struct component *c)
{
	struct json *array = json_array();

	for (size_t i = 0; i < c->programs.n; i++) {
		const struct component_program *from = &c->programs.at[i];
		struct json *object = json_object();

		json_put_string(object, "name", from->name);
		json_put_string(object, "package", from->package);
		json_put_string(object, "path", from->path);
		json_put_strings(object, "tags", &from->tags);
		json_put_strings(object, "check", &from->check);
		json_put_string(object, "output", from->output);
		json_push(array, object);
	}
	return array;
}

static struct json *images_json(const struct component *c)
{
	struct json *array = json_array();

	for (size_t i = 0; i < c->images.n; i++) {
		const struct component_image *from = &c->images.at[i];
		struct json *object = json_object();

		json_put_string(object, "name", from->name);
		json_put_string(object, "program", from->program);
		json_put_string(object, "path", from->path);
		json_put_bool(object, "entrypoint", from->entrypoint);
		json_put_strings(object, "packages", &from->packages);
		json_push(array, object);
	}
	return array;
}

struct json *component_json(const struct component *c)
{
	struct json *object = json_object();

	json_put_string(object, "name", c->name);
	json_put_string(object, "version", c->version);
	json_put_string(object, "source", component_source_names[c->source]);
	if (c->source == COMPONENT_GO_MODULES)
		json_put(object, "go-modules", go_json(&c->go));
	if (c->source == COMPONENT_PACKAGES)
		json_put(object, "packages", packages_json(&c->packages));
	if (c->source == COMPONENT_BINARIES)
		json_put(object, "binaries", binaries_json(c));
	if (c->source == COMPONENT_DEBIAN_SOURCE)
		json_put(object, "debian-source", debian_json(&c->debian));
	if (component_is_compiled(c)) {
		json_put(object, "programs", programs_json(c));
		json_put(object, "images", images_json(c));
	}
	return object;
}
