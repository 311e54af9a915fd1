/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled components: an artifact contains them, and they depend on their Go modules and on Go's standard library. */
#include <string.h>

#include "builder/golang/go_version.h"
#include "builder/pipeline/license.h"
#include "builder/pipeline/sbom_internal.h"
#include "lib/alloc.h"

#define STDLIB "stdlib"
#define STDLIB_LICENSE "BSD-3-Clause"
#define SUM_COMMENT                                                                                                    \
	"as in go.sum: SHA-256, in base64, of the list of the SHA-256 of all files in the module's zip; it is not "    \
	"the zip's"

char *sbom_module_purl(const char *path, const char *version)
{
	struct text purl = { 0 };
	CLEANUP(free_p) char *copy = xstrdup(path);
	char *rest = copy, *part;

	text_add(&purl, "pkg:golang");
	while ((part = strsep(&rest, "/"))) {
		text_add(&purl, "/");
		sbom_add_encoded(&purl, part);
	}
	text_add(&purl, "@");
	sbom_add_encoded(&purl, version);
	return text_take(&purl);
}

static void put_references(struct json *package, const char *path, const char *version, const char *sum)
{
	struct json *list = json_array();
	CLEANUP(free_p) char *purl = sbom_module_purl(path, version);

	json_push(list, sbom_reference("PACKAGE-MANAGER", "purl", purl));
	if (sum) {
		struct json *hash = sbom_reference("OTHER", "go.sum", sum);
		json_put_string(hash, "comment", SUM_COMMENT);
		json_push(list, hash);
	}
	json_put(package, "externalRefs", list);
}

/* A module on which a component depends. */
static void add_module(struct sbom *s, const char *component, const char *path, const char *version, const char *sum,
		       const char *license)
{
	CLEANUP(free_p) char *id = sbom_id("go", path, version);
	struct json *package = sbom_package(s, id, path, version, NULL, "LIBRARY");

	sbom_relate(s, component, "DEPENDS_ON", id);
	if (!package)
		return;
	if (license)
		json_put_string(package, "licenseDeclared", license);
	put_references(package, path, version, sum);
}

/* Of modules without a sum only the go.mod was read: nothing of them is compiled. */
static void add_modules(struct sbom *s, const struct manifest *m, const char *component, const struct lock_component *c)
{
	const struct lock_package *go = c->go_package ? lock_find(m->lock, LOCK_GO, c->go_package) : NULL;
	CLEANUP(free_p) char *version = go ? go_version_of_debian(go->version) : NULL;

	for (size_t i = 0; i < c->modules.n; i++) {
		const struct lock_module *module = &c->modules.at[i];

		if (module->sum)
			add_module(s, component, module->path, module->version, module->sum,
				   licenses_find(m->licenses, module->path, module->version));
	}
	if (version)
		add_module(s, component, STDLIB, version + strlen("v"), NULL, STDLIB_LICENSE);
}

static const struct lock_module *find_module(const struct lock_component *c, const char *path)
{
	for (size_t i = 0; path && i < c->modules.n; i++) {
		if (!strcmp(c->modules.at[i].path, path))
			return &c->modules.at[i];
	}
	return NULL;
}

static void add_component(struct sbom *s, const struct manifest *m, const char *artifact,
			  const struct lock_component *c)
{
	const struct component *file = recipe_component(m->recipe, c->name);
	const struct lock_module *module = file ? find_module(c, file->go.module) : NULL;
	CLEANUP(free_p) char *id = sbom_id("component", c->name, c->version);
	struct json *package = sbom_package(s, id, c->name, c->version, NULL, "APPLICATION");

	sbom_relate(s, artifact, "CONTAINS", id);
	if (!package)
		return;
	if (file && file->license)
		json_put_string(package, "licenseDeclared", file->license);
	if (file && file->description)
		json_put_string(package, "summary", file->description);
	if (module)
		put_references(package, module->path, module->version, module->sum);
	add_modules(s, m, id, c);
}

void sbom_add_components(struct sbom *s, const struct manifest *m, const char *artifact)
{
	for (size_t i = 0; i < m->lock->components.n; i++) {
		const struct lock_component *c = &m->lock->components.at[i];

		if (c->source == COMPONENT_GO_MODULES || c->source == COMPONENT_C)
			add_component(s, m, artifact, c);
	}
}
