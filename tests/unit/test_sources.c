/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include "builder/apt/package_request.h"
#include "builder/apt/sources.h"

#define FINGERPRINT "DE15B14486CD377B9E876E1A234654DA9A296436"

/* ---- the host's mirror ---- */

#define DEBIAN                                                                                                         \
	"bookworm\tmain\t$(ORIGIN)\thttp://mirror.example/debian/\n"                                                   \
	"bookworm\tcontrib\t$(ORIGIN)\thttp://mirror.example/debian/\n"                                                \
	"bookworm-updates\tmain\t$(ORIGIN)\thttp://mirror.example/debian/\n"                                           \
	"bookworm-security\tmain\t$(ORIGIN)\thttp://mirror.example/debian-security/\n"

TEST(mirror_of_a_plain_host)
{
	size_t others = 9;
	CLEANUP(free_p) char *archive = mirror_choose(DEBIAN, "debian", "bookworm", "", &others);
	CHECK_STR(archive, "http://mirror.example/debian");
	CHECK(others == 0);
	CLEANUP(free_p) char *security = mirror_choose(DEBIAN, "debian", "bookworm", "-security", &others);
	CHECK_STR(security, "http://mirror.example/debian-security");
}

TEST(mirror_is_not_another_vendors_repository)
{
	size_t others;
	/* suites and components as other vendors have them */
	CLEANUP(free_p)
	char *first = mirror_choose("bookworm\tstable\t$(ORIGIN)\thttps://docker.example/debian/\n"
				    "stable\tmain\t$(ORIGIN)\thttps://cli.example/\n" DEBIAN,
				    "debian", "bookworm", "", &others);
	CHECK_STR(first, "http://mirror.example/debian");
	CHECK(others == 0);
	/* only the origin can tell these apart: without it there is a doubt, with it there is none */
	CLEANUP(free_p)
	char *doubt =
		mirror_choose("bookworm\tmain\t\thttps://vendor.example/\n" DEBIAN, "debian", "bookworm", "", &others);
	CHECK(others == 1);
	CLEANUP(free_p)
	char *sure = mirror_choose("bookworm\tmain\tVendor\thttps://vendor.example/\n"
				   "bookworm\tmain\tDebian\thttp://mirror.example/debian/\n",
				   "debian", "bookworm", "", &others);
	CHECK_STR(sure, "http://mirror.example/debian");
	CHECK(others == 0);
}

TEST(mirror_of_a_host_that_follows_stable)
{
	size_t others;
	CLEANUP(free_p)
	char *url =
		mirror_choose("stable\tmain\t\thttp://mirror.example/debian//\n", "debian", "bookworm", "", &others);
	CHECK_STR(url, "http://mirror.example/debian");
}

TEST(no_mirror)
{
	size_t others;
	CHECK(mirror_choose("", "debian", "bookworm", "", &others) == NULL);
	CHECK(mirror_choose("bookworm\tmain\n\t\t\t\nbookworm\tmain\t\t\n", "debian", "bookworm", "", &others) == NULL);
	CHECK(mirror_choose(DEBIAN, "debian", "trixie", "", &others) == NULL);
}

/* ---- the list ---- */

static struct recipe small(void)
{
	struct recipe r = { .architecture = xstrdup("amd64") };

	r.distribution.suite = xstrdup("bookworm");
	r.distribution.keyring = xstrdup("/usr/share/keyrings/debian-archive-keyring.gpg");
	strings_add(&r.distribution.components, "main");
	return r;
}

static const struct mirror mirror = { "http://mirror.example/debian", "http://mirror.example/debian-security" };

TEST(deb822_of_all_kinds)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(sources_done) struct sources s = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	r.distribution.security = true;
	vec_push(&r.repositories,
		 (struct repository){ .url = xstrdup("https://packages.example/v1.34/deb/"),
				      .suite = xstrdup("/"),
				      .key_url = xstrdup("https://packages.example/key.asc"),
				      .key_fingerprint = xstrdup("de15b14486cd377b9e876e1a234654da9a296436") });
	CHECK(sources_make(&r, &mirror, &s, &err) == 0);
	sources_deb822(&s, "/state", &text);
	CHECK_STR(text.data,
		  "Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
		  "Architectures: amd64\nSigned-By: /state/keyrings/0.gpg\n\n"
		  "Types: deb deb-src\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n"
		  "Components: main\nArchitectures: amd64\nSigned-By: /state/keyrings/1.gpg\n\n"
		  "Types: deb\nURIs: https://packages.example/v1.34/deb/\nSuites: /\nArchitectures: amd64\n"
		  "Signed-By: " FINGERPRINT "\n\n");
}

/* What would smuggle a field such as `Trusted: yes` into apt's sources, or leave the key open. */
TEST(repositories_that_are_refused)
{
	static const struct repository bad[] = {
		{ .url = "http://x/\nTrusted: yes", .suite = "/", .keyring = "/k" },
		{ .url = "http://x/", .suite = "/ [trusted=yes]", .keyring = "/k" },
		{ .url = "http://x/", .suite = "/" },
		{ .url = "http://x/", .suite = "/", .key_url = "http://x/key" },
		{ .url = "http://x/", .suite = "/", .key_url = "http://x/key", .key_fingerprint = "9A296436" },
		{ .url = "http://x/", .suite = "/", .keyring = "/k", .key_fingerprint = "9A296436" },
		{ .url = "", .suite = "/", .keyring = "/k" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(recipe_done) struct recipe r = small();
		CLEANUP(sources_done) struct sources s = { 0 };
		struct error err = { 0 };
		struct repository copy = { .url = xstrdup(bad[i].url), .suite = xstrdup(bad[i].suite) };
		copy.keyring = bad[i].keyring ? xstrdup(bad[i].keyring) : NULL;
		copy.key_url = bad[i].key_url ? xstrdup(bad[i].key_url) : NULL;
		copy.key_fingerprint = bad[i].key_fingerprint ? xstrdup(bad[i].key_fingerprint) : NULL;
		vec_push(&r.repositories, copy);
		CHECK(sources_make(&r, &mirror, &s, &err) == -1);
		CHECK(err.class == ERROR_INPUT);
	}
}

TEST(the_digest_knows_the_keys)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(sources_done) struct sources s = { 0 };
	struct error err = { 0 };
	char one[SHA256_HEX], two[SHA256_HEX];

	CHECK(sources_make(&r, &mirror, &s, &err) == 0);
	text_add(&s.list.at[0].key, "a");
	sources_digest(&s, one);
	text_add(&s.list.at[0].key, "b");
	sources_digest(&s, two);
	CHECK(strcmp(one, two) != 0);
}

/* ---- the request ---- */

TEST(upstream_versions)
{
	static const char *const cases[][2] = {
		{ "1.20.5+really1.20.2-1.1+deb12u1", "1.20.2" },
		{ "1.34.1-1.1", "1.34.1" },
		{ "2:1.30.0~rc1-1", "1.30.0" },
		{ "1.33.4+snapshot-1", "1.33.4" },
		{ "1.29", "1.29" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *got = package_request_upstream_version(cases[i][0]);
		CHECK_STR(got, cases[i][1]);
	}
}

TEST(kubernetes_packages_are_pinned)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(package_request_done) struct package_request release = { 0 }, minor = { 0 };
	struct error err = { 0 };

	r.kubernetes.source = KUBERNETES_PACKAGES;
	r.kubernetes.version = xstrdup("1.34.1");
	strings_add(&r.kubernetes.packages, "cri-tools");
	CHECK(package_request_make(&r, &release, &err) == 0);
	CHECK(strings_has(&release.group[LOCK_BASE], "kubelet=1.34.1-*"));
	CHECK(strings_has(&release.group[LOCK_BASE], "kubeadm=1.34.1-*"));
	CHECK(strings_has(&release.group[LOCK_BASE], "cri-tools"));
	free(r.kubernetes.version);
	r.kubernetes.version = xstrdup("1.34");
	CHECK(package_request_make(&r, &minor, &err) == 0);
	CHECK(strings_has(&minor.group[LOCK_BASE], "kubectl=1.34.*"));
}

TEST(an_unknown_variant)
{
	CLEANUP(recipe_done) struct recipe r = small();
	CLEANUP(package_request_done) struct package_request request = { 0 };
	struct error err = { 0 };

	r.distribution.variant = xstrdup("minbase");
	CHECK(package_request_make(&r, &request, &err) == -1);
	CHECK(err.class == ERROR_INPUT && strstr(err.text, "minbase"));
}
