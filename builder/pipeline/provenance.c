/* SPDX-License-Identifier: Apache-2.0 */
/* The provenance of an image: an in-toto statement (github.com/in-toto/attestation, spec/v1) with SLSA's predicate
 * (slsa.dev/spec/v1.0/provenance). It says what the artifacts were made of, and by what; it depends only on the inputs, so equal builds
 * have equal statements. SHA256SUMS has its digest, and `build --sign` signs that. */
#include <string.h>

#include "builder/pipeline/sbom_internal.h"
#include "lib/hash.h"

#define BUILD_TYPE "urn:nodekiln:build:1"
#define BUILDER_ID "urn:nodekiln:builder"

static void put_digest(struct json *object, const char *algorithm, const char *value)
{
	struct json *digest = json_object();

	json_put_string(digest, algorithm, value);
	json_put(object, "digest", digest);
}

static struct json *subjects(const struct artifacts *o)
{
	struct json *list = json_array();

	for (size_t i = 0; i < o->summed.n; i++) {
		struct json *subject = json_object();
		json_put_string(subject, "name", o->summed.at[i].name);
		put_digest(subject, "sha256", o->summed.at[i].sha256);
		json_push(list, subject);
	}
	return list;
}

static struct json *dependency(const char *uri, const char *algorithm, const char *digest)
{
	struct json *one = json_object();

	json_put_string(one, "uri", uri);
	put_digest(one, algorithm, digest);
	return one;
}

/* Of all groups: the compilers are materials, too. A package may be in several groups. */
static void add_packages(const struct manifest *m, struct json *list)
{
	CLEANUP(strings_done) struct strings seen = { 0 };

	for (size_t g = 0; g < LOCK_GROUPS; g++)
		for (size_t i = 0; i < m->lock->group[g].n; i++) {
			const struct lock_package *p = &m->lock->group[g].at[i];
			if (strings_has(&seen, p->sha256))
				continue;
			CLEANUP(free_p) char *purl = sbom_deb_purl(m->recipe, p->name, p->version, p->architecture);
			strings_add(&seen, p->sha256);
			json_push(list, dependency(purl, "sha256", p->sha256));
		}
}

static void add_sources(const struct manifest *m, struct json *list)
{
	for (size_t i = 0; i < m->lock->sources.n; i++) {
		const struct lock_source *s = &m->lock->sources.at[i];
		CLEANUP(free_p) char *purl = sbom_deb_purl(m->recipe, s->name, s->version, "source");
		for (size_t k = 0; k < s->files.list.n; k++) {
			struct json *file = dependency(purl, "sha256", s->files.list.at[k].sha256);
			json_put_string(file, "name", s->files.list.at[k].name);
			json_push(list, file);
		}
	}
	for (size_t i = 0; i < m->lock->binaries.list.n; i++) {
		const struct lock_file *f = &m->lock->binaries.list.at[i];
		struct json *file = dependency(f->url, "sha256", f->sha256);
		json_put_string(file, "name", f->name);
		json_push(list, file);
	}
}

/* dirHash is the name that in-toto gives Go's "h1:" sums. */
static void add_modules(const struct manifest *m, struct json *list)
{
	CLEANUP(strings_done) struct strings seen = { 0 };

	for (size_t i = 0; i < m->lock->components.n; i++)
		for (size_t k = 0; k < m->lock->components.at[i].modules.n; k++) {
			const struct lock_module *module = &m->lock->components.at[i].modules.at[k];
			if (!module->sum || strings_has(&seen, module->sum))
				continue;
			CLEANUP(free_p) char *purl = sbom_module_purl(module->path, module->version);
			strings_add(&seen, module->sum);
			json_push(list, dependency(purl, "dirHash", module->sum));
		}
}

static struct json *definition_json(const struct manifest *m)
{
	struct json *definition = json_object(), *external = json_object(), *internal = json_object();
	struct json *dependencies = json_array();
	CLEANUP(json_free_p) struct json *lock = lock_json(m->lock);
	CLEANUP(text_done) struct text text = { 0 };
	char digest[SHA256_HEX];

	json_print(lock, false, &text);
	sha256_hex(text.data, text.len, digest);
	json_put(external, "recipe", recipe_json(m->recipe));
	json_put_string(external, "recipe_digest", m->lock->recipe_digest);
	json_put_string(external, "lock_digest", digest);
	json_put_int(external, "source_date_epoch", m->epoch);
	json_put_string(internal, "key", m->key);
	add_packages(m, dependencies);
	add_sources(m, dependencies);
	add_modules(m, dependencies);
	json_put_string(definition, "buildType", BUILD_TYPE);
	json_put(definition, "externalParameters", external);
	json_put(definition, "internalParameters", internal);
	json_put(definition, "resolvedDependencies", dependencies);
	return definition;
}

static struct json *run_json(const struct manifest *m)
{
	struct json *run = json_object(), *builder = json_object(), *version = json_object(), *metadata = json_object();

	json_put_string(version, "nodekiln", NODEKILN_VERSION);
	json_put_string(builder, "id", BUILDER_ID);
	json_put(builder, "version", version);
	json_put_string(metadata, "invocationId", m->key);
	json_put(run, "builder", builder);
	json_put(run, "metadata", metadata);
	return run;
}

struct json *provenance_json(const struct manifest *m, const struct artifacts *o)
{
	struct json *statement = json_object(), *predicate = json_object();

	json_put(predicate, "buildDefinition", definition_json(m));
	json_put(predicate, "runDetails", run_json(m));
	json_put_string(statement, "_type", "https://in-toto.io/Statement/v1");
	json_put(statement, "subject", subjects(o));
	json_put_string(statement, "predicateType", "https://slsa.dev/provenance/v1");
	json_put(statement, "predicate", predicate);
	return statement;
}
