/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/corpus/osv/ has entries of the Go vulnerability database (CC BY 4.0, https://go.dev/security/vuln/). */
#include "builder/golang/osv.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define RANGE(module, events)                                                                                          \
	"{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Go\",\"name\":\"" module                          \
	"\"},\"ranges\":[{\"type\":\"SEMVER\",\"events\":[" events "]}]}]}"

static int load(const char *id, struct osv *ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("tests/fuzz/corpus/osv/%s.json", id);
	CLEANUP(text_done) struct text text = { 0 };

	if (file_read(AT_FDCWD, file, OSV_TEXT_MAX, &text, err) < 0)
		return -1;
	return osv_parse(id, text.data, text.len, ret, err);
}

TEST(osv_parse_real_entry)
{
	CLEANUP(osv_done) struct osv osv = { 0 };
	struct error err = { 0 };

	CHECK(load("GO-2024-2611", &osv, &err) == 0);
	CHECK_STR(osv.id, "GO-2024-2611");
	CHECK_STR(osv.summary, "Infinite loop in JSON unmarshaling in google.golang.org/protobuf");
	CHECK(strings_has(&osv.aliases, "CVE-2024-24786") && osv.aliases.n == 2);
	CHECK(osv.ranges.n == 1 && osv.ranges.at[0].events.n == 2);
}

TEST(osv_concerns_versions)
{
	static const struct {
		const char *id, *module, *version;
		bool concerned;
		const char *fixed;
	} cases[] = {
		{ "GO-2024-2611", "google.golang.org/protobuf", "v1.32.0", true, "v1.33.0" },
		{ "GO-2024-2611", "google.golang.org/protobuf", "v1.33.0", false, NULL },
		/* a pseudo-version before and after the release with the fix */
		{ "GO-2024-2611", "google.golang.org/protobuf", "v1.33.0-0.20240101000000-0123456789ab", true,
		  "v1.33.0" },
		{ "GO-2024-2611", "google.golang.org/protobuf", "v1.33.1-0.20240401000000-0123456789ab", false, NULL },
		{ "GO-2024-2611", "google.golang.org/protobuf/v2", "v1.32.0", false, NULL },
		{ "GO-2024-2687", "stdlib", "v1.21.8", true, "v1.21.9" },
		{ "GO-2024-2687", "stdlib", "v1.21.9", false, NULL },
		{ "GO-2024-2687", "stdlib", "v1.22.0-rc.1", true, "v1.22.2" },
		{ "GO-2024-2687", "stdlib", "v1.22", true, "v1.22.2" },
		{ "GO-2024-2687", "golang.org/x/net", "v0.0.0-20211112202133-69e39bad7dc2", true, "v0.23.0" },
		{ "GO-2022-0890", "k8s.io/kubernetes", "v1.16.9", false, NULL },
		{ "GO-2022-0890", "k8s.io/kubernetes", "v1.17.0", true, "v1.17.4" },
		{ "GO-2022-0890", "k8s.io/kubernetes", "v1.37.2", false, NULL },
		{ "GO-2022-0890", "k8s.io/kubernetes", "(devel)", false, NULL },
		{ "GO-2022-0617", "k8s.io/kubernetes", "v1.37.2", false, NULL }, /* withdrawn */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(osv_done) struct osv osv = { 0 };
		struct error err = { 0 };
		const char *fixed;
		CHECK(load(cases[i].id, &osv, &err) == 0);
		CHECK(osv_concerns(&osv, cases[i].module, cases[i].version, &fixed) == cases[i].concerned);
		CHECK(!cases[i].concerned || text_same(fixed, cases[i].fixed));
	}
}

/* Events in any order; no fix; the last version that is affected; a fix and an introduction at one version. */
TEST(osv_concerns_events)
{
	static const struct {
		const char *text, *version;
		bool concerned;
	} cases[] = {
		{ RANGE("a", "{\"fixed\":\"1.5.0\"},{\"introduced\":\"1.2.0\"}"), "v1.3.0", true },
		{ RANGE("a", "{\"fixed\":\"1.5.0\"},{\"introduced\":\"1.2.0\"}"), "v1.1.9", false },
		{ RANGE("a", "{\"introduced\":\"0\"}"), "v99.0.0", true },
		{ RANGE("a", "{\"introduced\":\"0\"},{\"last_affected\":\"1.5.0\"}"), "v1.5.0", true },
		{ RANGE("a", "{\"introduced\":\"0\"},{\"last_affected\":\"1.5.0\"}"), "v1.5.1", false },
		{ RANGE("a", "{\"introduced\":\"2\"},{\"fixed\":\"2\"},{\"introduced\":\"0\"}"), "v2.0.0", true },
		{ RANGE("b", "{\"introduced\":\"0\"}"), "v1.0.0", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(osv_done) struct osv osv = { 0 };
		struct error err = { 0 };
		const char *fixed;
		CHECK(osv_parse("x", cases[i].text, strlen(cases[i].text), &osv, &err) == 0);
		CHECK(osv_concerns(&osv, "a", cases[i].version, &fixed) == cases[i].concerned);
	}
}

TEST(osv_parse_other_kinds)
{
	static const char text[] = "{\"id\":\"X\",\"affected\":[{\"package\":{\"ecosystem\":\"PyPI\",\"name\":\"a\"},"
				   "\"ranges\":[{\"type\":\"SEMVER\","
				   "\"events\":[{\"what\":1}]}]},{\"package\":{\"ecosystem\":\"Go\",\"name\":\"a\"},"
				   "\"ranges\":[{\"type\":\"GIT\"}]}]}";
	CLEANUP(osv_done) struct osv osv = { 0 };
	struct error err = { 0 };

	CHECK(osv_parse("x", text, strlen(text), &osv, &err) == 0 && osv.ranges.n == 0);
}

TEST(osv_parse_should_fail)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{ "", "x" },
		{ "[]", "must be an object" },
		{ "{}", "id is missing" },
		{ "{\"id\":\"\"}", "id is missing" },
		{ "{\"id\":\"a\\u001bb\"}", "id is missing or not valid" },
		{ "{\"id\":\"a\",\"affected\":{}}", "must be a list" },
		{ "{\"id\":\"a\",\"affected\":[{}]}", "has no package" },
		{ "{\"id\":\"a\",\"affected\":[7]}", "has no package" },
		{ "{\"id\":\"a\",\"aliases\":[1]}", "aliases must contain texts" },
		{ RANGE("", "{\"introduced\":\"0\"}"), "is no module" },
		{ RANGE("a\\u0007", "{\"introduced\":\"0\"}"), "is no module" },
		{ RANGE("a", ""), "events must be a list" },
		{ RANGE("a", "{\"introduced\":\"1.x\"}"), "introduced is no version" },
		{ RANGE("a", "{\"introduced\":\"0\"},{\"limit\":\"1.0.0\"}"),
		  "is not introduced, fixed or last_affected" },
		{ RANGE("a", "{\"introduced\":5}"), "is not introduced" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(osv_done) struct osv osv = { 0 };
		struct error err = { 0 };
		CHECK(osv_parse("x", cases[i].text, strlen(cases[i].text), &osv, &err) < 0);
		CHECK(err.class == ERROR_INPUT && strstr(err.text, cases[i].said));
	}
}
