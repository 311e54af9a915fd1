/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SBOM: SPDX 2.3 as JSON. The document describes the artifacts; each artifact contains its Debian packages, what
 * was compiled for it (generated from source files), and downloaded programs.
 */
#include <ctype.h>
#include <string.h>

#include "builder/lock/lock.h"
#include "builder/lock/lock_toolchain.h"
#include "builder/pipeline/manifest.h"
#include "builder/pipeline/sbom_internal.h"
#include "builder/recipe/recipe.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "lib/text.h"

#define DOCUMENT "SPDXRef-DOCUMENT"
#define KUBERNETES "SPDXRef-Kubernetes"

/* The packages of an artifact are those of a group and of its parents, and of the preloaded images. */
static const struct sbom_content {
	const char *suffix;
	enum lock_group top;
} contents[] = {
	{ ".qcow2", LOCK_EXTRA_VM },
	{ ".tar.zst", LOCK_EXTRA_LXC },
	{ ".tar", LOCK_EXTRA_LXC },
};

static const struct sbom_compiled {
	const char *source, *id, *purpose, *comment;
} compiled[] = {
	{ "curl", "SPDXRef-libcurl", "LIBRARY", "libcurl, compiled for nodekiln-agent alone" },
	{ "kubernetes", KUBERNETES, "APPLICATION", "compiled" },
};

void sbom_relate(struct sbom *s, const char *from, const char *how, const char *to)
{
	struct json *relationship = json_object();

	json_put_string(relationship, "spdxElementId", from);
	json_put_string(relationship, "relationshipType", how);
	json_put_string(relationship, "relatedSpdxElement", to);
	json_push(s->relationships, relationship);
}

/* SPDX ids consist of letters, digits, '.' and '-'. Any other character becomes .HEX, and so do upper-case letters: two
 * names cannot get the same id. */
static void add_id(struct text *id, const char *s)
{
	for (; *s; s++) {
		if (islower((unsigned char)*s) || isdigit((unsigned char)*s) || strchr(".-", *s))
			text_addn(id, s, 1);
		else
			text_addf(id, ".%02X", (unsigned char)*s);
	}
}

char *sbom_id(const char *kind, const char *name, const char *version)
{
	struct text id = { 0 };

	text_addf(&id, "SPDXRef-%s-", kind);
	add_id(&id, name);
	if (version) {
		text_add(&id, "-");
		add_id(&id, version);
	}
	return text_take(&id);
}

void sbom_add_encoded(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr(".-_~", *s))
			text_addn(t, s, 1);
		else
			text_addf(t, "%%%02X", (unsigned char)*s);
	}
}

struct json *sbom_reference(const char *category, const char *type, const char *locator)
{
	struct json *ref = json_object();

	json_put_string(ref, "referenceCategory", category);
	json_put_string(ref, "referenceType", type);
	json_put_string(ref, "referenceLocator", locator);
	return ref;
}

char *sbom_deb_purl(const struct recipe *recipe, const char *name, const char *version, const char *architecture)
{
	struct text purl = { 0 };

	text_addf(&purl, "pkg:deb/%s/", recipe->distribution.id);
	sbom_add_encoded(&purl, name);
	text_add(&purl, "@");
	sbom_add_encoded(&purl, version);
	text_addf(&purl, "?arch=%s&distro=%s", architecture, recipe->distribution.suite);
	return text_take(&purl);
}

static void put_purl(struct json *package, const struct recipe *recipe, const char *name, const char *version,
		     const char *architecture)
{
	CLEANUP(free_p) char *purl = sbom_deb_purl(recipe, name, version, architecture);
	struct json *list = json_array();

	json_push(list, sbom_reference("PACKAGE-MANAGER", "purl", purl));
	json_put(package, "externalRefs", list);
}

static void put_checksum(struct json *package, const char *sha256)
{
	struct json *list = json_array(), *sum = json_object();

	json_put_string(sum, "algorithm", "SHA256");
	json_put_string(sum, "checksumValue", sha256);
	json_push(list, sum);
	json_put(package, "checksums", list);
}

/* SBOMs are published, so a URL with a password must not be in one. */
static void put_location(struct json *package, const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL;
	size_t authority = host ? strcspn(host + 3, "/") : 0;

	if (!host || memchr(host + 3, '@', authority))
		json_put_string(package, "downloadLocation", "NOASSERTION");
	else
		json_put_string(package, "downloadLocation", url);
}

struct json *sbom_package(struct sbom *s, const char *id, const char *name, const char *version, const char *url,
			  const char *purpose)
{
	if (strings_has(&s->seen, id))
		return NULL;
	strings_add(&s->seen, id);
	struct json *package = json_object();
	json_put_string(package, "SPDXID", id);
	json_put_string(package, "name", name);
	if (version)
		json_put_string(package, "versionInfo", version);
	put_location(package, url);
	json_put_bool(package, "filesAnalyzed", false);
	json_put_string(package, "supplier", "NOASSERTION");
	json_put_string(package, "licenseConcluded", "NOASSERTION");
	json_put_string(package, "licenseDeclared", "NOASSERTION");
	json_put_string(package, "copyrightText", "NOASSERTION");
	json_put_string(package, "primaryPackagePurpose", purpose);
	json_push(s->packages, package);
	return package;
}

static void add_group(struct sbom *s, const struct manifest *m, const char *artifact, enum lock_group group)
{
	for (size_t i = 0; i < m->lock->group[group].n; i++) {
		const struct lock_package *p = &m->lock->group[group].at[i];
		CLEANUP(free_p) char *id = sbom_id("deb", p->name, p->version);
		struct json *package = sbom_package(s, id, p->name, p->version, p->url, "INSTALL");
		if (package) {
			put_checksum(package, p->sha256);
			put_purl(package, m->recipe, p->name, p->version, p->architecture);
		}
		sbom_relate(s, artifact, "CONTAINS", id);
	}
}

/* Downloaded files, related to the package that they belong to. */
static void add_files(struct sbom *s, const struct lock_files *files, const char *whole, const char *how,
		      const char *purpose)
{
	for (size_t i = 0; i < files->list.n; i++) {
		const struct lock_file *f = &files->list.at[i];
		CLEANUP(free_p) char *id = sbom_id("file", f->name, NULL);
		struct json *package = sbom_package(s, id, f->name, NULL, f->url, purpose);
		if (package)
			put_checksum(package, f->sha256);
		sbom_relate(s, whole, how, id);
	}
}

/* A compiled program. Scanners know it by its source package, which is not in the artifact's dpkg database. */
static void add_compiled(struct sbom *s, const struct manifest *m, const char *artifact,
			 const struct sbom_compiled *what)
{
	const struct lock_source *source = lock_source(m->lock, what->source);

	if (!source)
		return;
	sbom_relate(s, artifact, "CONTAINS", what->id);
	struct json *package = sbom_package(s, what->id, source->name, source->version, NULL, what->purpose);
	if (!package)
		return;
	json_put_string(package, "comment", what->comment);
	put_purl(package, m->recipe, source->name, source->version, "source");
	add_files(s, &source->files, what->id, "GENERATED_FROM", "SOURCE");
}

/* The libraries that are parts of nodekiln-agent. They have ids of their own: the same library may be a package of the guest, in
 * another version. */
static void add_static(struct sbom *s, const struct manifest *m, const char *artifact)
{
	for (size_t i = 0; lock_agent_link(m->lock) == AGENT_LINK_STATIC && i < LOCK_STATIC_PACKAGES; i++) {
		const struct lock_package *p = lock_find(m->lock, LOCK_TOOLCHAIN, lock_static_packages[i]);
		if (!p)
			continue;
		CLEANUP(free_p) char *id = sbom_id("static", p->name, p->version);
		struct json *package = sbom_package(s, id, p->name, p->version, p->url, "LIBRARY");
		if (package) {
			json_put_string(package, "comment", "linked statically into nodekiln-agent");
			put_checksum(package, p->sha256);
			put_purl(package, m->recipe, p->name, p->version, p->architecture);
		}
		sbom_relate(s, artifact, "CONTAINS", id);
	}
}

/* Parents first. */
static void add_groups(struct sbom *s, const struct manifest *m, const char *artifact, enum lock_group top)
{
	enum lock_group parent = lock_group_parent(top);

	if (parent < LOCK_GROUPS)
		add_groups(s, m, artifact, parent);
	add_group(s, m, artifact, top);
}

/* Downloaded programs. Kubernetes from an apt repository is in the groups instead. */
static void add_binaries(struct sbom *s, const struct manifest *m, const char *artifact)
{
	const char *whole = artifact;

	if (m->recipe->kubernetes.source == KUBERNETES_BINARIES) {
		sbom_relate(s, artifact, "CONTAINS", KUBERNETES);
		if (!sbom_package(s, KUBERNETES, "kubernetes", m->lock->kubernetes_version, NULL, "APPLICATION"))
			return;
		whole = KUBERNETES;
	}
	add_files(s, &m->lock->binaries, whole, "CONTAINS", "FILE");
}

static void add_images(struct sbom *s, const struct manifest *m, const char *artifact)
{
	for (size_t i = 0; m->images && i < m->images->n; i++) {
		CLEANUP(text_done) struct text id = { 0 };
		text_addf(&id, "SPDXRef-image-%zu", i + 1);
		struct json *package = sbom_package(s, id.data, m->images->at[i], NULL, NULL, "CONTAINER");
		if (package)
			json_put_string(package, "comment", "preloaded into the container runtime");
		sbom_relate(s, artifact, "CONTAINS", id.data);
	}
}

static void add_artifact(struct sbom *s, const struct manifest *m, const struct artifact *file,
			 const struct sbom_content *content)
{
	CLEANUP(free_p) char *id = sbom_id("artifact", file->name, NULL);
	struct json *package = sbom_package(s, id, file->name, m->lock->kubernetes_version, NULL, "OPERATING-SYSTEM");

	if (!package)
		return;
	json_put_string(package, "packageFileName", file->name);
	put_checksum(package, file->sha256);
	sbom_relate(s, DOCUMENT, "DESCRIBES", id);
	add_groups(s, m, id, content->top);
	add_group(s, m, id, LOCK_IMAGE);
	for (size_t i = 0; i < ARRAY_SIZE(compiled); i++)
		add_compiled(s, m, id, &compiled[i]);
	add_static(s, m, id);
	sbom_add_components(s, m, id);
	add_binaries(s, m, id);
	add_images(s, m, id);
}

static void add_artifacts(struct sbom *s, const struct manifest *m, const struct artifacts *o)
{
	for (size_t i = 0; i < o->summed.n; i++)
		for (size_t c = 0; c < ARRAY_SIZE(contents); c++)
			if (text_ends(o->summed.at[i].name, contents[c].suffix))
				add_artifact(s, m, &o->summed.at[i], &contents[c]);
}

/* The namespace must differ for every document: it depends on name, date, lock and the artifacts' digests. */
static void put_namespace(struct json *document, const struct manifest *m, const struct artifacts *o, const char *date)
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char hex[SHA256_HEX];

	hash_field(h, "name", m->recipe->name);
	hash_field(h, "created", date);
	hash_field(h, "recipe", m->lock->recipe_digest);
	for (enum lock_group g = 0; g < LOCK_GROUPS; g++) {
		lock_group_digest(m->lock, g, hex);
		hash_field(h, lock_group_names[g], hex);
	}
	for (size_t i = 0; i < o->summed.n; i++)
		hash_field(h, o->summed.at[i].name, o->summed.at[i].sha256);
	hash_hex(h, hex);
	json_put_stringf(document, "documentNamespace", "https://spdx.org/spdxdocs/%s-%s", m->recipe->name, hex);
}

static struct json *creation_info(const char *date)
{
	struct json *info = json_object(), *creators = json_array();

	json_put_string(info, "created", date);
	json_push(creators, json_string("Tool: nodekiln-" NODEKILN_VERSION));
	json_put(info, "creators", creators);
	return info;
}

struct json *sbom_json(const struct manifest *m, const struct artifacts *o)
{
	struct sbom s = { .packages = json_array(), .relationships = json_array() };
	struct json *document = json_object();
	char date[CLOCK_TEXT_MAX];

	clock_text((time_t)m->epoch, date);
	json_put_string(document, "spdxVersion", "SPDX-2.3");
	json_put_string(document, "dataLicense", "CC0-1.0");
	json_put_string(document, "SPDXID", DOCUMENT);
	json_put_string(document, "name", m->recipe->name);
	put_namespace(document, m, o, date);
	json_put(document, "creationInfo", creation_info(date));
	add_artifacts(&s, m, o);
	json_put(document, "packages", s.packages);
	json_put(document, "relationships", s.relationships);
	strings_done(&s.seen);
	return document;
}
