/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock.h"
#include "lib/hash.h"
#include "tests/unit/check.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct lock_package package(const char *name, const char *url)
{
	return (struct lock_package){
		.name = xstrdup(name),
		.version = xstrdup("1:2.0~rc1+deb12u1-1"),
		.architecture = xstrdup("amd64"),
		.url = xstrdup(url),
		.sha256 = xstrdup(HEX_A),
		.size = 1234,
		.installed = 4096,
	};
}

static struct lock_file file(const char *name, const char *url)
{
	return (struct lock_file){ .name = xstrdup(name), .url = xstrdup(url), .sha256 = xstrdup(HEX_A) };
}

static void add_source(struct lock *lock, const char *name, const char *version)
{
	struct lock_source source = { .name = xstrdup(name), .version = xstrdup(version) };

	vec_push(&source.files.list, file("x.dsc", "http://example.invalid/debian/pool/x.dsc"));
	vec_push(&lock->sources, source);
}

#define SUM "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void add_components(struct lock *lock)
{
	struct lock_component go = { .name = xstrdup("kubernetes"),
				     .version = xstrdup("1.37.2"),
				     .date = 1795000000,
				     .go_package = xstrdup("golang-1.26-go"),
				     .go_mod = xstrdup("module nodekiln\n\ngo 1.26.0\n") };

	vec_push(&go.modules, (struct lock_module){ xstrdup("k8s.io/api"), xstrdup("v0.37.2"), NULL, xstrdup(SUM) });
	vec_push(&go.modules,
		 (struct lock_module){ xstrdup("k8s.io/kubernetes"), xstrdup("v1.37.2"), xstrdup(SUM), xstrdup(SUM) });
	vec_push(
		&lock->components,
		(struct lock_component){ .name = xstrdup("cni"), .version = xstrdup("3.10.2"), .source = COMPONENT_C });
	vec_push(&lock->components, go);
}

static void make_lock(struct lock *lock)
{
	add_components(lock);
	vec_push(&lock->group[LOCK_BASE],
		 package("zsh", "http://example.invalid/debian/pool/main/z/zsh/zsh_1_amd64.deb"));
	vec_push(&lock->group[LOCK_BASE],
		 package("adduser", "http://example.invalid/debian/pool/main/a/adduser_1_all.deb"));
	vec_push(&lock->group[LOCK_VM],
		 package("kubelet", "https://k8s.invalid/v1.35/deb/amd64/kubelet_1.35.1-1.1_amd64.deb"));
	add_source(lock, "curl", "7.88.1-10+deb12u5");
	add_source(lock, "kubernetes", "1.20.5+really1.20.2-1.1");
	vec_push(&lock->binaries.list, file("kubeadm", "https://example.invalid/kubeadm"));
	lock->kubernetes_version = xstrdup("1.20.2");
	lock->recipe_digest = xstrdup(HEX_A);
}

static void lock_text(const struct lock *lock, struct text *ret)
{
	CLEANUP(json_free_p) struct json *json = lock_json(lock);

	json_print(json, true, ret);
}

TEST(lock_json_round_trip)
{
	CLEANUP(lock_done) struct lock lock = { 0 }, back = { 0 };
	CLEANUP(text_done) struct text text = { 0 }, again = { 0 };
	struct error err = { 0 };

	make_lock(&lock);
	lock_text(&lock, &text);
	CHECK_STR(lock_parse("l", text.data, text.len, &back, &err) < 0 ? err.text : "", "");
	lock_text(&back, &again);
	CHECK_STR(again.data, text.data);
	CHECK(back.group[LOCK_BASE].n == 2 && back.group[LOCK_TOOLCHAIN].n == 0 && back.binaries.list.n == 1);
	CHECK_STR(back.group[LOCK_BASE].at[0].name, "adduser");
	CHECK_STR(back.group[LOCK_BASE].at[1].url, "http://example.invalid/debian/pool/main/z/zsh/zsh_1_amd64.deb");
	CHECK_STR(back.group[LOCK_VM].at[0].url, "https://k8s.invalid/v1.35/deb/amd64/kubelet_1.35.1-1.1_amd64.deb");
	CHECK(back.group[LOCK_BASE].at[0].size == 1234 && back.group[LOCK_BASE].at[0].installed == 4096);
	CHECK_STR(back.kubernetes_version, "1.20.2");
	CHECK(back.sources.n == 2 && lock_source(&back, "curl") == &back.sources.at[0] && !lock_source(&back, "cur"));
	CHECK_STR(back.sources.at[1].version, "1.20.5+really1.20.2-1.1");
	CHECK(back.components.n == 2 && lock_component(&back, "kubernetes")->modules.n == 2);
	CHECK_STR(back.components.at[1].go_mod, "module nodekiln\n\ngo 1.26.0\n");
	CHECK(!back.components.at[1].modules.at[0].sum && back.components.at[1].date == 1795000000);
	CHECK_STR(back.components.at[1].modules.at[1].sum, SUM);
	CHECK_STR(back.sources.at[1].files.list.at[0].name, "x.dsc");
}

/* What a recipe accepts, the lock that is made of it accepts, too. */
TEST(lock_names_of_components)
{
	static const char *const names[] = { "x", "node_exporter", "CoreDNS", "1password.agent" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(lock_done) struct lock lock = { 0 }, back = { 0 };
		CLEANUP(text_done) struct text text = { 0 };
		struct error err = { 0 };

		make_lock(&lock);
		free(lock.components.at[0].name);
		lock.components.at[0].name = xstrdup(names[i]);
		free(lock.components.at[1].name);
		lock.components.at[1].name = xstrdup("z");
		lock_text(&lock, &text);
		CHECK_STR(lock_parse("l", text.data, text.len, &back, &err) < 0 ? err.text : "", "");
	}
}

TEST(lock_json_repository_once)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	make_lock(&lock);
	lock_text(&lock, &text);
	CHECK(strstr(text.data, "\"http://example.invalid/debian/\""));
	CHECK(strstr(text.data, "\"path\": \"pool/main/z/zsh/zsh_1_amd64.deb\""));
}

TEST(lock_parse_empty)
{
	CLEANUP(lock_done) struct lock lock = { .recipe_digest = xstrdup(HEX_A) }, back = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	lock_text(&lock, &text);
	CHECK_STR(lock_parse("l", text.data, text.len, &back, &err) < 0 ? err.text : "", "");
	CHECK(!back.kubernetes_version);
}

/* A written lock with one thing exchanged must be refused, in the given words. */
static const struct {
	const char *old, *new, *error;
} spoilt[] = {
	{ "\"nodekiln_lock\": 4", "\"nodekiln_lock\": 5", "l: nodekiln_lock must be 4" },
	{ "\"nodekiln_lock\": 4", "\"nodekiln_lock\": 3",
	  "l: nodekiln_lock is 3, the format of an older nodekiln, and must be 4; run `nodekiln lock` again" },
	{ "\"source\": \"go-modules\"", "\"source\": \"go\"", "l: components[1].source has no valid value: 'go'" },
	{ "\"source\": \"c\"", "\"source\": \"go-modules\"", "l: components[0].go_package has no valid value" },
	{ "\"name\": \"kubernetes\"", "\"name\": \"cni\"", "l: components[1] (cni) follows cni" },
	{ "\"name\": \"cni\"", "\"name\": \"../p\"", "l: components[0].name has no valid value: '../p'" },
	{ "\"version\": \"1.37.2", "\"version\": \"/1.", "l: components[1].version has no valid value: '/1.'" },
	{ "\"date\": 1795000000", "\"date\": -1", "l: components[1].date must be a number" },
	{ "\"go_mod\": \"module", "\"go_text\": \"module", "l: components[1] has an unknown key 'go_text'" },
	{ "\"k8s.io/api v0", "\"../api v0", "l: components[1].modules has no valid value: '../api v0" },
	{ "\"k8s.io/api v0", "\"k8s.io//api v0", "l: components[1].modules has no valid value: 'k8s.io//api v0" },
	{ "v0.37.2 -", "0.37.2 -", "l: components[1].modules has no valid value: 'k8s.io/api 0.37.2" },
	{ "v0.37.2 -", "v0.37.2 h1:AA==", "l: components[1].modules has no valid value" },
	{ "\"k8s.io/api v0", "\"k8s.io/zzz v0", "l: components[1].modules: k8s.io/kubernetes follows k8s.io/zzz" },
	{ "\"size\": 1234", "\"size\": -1", "l: packages.base[0].size must be a number" },
	{ "\"size\": 1234", "\"size\": \"1234\"", "l: packages.base[0].size must be a number" },
	{ "\"size\": 1234", "\"size\": 1234, \"odd\": 1", "l: packages.base[0] has an unknown key 'odd'" },
	{ "\"sha256\": \"aaaa", "\"sha256\": \"AAAA", "l: packages.base[0].sha256 has no valid value: 'AAAAaaaa" },
	{ "\"sha256\": \"aaaa", "\"sha256\": \"", "l: packages.base[0].sha256 has no valid value" },
	{ "\"version\": \"1:", "\"version\": \"; rm ", "l: packages.base[0].version has no valid value: '; rm " },
	{ "\"name\": \"adduser\"", "\"name\": \"../x\"", "l: packages.base[0].name has no valid value: '../x'" },
	{ "\"name\": \"adduser\"", "\"name\": \"zsh\"", "l: packages.base[1] (zsh) follows zsh" },
	{ "\"name\": \"adduser\"", "\"name\": 1", "l: packages.base[0].name is missing or not a string" },
	{ "\"path\": \"pool", "\"path\": \"../pool", "l: packages.base[0].path has no valid value" },
	{ "\"path\": \"pool", "\"path\": \"/pool", "l: packages.base[0].path has no valid value" },
	{ "\"repository\": 0", "\"repository\": 2", "l: packages.base[0].repository must be a number from 0 to 1" },
	{ "\"http://example.invalid/debian/\"", "\"/etc/\"", "l: repositories must contain URLs" },
	{ "\"toolchain\": [", "\"tools\": [", "l: packages has an unknown key 'tools'" },
	{ "\"kubernetes_version\": \"1.20.2\"", "\"kubernetes_version\": 1.20",
	  "l: the lock.kubernetes_version is missing" },
	{ "\"files\": [", "\"files\": [ 1, ", "l: sources[0].files[0] must be an object" },
	{ "\"files\": [", "\"file\": [", "l: sources[0] has an unknown key 'file'" },
	{ "\"url\": \"http:", "\"url\": \"gopher:", "l: sources[0].files[0].url has no valid value" },
	{ "\"name\": \"x.dsc\"", "\"name\": \"../x.dsc\"", "l: sources[0].files[0].name has no valid value" },
	{ "\"name\": \"curl\"", "\"name\": \"kubernetes\"", "l: sources[1] (kubernetes) follows kubernetes" },
	{ "\"version\": \"7.", "\"version\": \"/7.", "l: sources[0].version has no valid value" },
	{ "\"sources\": [", "\"sources\": {}, \"binaries\": [", "l: sources must be a list" },
	{ "\"url\": \"https://example.invalid/kubeadm", "\"url\": \"gopher:", "l: binaries[0].url has no valid value" },
	{ "{", "[{", "l: the JSON text ends too early" },
};

static void spoil(const char *text, const char *old, const char *new, struct text *ret)
{
	const char *found = strstr(text, old);

	text_addn(ret, text, (size_t)(found - text));
	text_add(ret, new);
	text_add(ret, found + strlen(old));
}

TEST(lock_parse_refuses)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	make_lock(&lock);
	lock_text(&lock, &text);
	for (size_t i = 0; i < ARRAY_SIZE(spoilt); i++) {
		CLEANUP(text_done) struct text bad = { 0 };
		CLEANUP(lock_done) struct lock back = { 0 };
		struct error err = { 0 };

		CHECK(strstr(text.data, spoilt[i].old));
		spoil(text.data, spoilt[i].old, spoilt[i].new, &bad);
		CHECK(lock_parse("l", bad.data, bad.len, &back, &err) < 0);
		if (!text_starts(err.text, spoilt[i].error))
			CHECK_STR(err.text, spoilt[i].error);
		CHECK(err.class == ERROR_INPUT);
	}
}

TEST(lock_group_digest_of_packages)
{
	CLEANUP(lock_done) struct lock one = { 0 }, two = { 0 };
	char a[SHA256_HEX], b[SHA256_HEX], vm[SHA256_HEX];

	make_lock(&one);
	make_lock(&two);
	lock_group_digest(&one, LOCK_BASE, a);
	lock_group_digest(&two, LOCK_BASE, b);
	lock_group_digest(&one, LOCK_VM, vm);
	CHECK_STR(a, b);
	CHECK(strcmp(a, vm) != 0);
	two.group[LOCK_BASE].at[0].sha256[0] = 'b';
	lock_group_digest(&two, LOCK_BASE, b);
	CHECK(strcmp(a, b) != 0);
}

TEST(lock_find_by_name)
{
	CLEANUP(lock_done) struct lock lock = { 0 };

	make_lock(&lock);
	CHECK(lock_find(&lock, LOCK_BASE, "zsh") == &lock.group[LOCK_BASE].at[0]);
	CHECK(!lock_find(&lock, LOCK_VM, "zsh"));
}

TEST(lock_load_missing_file)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct error err = { 0 };

	CHECK(lock_load("no/such/x.lock.json", &lock, &err) < 0);
	CHECK(err.class == ERROR_INPUT && strstr(err.text, "nodekiln lock") && strstr(err.text, "no/such/x.lock.json"));
}

/* Groups are on top of each other as apt solves them and as layers are stacked. */
TEST(lock_group_parents)
{
	CHECK(lock_group_parent(LOCK_BASE) == LOCK_GROUPS && lock_group_parent(LOCK_GROUPS) == LOCK_GROUPS);
	CHECK(lock_group_parent(LOCK_VM) == LOCK_BASE && lock_group_parent(LOCK_LXC) == LOCK_BASE);
	CHECK(lock_group_parent(LOCK_EXTRA_VM) == LOCK_VM && lock_group_parent(LOCK_EXTRA_LXC) == LOCK_LXC);
	CHECK(lock_group_parent(LOCK_TOOLCHAIN) == LOCK_GROUPS && lock_group_parent(LOCK_IMAGE) == LOCK_GROUPS);
	for (enum lock_group g = 0; g <= LOCK_GROUPS; g++) {
		CHECK(lock_group_is_parent(g) == (g == LOCK_BASE || g == LOCK_VM || g == LOCK_LXC));
		CHECK(lock_group_is_extra(g) == (g == LOCK_EXTRA_VM || g == LOCK_EXTRA_LXC));
		CHECK(g == LOCK_GROUPS || lock_group_parent(g) == LOCK_GROUPS || lock_group_parent(g) < g);
	}
}
