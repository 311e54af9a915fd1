/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/resolve.h"
#include "tests/unit/fake_apt.h"
#include "tests/unit/own_cache.h"

static const struct resolve_options options = { .mirror.archive = "http://m.example/debian" };

#define RECIPE                                                                                                         \
	"distribution: {suite: bookworm, updates: false, security: false, variant: essential, keyring: keyring.gpg}\n" \
	"packages: {base: [bash, containerd], vm: [grub], lxc: [ifupdown]%s}\n"

/* The recipe with more packages: ", extra: [x]". */
static int load(const char *root, const char *packages, const char *more, struct recipe *ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/r.yaml", root);
	CLEANUP(free_p) char *text = xasprintf(RECIPE "%s", packages, more);

	fake_put(root, "/r.yaml", text);
	return recipe_load(file, ret, err);
}

static char *names(const struct lock *lock, enum lock_group group)
{
	struct text text = { 0 };

	text_add(&text, "");
	for (size_t i = 0; i < lock->group[group].n; i++)
		text_addf(&text, "%s%s", i ? " " : "", lock->group[group].at[i].name);
	return text_take(&text);
}

TEST(resolve_fills_groups_and_sources)
{
	static const char *const want[LOCK_GROUPS] = {
		[LOCK_BASE] = "bash containerd essential",
		[LOCK_VM] = "grub",
		[LOCK_LXC] = "ifupdown",
		[LOCK_EXTRA_VM] = "htop",
		[LOCK_EXTRA_LXC] = "grub htop",
		[LOCK_IMAGE] = "",
		[LOCK_GO] = "",
	};
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	/* An extra package that vm has already is only added to lxc. */
	CHECK(load(path, ", extra: [grub, htop]", "", &recipe, &err) == 0);
	CHECK(resolve(&recipe, &options, &w.cache, &lock, &err) == 0);
	for (enum lock_group g = 0; g < LOCK_GROUPS; g++) {
		CLEANUP(free_p) char *got = names(&lock, g);
		if (g != LOCK_TOOLCHAIN)
			CHECK_STR(got, want[g]);
	}
	CHECK(lock_find(&lock, LOCK_TOOLCHAIN, "gcc") && !lock_find(&lock, LOCK_TOOLCHAIN, "bash"));
	CHECK(lock_source(&lock, "curl") && lock.sources.n == 1);
	CHECK_STR(lock_source(&lock, "curl")->version, "7.88-1");
	CHECK_STR(lock_find(&lock, LOCK_VM, "grub")->url, "http://m.example/debian/pool/grub_1.0_amd64.deb");
	CHECK(lock_find(&lock, LOCK_VM, "grub")->installed == 3 * 1024 && !lock.kubernetes_version);
	CHECK(lock_belongs(&lock, "l", &recipe, &err) == 0);
	FAKE_ROOT_END();
}

TEST(resolve_stores_solutions)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(recipe_done) struct recipe plain = { 0 }, extra = { 0 };
	CLEANUP(lock_done) struct lock first = { 0 }, second = { 0 }, third = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(load(path, "", "", &plain, &err) == 0);
	CHECK(resolve(&plain, &options, &w.cache, &first, &err) == 0);
	CHECK(fake_apt_calls(path, "update") == 1 && fake_apt_calls(path, " install ") == 4);
	CHECK(resolve(&plain, &options, &w.cache, &second, &err) == 0);
	CHECK(fake_apt_calls(path, "update") == 1 && fake_apt_calls(path, " install ") == 4);
	CHECK_STR(second.recipe_digest, first.recipe_digest);
	/* packages.extra is solved on top of the stored solution, once for each artifact. */
	CHECK(load(path, ", extra: [htop]", "", &extra, &err) == 0);
	CHECK(resolve(&extra, &options, &w.cache, &third, &err) == 0);
	CHECK(fake_apt_calls(path, " install ") == 6 && third.group[LOCK_BASE].n == 3);
	FAKE_ROOT_END();
}

/* A status file that a power failure emptied is made again. */
TEST(resolve_repeats_after_empty_status)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(recipe_done) struct recipe plain = { 0 }, extra = { 0 };
	CLEANUP(lock_done) struct lock first = { 0 }, second = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(load(path, "", "", &plain, &err) == 0 && load(path, ", extra: [grub]", "", &extra, &err) == 0);
	CHECK(resolve(&plain, &options, &w.cache, &first, &err) == 0);
	CLEANUP(free_p) char *command = xasprintf("for f in %s/apt/*/solutions/*.vm; do : >$f; done", w.cache.path);
	CHECK(system(command) == 0);
	CHECK(resolve(&extra, &options, &w.cache, &second, &err) == 0);
	CHECK(second.group[LOCK_EXTRA_VM].n == 0 && second.group[LOCK_EXTRA_LXC].n == 1);
	FAKE_ROOT_END();
}

TEST(resolve_refuses_another_version_of_base)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(load(path, ", extra: [clash]", "", &recipe, &err) == 0);
	CHECK(resolve(&recipe, &options, &w.cache, &lock, &err) == -1 && err.class == ERROR_INPUT);
	CHECK_STR(err.text,
		  "packages of extra-vm need bash 2.0, but base has 1.0; request a version that both can use in base");
	FAKE_ROOT_END();
}

TEST(resolve_names_the_group_of_a_missing_package)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(load(path, ", extra: [missing]", "", &recipe, &err) == 0);
	CHECK(resolve(&recipe, &options, &w.cache, &lock, &err) == -1 && err.class == ERROR_INPUT);
	CHECK_STR(err.text,
		  "packages of extra-vm: Unable to locate package missing; no repository of the recipe has it");
	FAKE_ROOT_END();
}

/* Resolves the recipe again and says in *ret_kind what its libcurl is. */
static int libcurl_of(const char *root, struct cache *cache, const struct resolve_options *how, const char *agent,
		      const char **ret_kind, struct error *err)
{
	CLEANUP(free_p) char *more = xasprintf("agent: {libcurl: %s}\n", agent);
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(lock_done) struct lock lock = { 0 };

	if (load(root, "", more, &recipe, err) < 0 || resolve(&recipe, how, cache, &lock, err) < 0)
		return -1;
	bool source = lock_source(&lock, "curl"), base = lock_find(&lock, LOCK_BASE, "libcurl4"),
	     headers = lock_find(&lock, LOCK_TOOLCHAIN, "libcurl4-openssl-dev");
	*ret_kind = source && !base && !headers ? "compiled" : !source && base && headers ? "packaged" : "mixed";
	return 0;
}

/* Each state of the mirror: what `auto` takes, and whether `compiled` is refused. */
TEST(resolve_takes_the_libcurl_that_the_mirror_has)
{
	static const struct {
		const char *file, *kind, *refusal;
	} mirrors[] = {
		{ "/nothing", "compiled", NULL },
		{ "/gone-curl_7.88-1.dsc", "packaged", "curl_7.88-1.dsc" },
		{ "/gone-curl_7.88.orig.tar.gz", "packaged", "curl_7.88.orig.tar.gz" },
		{ "/no-source", "packaged", "Unable to find a source package" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(mirrors); i++) {
		CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
		const char *kind = NULL;

		FAKE_ROOT();
		CHECK(own_cache_open(&w) == 0);
		fake_apt(path);
		fake_put(path, mirrors[i].file, "");
		CHECK(libcurl_of(path, &w.cache, &options, "auto", &kind, &err) == 0);
		CHECK_STR(kind, mirrors[i].kind);
		CHECK(libcurl_of(path, &w.cache, &options, "packaged", &kind, &err) == 0);
		CHECK_STR(kind, "packaged");
		int rc = libcurl_of(path, &w.cache, &options, "compiled", &kind, &err);
		CHECK((rc < 0) == (mirrors[i].refusal != NULL));
		CHECK(rc == 0 || (strstr(err.text, mirrors[i].refusal) &&
				  text_starts(err.text, "agent.libcurl is 'compiled', but the mirror does not")));
		FAKE_ROOT_END();
	}
}

/* The choice holds for the same indices, until an update; a lock that is compared keeps its own. */
TEST(resolve_keeps_its_choice_of_libcurl)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock packaged = { 0 };
	struct resolve_options again = options, like = options;
	const char *kind = NULL;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	fake_put(path, "/gone-curl_7.88-1.dsc", "");
	CHECK(libcurl_of(path, &w.cache, &options, "auto", &kind, &err) == 0);
	CHECK_STR(kind, "packaged");
	CLEANUP(free_p) char *gone = xasprintf("%s/gone-curl_7.88-1.dsc", path);
	CHECK(unlink(gone) == 0);
	int calls = fake_apt_calls(path, "apt-get");
	CHECK(libcurl_of(path, &w.cache, &options, "auto", &kind, &err) == 0);
	CHECK_STR(kind, "packaged");
	CHECK(fake_apt_calls(path, "apt-get") == calls);
	again.update = true;
	CHECK(libcurl_of(path, &w.cache, &again, "auto", &kind, &err) == 0);
	CHECK_STR(kind, "compiled");
	like.like = &packaged;
	CHECK(libcurl_of(path, &w.cache, &like, "auto", &kind, &err) == 0);
	CHECK_STR(kind, "packaged");
	FAKE_ROOT_END();
}

#define KUBERNETES                                                                                                     \
	"runtime: containerd\nkubernetes: {source: packages, version: '%s'}\n"                                         \
	"repositories: [{url: 'http://k.example/', suite: /, keyring: keyring.gpg}]\n"

TEST(resolve_sets_the_kubernetes_version)
{
	static const char *const versions[] = { "1.0", "1.34" };

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
		CLEANUP(recipe_done) struct recipe recipe = { 0 };
		CLEANUP(lock_done) struct lock lock = { 0 };
		CLEANUP(free_p) char *more = xasprintf(KUBERNETES, versions[i]);

		FAKE_ROOT();
		CHECK(own_cache_open(&w) == 0);
		fake_apt(path);
		CHECK(load(path, "", more, &recipe, &err) == 0);
		int rc = resolve(&recipe, &options, &w.cache, &lock, &err);
		if (i == 0) {
			CHECK(rc == 0);
			CHECK_STR(lock.kubernetes_version, "1.0");
		} else {
			CHECK(rc == -1 && err.class == ERROR_INPUT);
			CHECK_STR(err.text,
				  "the recipe requires Kubernetes 1.34, but kubelet in its repositories is 1.0");
		}
		FAKE_ROOT_END();
	}
}

TEST(resolve_versions_of_madison)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(strings_done) struct strings list = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(load(path, "", "", &recipe, &err) == 0);
	CHECK(resolve_versions(&recipe, &options, &w.cache, &list, &text, &err) == 0 && !text.len);
	CHECK(fake_apt_calls(path, "apt-") == 0);
	strings_add(&list, "bash");
	CHECK(resolve_versions(&recipe, &options, &w.cache, &list, &text, &err) == 0);
	CHECK_STR(text.data, "bash | 1.0 | http://m.example bookworm/main\n");
	CHECK(fake_apt_calls(path, "apt-cache madison -- bash") == 1);
	FAKE_ROOT_END();
}
