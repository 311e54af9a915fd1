/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c, and sbom.c: the SBOM has what SPDX 2.3's JSON schema requires, and relates packages to artifacts. */
#include <ctype.h>

#include "builder/pipeline/license.h"
#include "builder/pipeline/manifest.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/golden.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add_package(struct lock *lock, enum lock_group group, const char *name, const char *version,
			const char *url)
{
	vec_push(&lock->group[group], (struct lock_package){ .name = xstrdup(name),
							     .version = xstrdup(version),
							     .architecture = xstrdup("amd64"),
							     .url = xstrdup(url),
							     .sha256 = xstrdup(HEX64),
							     .size = 100,
							     .installed = 1000 });
}

static void add_source(struct lock *lock, const char *name, const char *version)
{
	struct lock_source source = { .name = xstrdup(name), .version = xstrdup(version) };

	vec_push(&source.files.list,
		 (struct lock_file){ xasprintf("%s.orig.tar.gz", name),
				     xasprintf("http://mirror.example/%s.tar.gz", name), xstrdup(HEX64), 5 });
	vec_push(&lock->sources, source);
}

/* Packages in both layers, with an epoch, with characters that need escaping, with a password in the url. */
static void make_lock(struct lock *lock)
{
	*lock = (struct lock){ .kubernetes_version = xstrdup("1.20.2"), .recipe_digest = xstrdup(HEX64) };
	add_package(lock, LOCK_BASE, "libstdc++6", "12.2.0-14+deb12u1", "http://mirror.example/pool/l.deb");
	add_package(lock, LOCK_BASE, "containerd", "1.6.20~ds1-1+deb12u1",
		    "http://me:secret@mirror.example/pool/c.deb");
	add_package(lock, LOCK_VM, "grub-common", "2:2.06-13", "http://mirror.example/pool/g.deb");
	add_package(lock, LOCK_VM, "ifupdown", "0.8.41", "http://mirror.example/pool/i.deb");
	add_package(lock, LOCK_LXC, "ifupdown", "0.8.41", "http://mirror.example/pool/i.deb");
	add_package(lock, LOCK_EXTRA_VM, "less", "590-2", "http://mirror.example/pool/e.deb");
	add_package(lock, LOCK_TOOLCHAIN, "golang-go", "1.19", "http://mirror.example/pool/go.deb");
	add_package(lock, LOCK_TOOLCHAIN, "libmbedtls-dev", "3.6.6-0.1~deb13u1", "http://mirror.example/pool/m.deb");
	add_source(lock, "curl", "7.88.1-10+deb12u5");
	add_source(lock, "kubernetes", "1.20.5+really1.20.2-1.1");
}

static struct recipe make_recipe(void)
{
	struct recipe r = { .name = (char *)"node", .warning = (char *)"end of life", .architecture = (char *)"amd64" };

	r.distribution.id = (char *)"debian";
	r.distribution.suite = (char *)"bookworm";
	return r;
}

static void make_outputs(struct artifacts *o)
{
	struct artifact vm = { .name = xstrdup("node.qcow2"), .size = 7, .sha256 = HEX64 };
	struct artifact lxc = { .name = xstrdup("node.tar.zst"), .size = 8, .sha256 = HEX64 };

	*o = (struct artifacts){ .name = xstrdup("node"), .dirfd = -1, .stagefd = -1 };
	vec_push(&o->summed, vm);
	vec_push(&o->summed, lxc);
}

/* The two documents of a small node. */
static struct json *make(bool sbom, int64_t epoch)
{
	CLEANUP(lock_done) struct lock lock;
	CLEANUP(artifacts_close) struct artifacts o;
	struct recipe recipe = make_recipe();
	struct manifest m = { .recipe = &recipe, .lock = &lock, .key = "k", .epoch = epoch };
	struct json *timings = sbom ? NULL : json_object();

	make_lock(&lock);
	make_outputs(&o);
	return sbom ? sbom_json(&m, &o) : manifest_json(&m, &o, timings);
}

/* Only what was compiled is listed; its versions are those of the lock. */
TEST(manifest_json_of_components)
{
	struct component etcd = { .name = (char *)"etcd", .source = COMPONENT_GO_MODULES };
	CLEANUP(lock_done) struct lock lock = { .recipe_digest = xstrdup(HEX64) };
	CLEANUP(artifacts_close) struct artifacts o;
	CLEANUP(source_done) struct source_set sources = { 0 };
	struct recipe recipe = make_recipe();
	struct manifest m = { .recipe = &recipe, .lock = &lock, .sources = &sources, .key = "k" };

	make_outputs(&o);
	vec_push(&lock.components, ((struct lock_component){ .name = xstrdup("etcd"), .version = xstrdup("3.7.1") }));
	CLEANUP(json_free_p) struct json *none = manifest_json(&m, &o, json_object());
	CHECK(!json_get(none, "components"));
	vec_push(&sources.programs, ((struct source_programs){ .component = &etcd,
							       .version = xstrdup("3.7.1"),
							       .directory = xstrdup("/cache/artifacts/aa") }));
	CLEANUP(json_free_p) struct json *manifest = manifest_json(&m, &o, json_object());
	CHECK_STR(json_get_string(json_get(manifest, "versions"), "etcd"), "3.7.1");
	const struct json *component = json_at(json_get(manifest, "components"), 0);
	CHECK_STR(json_get_string(component, "name"), "etcd");
	CHECK_STR(json_get_string(component, "version"), "3.7.1");
	CHECK_STR(json_get_string(component, "source"), "go-modules");
	CHECK_STR(json_get_string(component, "key"), "aa");
}

static bool is_text(const struct json *object, const char *key)
{
	const char *s = json_get_string(object, key);

	return s && *s;
}

static bool is_id(const char *s)
{
	if (!s || !text_starts(s, "SPDXRef-"))
		return false;
	for (s += strlen("SPDXRef-"); *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '.' && *s != '-')
			return false;
	return true;
}

static size_t packages_of_id(const struct json *document, const char *id)
{
	const struct json *packages = json_get(document, "packages");
	size_t found = 0;

	for (size_t i = 0; i < json_count(packages); i++)
		found += text_same(json_get_string(json_at(packages, i), "SPDXID"), id);
	return found;
}

/* The number of such relationships; NULL = any. */
static size_t relations(const struct json *document, const char *from, const char *how, const char *to)
{
	const struct json *list = json_get(document, "relationships");
	size_t found = 0;

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *r = json_at(list, i);
		found += (!from || text_same(json_get_string(r, "spdxElementId"), from)) &&
			 (!how || text_same(json_get_string(r, "relationshipType"), how)) &&
			 (!to || text_same(json_get_string(r, "relatedSpdxElement"), to));
	}
	return found;
}

TEST(sbom_document_has_required_fields)
{
	CLEANUP(json_free_p) struct json *d = make(true, 1700000000);

	CHECK_STR(json_get_string(d, "spdxVersion"), "SPDX-2.3");
	CHECK_STR(json_get_string(d, "dataLicense"), "CC0-1.0");
	CHECK_STR(json_get_string(d, "SPDXID"), "SPDXRef-DOCUMENT");
	CHECK(is_text(d, "name"));
	CHECK(text_starts(json_get_string(d, "documentNamespace"), "https://"));
	CHECK(!strchr(json_get_string(d, "documentNamespace"), '#'));
	CHECK_STR(json_get_string(json_get(d, "creationInfo"), "created"), "2023-11-14T22:13:20Z");
	CHECK(json_count(json_get(json_get(d, "creationInfo"), "creators")) == 1);
}

TEST(sbom_packages_have_required_fields)
{
	CLEANUP(json_free_p) struct json *d = make(true, 0);
	const struct json *packages = json_get(d, "packages");

	/* two artifacts, five different debs, libcurl and Kubernetes with a source file each */
	CHECK(json_count(packages) == 12);
	for (size_t i = 0; i < json_count(packages); i++) {
		const struct json *p = json_at(packages, i);
		bool analyzed = true;
		CHECK(is_id(json_get_string(p, "SPDXID")));
		CHECK(packages_of_id(d, json_get_string(p, "SPDXID")) == 1);
		CHECK(is_text(p, "name") && is_text(p, "downloadLocation"));
		CHECK(json_get_bool(p, "filesAnalyzed", &analyzed) && !analyzed);
	}
}

TEST(sbom_relationships_have_both_ends)
{
	CLEANUP(json_free_p) struct json *d = make(true, 0);
	const struct json *list = json_get(d, "relationships");

	for (size_t i = 0; i < json_count(list); i++) {
		const char *from = json_get_string(json_at(list, i), "spdxElementId");
		const char *to = json_get_string(json_at(list, i), "relatedSpdxElement");
		CHECK(text_same(from, "SPDXRef-DOCUMENT") || packages_of_id(d, from) == 1);
		CHECK(packages_of_id(d, to) == 1);
	}
	CHECK(relations(d, "SPDXRef-DOCUMENT", "DESCRIBES", NULL) == 2);
}

TEST(sbom_artifacts_contain_their_packages)
{
	CLEANUP(json_free_p) struct json *d = make(true, 0);
	const char *vm = "SPDXRef-artifact-node.qcow2", *lxc = "SPDXRef-artifact-node.tar.zst";

	CHECK(relations(d, vm, "CONTAINS", "SPDXRef-deb-libstdc.2B.2B6-12.2.0-14.2Bdeb12u1") == 1);
	CHECK(relations(d, lxc, "CONTAINS", "SPDXRef-deb-libstdc.2B.2B6-12.2.0-14.2Bdeb12u1") == 1);
	CHECK(relations(d, vm, "CONTAINS", "SPDXRef-deb-grub-common-2.3A2.06-13") == 1);
	CHECK(relations(d, lxc, "CONTAINS", "SPDXRef-deb-grub-common-2.3A2.06-13") == 0);
	CHECK(relations(d, NULL, "CONTAINS", "SPDXRef-deb-ifupdown-0.8.41") == 2);
	CHECK(relations(d, vm, "CONTAINS", "SPDXRef-deb-less-590-2") == 1);
	CHECK(relations(d, lxc, "CONTAINS", "SPDXRef-deb-less-590-2") == 0);
	CHECK(relations(d, NULL, "CONTAINS", "SPDXRef-Kubernetes") == 2);
	CHECK(relations(d, "SPDXRef-Kubernetes", "GENERATED_FROM", NULL) == 1);
	CHECK(relations(d, NULL, "CONTAINS", "SPDXRef-libcurl") == 2);
	CHECK(relations(d, "SPDXRef-libcurl", "GENERATED_FROM", "SPDXRef-file-curl.orig.tar.gz") == 1);
	/* a library of the toolchain that is a part of the agent is, even when the guest has another version of it */
	CHECK(relations(d, NULL, "CONTAINS", "SPDXRef-static-libmbedtls-dev-3.6.6-0.1.7Edeb13u1") == 2);
	/* compilers are not in the artifacts */
	CHECK(packages_of_id(d, "SPDXRef-deb-golang-go-1.19") == 0);
}

TEST(sbom_package_urls_are_encoded)
{
	CLEANUP(json_free_p) struct json *d = make(true, 0);
	CLEANUP(text_done) struct text t = { 0 };

	json_print(d, false, &t);
	CHECK(strstr(t.data, "\"pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=bookworm\""));
	CHECK(strstr(t.data, "grub-common@2%3A2.06-13?"));
	CHECK(strstr(t.data, "containerd@1.6.20~ds1-1%2Bdeb12u1?"));
	CHECK(strstr(t.data, "\"pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=source&distro=bookworm\""));
}

TEST(sbom_has_no_passwords)
{
	CLEANUP(json_free_p) struct json *d = make(true, 0);
	CLEANUP(text_done) struct text t = { 0 };

	json_print(d, false, &t);
	CHECK(!strstr(t.data, "secret"));
}

TEST(sbom_of_equal_builds_is_equal)
{
	CLEANUP(json_free_p) struct json *a = make(true, 5), *b = make(true, 5), *c = make(true, 6);
	CLEANUP(text_done) struct text at = { 0 }, bt = { 0 };

	json_print(a, true, &at);
	json_print(b, true, &bt);
	CHECK_STR(at.data, bt.data);
	CHECK(!text_same(json_get_string(a, "documentNamespace"), json_get_string(c, "documentNamespace")));
}

TEST(manifest_has_versions_and_sizes)
{
	CLEANUP(json_free_p) struct json *m = make(false, 0);
	const struct json *artifacts = json_get(m, "artifacts");
	int64_t packages = 0;

	CHECK_STR(json_get_string(m, "name"), "node");
	CHECK_STR(json_get_string(m, "warning"), "end of life");
	CHECK_STR(json_get_string(m, "key"), "k");
	CHECK_STR(json_get_string(json_get(m, "versions"), "kubernetes"), "1.20.2");
	CHECK_STR(json_get_string(json_get(m, "versions"), "nodekiln-libcurl"), "7.88.1-10+deb12u5");
	CHECK_STR(json_get_string(json_get(m, "versions"), "nodekiln-libmbedtls"), "3.6.6-0.1~deb13u1");
	CHECK_STR(json_get_string(json_get(m, "versions"), "containerd"), "1.6.20~ds1-1+deb12u1");
	CHECK(json_count(artifacts) == 2);
	CHECK_STR(json_get_string(json_at(artifacts, 0), "file"), "node.qcow2");
	CHECK_STR(json_get_string(json_at(artifacts, 0), "sha256"), HEX64);
	CHECK(json_get_int(json_get(json_get(m, "sizes"), "base"), "packages", &packages) && packages == 2);
	CHECK(json_get(m, "lock") && json_get(m, "recipe") && json_get(m, "timings"));
}

TEST(manifest_golden)
{
	CLEANUP(json_free_p) struct json *manifest = make(false, 1700000000), *sbom = make(true, 1700000000);

	CHECK(golden_is_json("tests/golden/manifest/manifest.json", manifest));
	CHECK(golden_is_json("tests/golden/manifest/spdx.json", sbom));
}

/* Whenever it is built: the day that counts is the epoch's. */
TEST(manifest_warns_as_of_the_epoch)
{
	struct component_minor minor = { .minor = (char *)"3.6", .end_of_life = 1700000000 };
	struct component etcd = { .name = (char *)"etcd", .version = (char *)"3.6.12", .file = (char *)"etcd.yaml" };
	CLEANUP(lock_done) struct lock lock;
	CLEANUP(artifacts_close) struct artifacts o;
	struct recipe recipe = make_recipe();
	struct manifest before = { .recipe = &recipe, .lock = &lock, .key = "k", .epoch = 1690000000 };
	struct manifest after = { .recipe = &recipe, .lock = &lock, .key = "k", .epoch = 1710000000 };

	make_lock(&lock);
	make_outputs(&o);
	vec_push(&etcd.minors, minor);
	vec_push(&recipe.components, etcd);
	CLEANUP(json_free_p) struct json *supported = manifest_json(&before, &o, json_object());
	CLEANUP(json_free_p) struct json *ended = manifest_json(&after, &o, json_object());
	CHECK(json_count(json_get(supported, "warnings")) == 0);
	CHECK(json_count(json_get(ended, "warnings")) == 1);
	vec_done(&recipe.components.at[0].minors);
	vec_done(&recipe.components);
}

/* Downloaded binaries of Kubernetes and preloaded images are packages of the SBOM. */
TEST(sbom_has_binaries_and_images)
{
	CLEANUP(lock_done) struct lock lock;
	CLEANUP(artifacts_close) struct artifacts o;
	CLEANUP(strings_done) struct strings images = { 0 };
	struct recipe recipe = make_recipe();
	struct manifest m = { .recipe = &recipe, .lock = &lock, .images = &images, .key = "k" };

	make_lock(&lock);
	make_outputs(&o);
	recipe.kubernetes.source = KUBERNETES_BINARIES;
	lock.sources.at[1].name[0] = 'K'; /* not compiled */
	strings_add(&images, "registry.example/pause:3.2");
	vec_push(&lock.binaries.list,
		 (struct lock_file){ xstrdup("kubelet"), xstrdup("https://dl.example/kubelet"), xstrdup(HEX64), 5 });
	CLEANUP(json_free_p) struct json *d = sbom_json(&m, &o);
	CHECK(packages_of_id(d, "SPDXRef-file-kubelet") == 1);
	CHECK(relations(d, "SPDXRef-Kubernetes", "CONTAINS", "SPDXRef-file-kubelet") == 1);
	CHECK(packages_of_id(d, "SPDXRef-image-1") == 1);
	CHECK(relations(d, NULL, "CONTAINS", "SPDXRef-image-1") == 2);
	recipe.kubernetes.source = KUBERNETES_NONE;
	CLEANUP(json_free_p) struct json *plain = sbom_json(&m, &o);
	CHECK(relations(plain, "SPDXRef-artifact-node.qcow2", "CONTAINS", "SPDXRef-file-kubelet") == 1);
}

/* The SBOM has the artifacts' digests, the manifest that of the SBOM too. */
TEST(manifest_write_into_the_stage)
{
	CLEANUP(lock_done) struct lock lock;
	CLEANUP(artifacts_close) struct artifacts o = { .dirfd = -1, .stagefd = -1 };
	struct recipe recipe = make_recipe();
	struct manifest m = { .recipe = &recipe, .lock = &lock, .key = "k" };
	FAKE_ROOT();

	make_lock(&lock);
	CHECK(artifacts_open(path, "node", &o, &err) == 0);
	CLEANUP(close_p) int artifact = artifacts_file(&o, "tar.zst", &err);
	CHECK(artifact >= 0 && write_all(artifact, "tree", 4) == 0);
	CHECK(manifest_write(&m, &o, json_object(), &err) == 0);
	CHECK(artifacts_publish(&o, &err) == 0);
	CLEANUP(free_p) char *manifest = fake_get(path, "/node.manifest.json");
	CLEANUP(free_p) char *sbom = fake_get(path, "/node.spdx.json");
	CHECK(manifest && text_starts(manifest, "{\n  \"format\": 1,\n"));
	CHECK(manifest && sbom && strstr(manifest, "\"node.spdx.json\"") && strstr(manifest, "\"node.tar.zst\""));
	CHECK(strstr(sbom, "SPDXRef-artifact-node.tar.zst") && !strstr(sbom, "manifest.json"));
	FAKE_ROOT_END();
}

static void add_module(struct lock_component *c, const char *path, const char *version, const char *sum)
{
	vec_push(&c->modules,
		 (struct lock_module){ xstrdup(path), xstrdup(version), sum ? xstrdup(sum) : NULL, xstrdup("h1:y=") });
}

/* Two programs' components that share a module, a C program, and one from packages, which the groups have already. */
static void add_components(struct lock *lock)
{
	static const struct {
		const char *name, *version;
		enum component_source source;
	} components[] = { { "coredns", "1.14.7", COMPONENT_GO_MODULES },
			   { "crictl", "1.37.0", COMPONENT_PACKAGES },
			   { "kubernetes", "1.37.2", COMPONENT_GO_MODULES },
			   { "pause", "3.10.2", COMPONENT_C } };

	for (size_t i = 0; i < ARRAY_SIZE(components); i++) {
		struct lock_component c = { .name = xstrdup(components[i].name),
					    .version = xstrdup(components[i].version),
					    .source = components[i].source };
		if (c.source == COMPONENT_GO_MODULES) {
			c.go_package = xstrdup("golang-1.26-go");
			add_module(&c, "github.com/BurntSushi/toml", "v1.6.0", "h1:a=");
			add_module(&c, "github.com/burntSushi/toml", "v1.6.0", "h1:b=");
		}
		if (text_same(c.name, "kubernetes")) {
			add_module(&c, "github.com/docker/docker", "v28.5.2+incompatible", "h1:c=");
			add_module(&c, "golang.org/x/only-its-go.mod", "v0.1.0", NULL);
			add_module(&c, "k8s.io/kubernetes", "v1.37.2", "h1:d=");
		}
		vec_push(&lock->components, c);
	}
	add_package(lock, LOCK_GO, "golang-1.26-go", "1.26.11-1~bpo13+1", "http://mirror.example/pool/go.deb");
}

static struct json *make_with_components(const struct licenses *licenses)
{
	CLEANUP(lock_done) struct lock lock;
	CLEANUP(artifacts_close) struct artifacts o;
	struct recipe recipe = make_recipe();
	struct manifest m = { .recipe = &recipe, .lock = &lock, .licenses = licenses, .key = "k" };
	struct component kubernetes = { .name = (char *)"kubernetes",
					.description = (char *)"Kubernetes, node and control plane",
					.license = (char *)"Apache-2.0",
					.go = { .module = (char *)"k8s.io/kubernetes" } };

	make_lock(&lock);
	add_components(&lock);
	make_outputs(&o);
	vec_push(&recipe.components, kubernetes);
	struct json *d = sbom_json(&m, &o);
	vec_done(&recipe.components);
	return d;
}

TEST(sbom_has_components_and_modules)
{
	struct license toml = { (char *)"github.com/BurntSushi/toml", (char *)"v1.6.0", (char *)"MIT" };
	struct licenses licenses = { { &toml, 1, 1 } };
	CLEANUP(json_free_p) struct json *d = make_with_components(&licenses);
	const struct json *packages = json_get(d, "packages"), *list = json_get(d, "relationships");
	const char *kubernetes = "SPDXRef-component-kubernetes-1.37.2",
		   *toml_id = "SPDXRef-go-github.com.2F.42urnt.53ushi.2Ftoml-v1.6.0";

	/* those of sbom_packages_have_required_fields, three components, four modules, the standard library */
	CHECK(json_count(packages) == 12 + 3 + 4 + 1);
	for (size_t i = 0; i < json_count(packages); i++)
		CHECK(is_id(json_get_string(json_at(packages, i), "SPDXID")));
	for (size_t i = 0; i < json_count(list); i++) {
		const char *from = json_get_string(json_at(list, i), "spdxElementId");
		CHECK(text_same(from, "SPDXRef-DOCUMENT") || packages_of_id(d, from) == 1);
		CHECK(packages_of_id(d, json_get_string(json_at(list, i), "relatedSpdxElement")) == 1);
	}
	CHECK(relations(d, NULL, "CONTAINS", kubernetes) == 2 &&
	      relations(d, NULL, "CONTAINS", "SPDXRef-component-pause-3.10.2") == 2);
	CHECK(relations(d, NULL, "CONTAINS", "SPDXRef-component-crictl-1.37.0") == 0);
	/* once of each component, not once of each artifact */
	CHECK(relations(d, kubernetes, "DEPENDS_ON", NULL) == 5 && relations(d, NULL, "DEPENDS_ON", toml_id) == 2);
	CHECK(relations(d, NULL, "DEPENDS_ON", "SPDXRef-go-stdlib-1.26.11") == 2);
}

TEST(sbom_components_golden)
{
	struct license toml = { (char *)"github.com/BurntSushi/toml", (char *)"v1.6.0", (char *)"MIT" };
	struct licenses licenses = { { &toml, 1, 1 } };
	CLEANUP(json_free_p) struct json *d = make_with_components(&licenses);

	CHECK(golden_is_json("tests/golden/manifest/spdx-components.json", d));
}
