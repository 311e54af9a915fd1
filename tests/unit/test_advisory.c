/* SPDX-License-Identifier: Apache-2.0 */
/* Entries are those of tests/fuzz/corpus/osv/. Only the layout around them is made here. */
#include "builder/advisory/advisory.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/own_cache.h"

#define FLAT "tests/fuzz/corpus/osv"
#define DAY (24 * 60 * 60)
#define INDEX                                                                                                          \
	"[{\"path\":\"google.golang.org/protobuf\",\"vulns\":[{\"id\":\"GO-2024-2611\",\"modified\":\"x\"}]},"         \
	"{\"path\":\"golang.org/x/net\",\"vulns\":[{\"id\":\"GO-2024-2687\"}]},"                                       \
	"{\"path\":\"stdlib\",\"vulns\":[{\"id\":\"GO-2024-2687\"}]},"                                                 \
	"{\"path\":\"not.example/in/the/lock\",\"vulns\":[{\"id\":\"GO-1-not-there\"}]}]"

static void add_module(struct lock_component *c, const char *path, const char *version, const char *sum)
{
	vec_push(&c->modules,
		 (struct lock_module){ xstrdup(path), xstrdup(version), sum ? xstrdup(sum) : NULL, xstrdup("h1:y=") });
}

/* Two components with an old protobuf, one with a new one; compiled by Go 1.22.0. */
static void make_lock(struct lock *lock)
{
	struct lock_component etcd = { .name = xstrdup("etcd"),
				       .version = xstrdup("3.5.0"),
				       .source = COMPONENT_GO_MODULES,
				       .go_package = xstrdup("golang-1.22-go") };
	struct lock_component runc = { .name = xstrdup("runc"),
				       .version = xstrdup("1.1.0"),
				       .source = COMPONENT_GO_MODULES };
	struct lock_component packages = { .name = xstrdup("a"),
					   .version = xstrdup("1"),
					   .source = COMPONENT_PACKAGES };

	add_module(&etcd, "google.golang.org/protobuf", "v1.32.0", "h1:x=");
	add_module(&etcd, "golang.org/x/net", "v0.22.0", NULL); /* only its go.mod is read */
	add_module(&runc, "google.golang.org/protobuf", "v1.32.0", "h1:x=");
	add_module(&runc, "golang.org/x/net", "v0.23.0", "h1:x=");
	add_module(&packages, "golang.org/x/net", "v0.1.0", "h1:x=");
	vec_push(&lock->components, packages);
	vec_push(&lock->components, etcd);
	vec_push(&lock->components, runc);
	vec_push(&lock->group[LOCK_GO], (struct lock_package){ .name = xstrdup("golang-1.22-go"),
							       .version = xstrdup("1.22.0-1~bpo13+1"),
							       .architecture = xstrdup("amd64"),
							       .url = xstrdup("http://mirror.example/g.deb"),
							       .sha256 = xstrdup("0") });
}

static int find(const char *source, struct cache *cache, time_t today, struct text *ret, struct error *err)
{
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(advisories_done) struct advisories known = { 0 };
	CLEANUP(lock_diff_done) struct lock_diff diff = { 0 };

	make_lock(&lock);
	advisories_modules(&lock, &known);
	if (advisories_find(source, cache, today, &known, err) < 0)
		return -1;
	advisories_report(&known, &diff);
	lock_diff_print(&diff, ret);
	return (int)lock_diff_security(&diff);
}

#define FOUND                                                                                                          \
	"advisory  modules    google.golang.org/protobuf v1.32.0 -> v1.33.0: GO-2024-2611 in etcd runc: "              \
	"Infinite loop in JSON unmarshaling in google.golang.org/protobuf\n"                                           \
	"advisory  modules    stdlib v1.22.0 -> v1.22.2: GO-2024-2687 in etcd: "                                       \
	"HTTP/2 CONTINUATION flood in net/http\n"

static int copy_entry(const char *root, const char *id, const char *to, struct error *err)
{
	CLEANUP(free_p) char *from = xasprintf(FLAT "/%s.json", id);
	CLEANUP(text_done) struct text text = { 0 };

	if (file_read(AT_FDCWD, from, 1 << 20, &text, err) < 0)
		return -1;
	fake_put(root, to, text.data);
	return 0;
}

static int make_database(const char *root, struct error *err)
{
	fake_put(root, "/index/modules.json", INDEX);
	if (copy_entry(root, "GO-2024-2611", "/ID/GO-2024-2611.json", err) < 0)
		return -1;
	return copy_entry(root, "GO-2024-2687", "/ID/GO-2024-2687.json", err);
}

TEST(advisory_flat_directory)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	CHECK(find(FLAT, NULL, 0, &text, &err) == 2);
	CHECK_STR(text.data, FOUND);
}

TEST(advisory_database_directory)
{
	CLEANUP(text_done) struct text text = { 0 }, again = { 0 };
	FAKE_ROOT();

	CHECK(make_database(path, &err) == 0);
	CHECK(find(path, NULL, 0, &text, &err) == 2);
	CHECK_STR(text.data, FOUND);
	/* an entry that the index names is missing */
	CLEANUP(free_p) char *id = xasprintf("%s/ID/GO-2024-2611.json", path);
	CHECK(unlink(id) == 0 && find(path, NULL, 0, &again, &err) < 0 && strstr(err.text, "GO-2024-2611.json"));
	FAKE_ROOT_END();
}

/* A day's second check asks for nothing, the next day's asks again. */
TEST(advisory_url_is_cached_for_a_day)
{
	CLEANUP(text_done) struct text first = { 0 }, second = { 0 }, next = { 0 };
	FAKE_ROOT();
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = xasprintf("file://%s", path);

	CHECK(make_database(path, &err) == 0);
	CHECK(find(url, &w.cache, 100 * DAY, &first, &err) == 2);
	CHECK_STR(first.data, FOUND);
	fake_put(path, "/index/modules.json", "[]");
	CHECK(find(url, &w.cache, 100 * DAY + DAY - 1, &second, &err) == 2);
	CHECK_STR(second.data, FOUND);
	CHECK(find(url, &w.cache, 101 * DAY, &next, &err) == 0 && next.len == 0);
	FAKE_ROOT_END();
}

TEST(advisory_should_fail)
{
	static const struct {
		const char *index, *said;
	} cases[] = {
		{ "{", "index/modules.json" },
		{ "{}", "must be a list" },
		{ "[1]", "has no path" },
		{ "[{\"path\":\"stdlib\",\"vulns\":[{}]}]", "id is missing" },
		{ "[{\"path\":\"stdlib\",\"vulns\":[{\"id\":\"../../x\"}]}]", "id is missing or not valid" },
		{ "[{\"path\":\"stdlib\",\"vulns\":[{\"id\":\".x\"}]}]", "id is missing or not valid" },
		{ "[{\"path\":\"stdlib\",\"vulns\":[{\"id\":\"GO-1\"}]}]", "GO-1" },
	};
	CLEANUP(text_done) struct text text = { 0 };
	FAKE_ROOT();
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CHECK(own_cache_open(&w) == 0);
	CLEANUP(free_p) char *url = xasprintf("file://%s", path);

	CHECK(find(path, NULL, 0, &text, &err) < 0 && err.class == ERROR_INPUT && strstr(err.text, "OSV"));
	CHECK(find("/nonexistent", NULL, 0, &text, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(find("ftp://x/", &w.cache, 0, &text, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(find(url, &w.cache, 0, &text, &err) < 0 && err.class == ERROR_NETWORK);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_put(path, "/index/modules.json", cases[i].index);
		CHECK(find(path, NULL, 0, &text, &err) < 0 && strstr(err.text, cases[i].said));
		CHECK(find(url, &w.cache, (time_t)(i + 1) * DAY, &text, &err) < 0 && strstr(err.text, cases[i].said));
	}
	FAKE_ROOT_END();
}

/* Debian's names of Go's versions. */
TEST(advisory_version_of_go)
{
	static const char *const versions[][2] = {
		{ "1.26.11-1~bpo13+1", "v1.26.11" },
		{ "1.27~rc2-1", "v1.27.0-rc.2" },
		{ "1.27-2", "v1.27" },
		{ "1.19.8-2+deb12u1", "v1.19.8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		CLEANUP(lock_done) struct lock lock = { 0 };
		CLEANUP(advisories_done) struct advisories known = { 0 };
		make_lock(&lock);
		free(lock.group[LOCK_GO].at[0].version);
		lock.group[LOCK_GO].at[0].version = xstrdup(versions[i][0]);
		advisories_modules(&lock, &known);
		CHECK(known.modules.n == 4);
		CHECK_STR(known.modules.at[2].path, "stdlib");
		CHECK_STR(known.modules.at[2].version, versions[i][1]);
	}
}
