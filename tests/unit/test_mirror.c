/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/mirror.h"
#include "builder/apt/mirror_choose.h"
#include "lib/http.h"
#include "tests/unit/fake_apt.h"

#define TARGET(suite, url) suite "\tmain\t$(ORIGIN)\tamd64\t" url "\n"
#define DEBIAN                                                                                                         \
	TARGET("bookworm", "http://mirror.example/debian/")                                                            \
	"bookworm\tmain\t$(ORIGIN)\tall\thttp://mirror.example/debian/\n"                                              \
	"bookworm\tcontrib\t$(ORIGIN)\tamd64\thttp://mirror.example/debian/\n" TARGET("bookworm-updates",              \
										      "http://mirror.example/debian/") \
		TARGET("bookworm-security", "http://mirror.example/debian-security/")

static const struct mirror_wanted archive = { "debian", "bookworm", "", "amd64" };
static const struct mirror_wanted security = { "debian", "bookworm", "-security", "amd64" };

/* URLs in their order, with a star at those that are known, and what was skipped in brackets. */
static char *candidates(const char *targets, const struct mirror_wanted *wanted)
{
	CLEANUP(mirror_candidates_done) struct mirror_candidates found = { 0 };
	CLEANUP(text_done) struct text all = { 0 };

	mirror_candidates_read(targets, wanted, &found);
	text_add(&all, "");
	for (size_t i = 0; i < found.list.n; i++)
		text_addf(&all, "%s%s%s", i ? " " : "", found.list.at[i].url, found.list.at[i].known ? "*" : "");
	if (found.skipped)
		text_addf(&all, " (%s)", found.skipped);
	return text_take(&all);
}

/* shared/cases/field: apt-cdrom-first, apt-third-party-first, and their neighbours. */
TEST(mirror_candidates_of_hosts)
{
	static const struct {
		const char *targets;
		const struct mirror_wanted *wanted;
		const char *found;
	} cases[] = {
		{ DEBIAN, &archive, "http://mirror.example/debian" },
		{ DEBIAN, &security, "http://mirror.example/debian-security" },
		{ TARGET("stable", "http://mirror.example/debian//"), &archive, "http://mirror.example/debian" },
		/* what the installer leaves, first and alone */
		{ TARGET("bookworm", "cdrom://[Debian GNU/Linux 12.5.0 _Bookworm_ - DVD-1]/") DEBIAN, &archive,
		  "http://mirror.example/debian (cdrom://[Debian GNU/Linux 12.5.0 _Bookworm_ - DVD-1])" },
		{ TARGET("bookworm", "cdrom://[Debian]/"), &archive, " (cdrom://[Debian])" },
		{ TARGET("bookworm", "tor+http://x.onion/debian"), &archive, " (tor+http://x.onion/debian)" },
		{ TARGET("bookworm", "copy:/srv/debian") DEBIAN, &archive,
		  "http://mirror.example/debian (copy:/srv/debian)" },
		{ TARGET("bookworm", "file:/srv/debian"), &archive, "file:/srv/debian" },
		/* a foreign architecture's ports; their index of `all` is no mirror of ours */
		{ "bookworm\tmain\t\tarm64\thttp://ports.example/debian\nbookworm\tmain\t\tall\thttp://ports.example/"
		  "debian\n" DEBIAN,
		  &archive, "http://mirror.example/debian" },
		/* other vendors: other components, the same suite and component, and a suite that any vendor may have */
		{ "bookworm\tstable\t\tamd64\thttps://docker.example/debian/\n" DEBIAN, &archive,
		  "http://mirror.example/debian" },
		{ TARGET("bookworm", "http://vendor.example/apt") DEBIAN, &archive,
		  "http://mirror.example/debian http://vendor.example/apt" },
		{ TARGET("stable", "http://vendor.example/apt") TARGET("bookworm", "http://mirror.example/debian"),
		  &archive, "http://vendor.example/apt http://mirror.example/debian" },
		/* only the origin distinguishes these */
		{ "bookworm\tmain\tVendor\tamd64\thttps://vendor.example/\n"
		  "bookworm\tmain\t\tamd64\thttps://new.example/\n"
		  "bookworm\tmain\tDebian\tamd64\thttp://mirror.example/debian/\n",
		  &archive, "http://mirror.example/debian* https://new.example" },
		{ "bookworm\tmain\tVendor\tamd64\thttps://vendor.example/\n", &archive, "" },
		{ "", &archive, "" },
		{ "bookworm\tmain\n\t\t\t\t\nbookworm\tmain\t\tamd64\t\n", &archive, "" },
		{ TARGET("trixie", "http://mirror.example/debian"), &archive, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *found = candidates(cases[i].targets, cases[i].wanted);
		CHECK_STR(found, cases[i].found);
	}
}

TEST(mirror_security_is_next_to_the_archive)
{
	static const char *const urls[][2] = {
		{ "http://mirror.corp/debian", "http://mirror.corp/debian-security" },
		{ "http://mirror.corp/debian/", "http://mirror.corp/debian-security" },
		{ "https://artifacts.corp:8443/repository/apt-mirror",
		  "https://artifacts.corp:8443/repository/apt-mirror-security" },
		{ "http://snap.corp/archive/debian/20240101T000000Z/",
		  "http://snap.corp/archive/debian-security/20240101T000000Z" },
		{ "http://debian/debian/x/debian", "http://debian/debian/x/debian-security" },
		{ "http://debian.corp/debians", "http://debian.corp/debians-security" },
		{ "file:///srv/debian", "file:///srv/debian-security" },
		{ "file:/srv/debian", "file:/srv/debian-security" },
		{ "http://mirror.corp", NULL },
		{ "http://mirror.corp/", NULL },
		{ "http://debian:80//", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		CLEANUP(free_p) char *found = mirror_security(urls[i][0], "debian");
		if (urls[i][1])
			CHECK_STR(found, urls[i][1]);
		else
			CHECK(!found);
	}
}

/* ---- the host's sources, by a fake apt-get ---- */

#define OS_RELEASE "NAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=bookworm\nID=debian\nVERSION_ID=\"12\"\n"

static int find_host(const char *root, const char *id, struct mirror *ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/os-release", root);

	fake_put(root, "/os-release", OS_RELEASE);
	return mirror_find_host(file, id, "amd64", ret, err);
}

TEST(mirror_find_host_by_os_release)
{
	CLEANUP(mirror_done) struct mirror host = { 0 }, other = { 0 };

	FAKE_ROOT();
	fake_apt(path);
	fake_put(path, "/targets", DEBIAN);
	CHECK(find_host(path, "debian", &host, &err) == 0);
	CHECK_STR(host.archive, "http://mirror.example/debian");
	CHECK_STR(host.security, "http://mirror.example/debian-security");
	CHECK(find_host(path, "ubuntu", &other, &err) == 0 && !other.archive && !other.security);
	FAKE_ROOT_END();
}

/* Two candidates: apt is asked again, with the origins of its package lists. */
TEST(mirror_find_host_asks_for_origins)
{
	CLEANUP(mirror_done) struct mirror host = { 0 };

	FAKE_ROOT();
	fake_program(path, "apt-get",
		     "case \"$*\" in\n*--no-release-info*) o1= o2=;;\n*) o1=Vendor o2=Debian;;\nesac\n"
		     "printf 'bookworm\\tmain\\t%s\\tamd64\\thttp://vendor.example/\\n' \"$o1\"\n"
		     "printf 'bookworm\\tmain\\t%s\\tamd64\\thttp://mirror.example/debian\\n' \"$o2\"\n");
	CHECK(find_host(path, "debian", &host, &err) == 0);
	CHECK_STR(host.archive, "http://mirror.example/debian");
	CHECK(!host.security);
	FAKE_ROOT_END();
}

TEST(mirror_find_host_mirror_list)
{
	CLEANUP(mirror_done) struct mirror host = { 0 }, empty = { 0 };

	FAKE_ROOT();
	fake_apt(path);
	CLEANUP(free_p) char *targets = xasprintf("bookworm\tmain\t\tamd64\tmirror+file:%s/list\n", path);
	fake_put(path, "/targets", targets);
	fake_put(path, "/list", "# mirrors\n\nhttp://deb.example/debian/ priority:1\nhttp://other.example/\n");
	CHECK(find_host(path, "debian", &host, &err) == 0);
	CHECK_STR(host.archive, "http://deb.example/debian");
	fake_put(path, "/list", "# none\n");
	CHECK(find_host(path, "debian", &empty, &err) == -1 && err.class == ERROR_HOST);
	FAKE_ROOT_END();
}

/* No package list knows the origin: the repositories are asked. */
static void put_release(const char *root, const char *name, const char *suite, const char *origin)
{
	CLEANUP(free_p) char *path = xasprintf("/%s/dists/%s/Release", name, suite);
	CLEANUP(free_p) char *text = xasprintf("Label: x\nOrigin: %s\nSuite: %s\n", origin, suite);

	fake_put(root, path, text);
}

TEST(mirror_find_host_asks_the_repositories)
{
	CLEANUP(mirror_done) struct mirror host = { 0 }, silent = { 0 };

	FAKE_ROOT();
	fake_apt(path);
	http_retry_delay = 0;
	CLEANUP(free_p)
	char *targets = xasprintf(TARGET("bookworm", "file:%s/vendor/") TARGET("bookworm-updates", "file:%s/vendor/")
					  TARGET("bookworm", "file:%s/gone/") TARGET("stable", "file:%s/debian/"),
				  path, path, path, path);
	fake_put(path, "/targets", targets);
	put_release(path, "vendor", "bookworm", "Vendor");
	put_release(path, "debian", "stable", "Debian");
	CLEANUP(free_p) char *debian = xasprintf("file:%s/debian", path), *vendor = xasprintf("file:%s/vendor", path);
	CHECK(find_host(path, "debian", &host, &err) == 0);
	CHECK_STR(host.archive, debian);
	put_release(path, "debian", "stable", "Company");
	CHECK(find_host(path, "debian", &silent, &err) == 0);
	CHECK_STR(silent.archive, vendor);
	FAKE_ROOT_END();
}

/* The host's sources are of the host; /etc/os-release is that of Debian in these tests only when the host is. */
static int find(const struct recipe *r, const char *mirror, const char *security_mirror, struct mirror *ret,
		struct error *err)
{
	const struct mirror_options options = { mirror, security_mirror };

	*err = (struct error){ 0 };
	return mirror_find(r, &options, ret, err);
}

TEST(mirror_find_prefers_options_then_recipe)
{
	struct recipe r = { .architecture = "amd64" };
	CLEANUP(mirror_done) struct mirror one = { 0 }, two = { 0 }, three = { 0 };

	FAKE_ROOT();
	fake_apt(path);
	fake_put(path, "/targets", TARGET("bookworm", "cdrom://[Debian 12]/"));
	r.distribution.id = "debian";
	CHECK(find(&r, NULL, NULL, &one, &err) == -1 && err.class == ERROR_HOST && strstr(err.text, "--mirror"));
	r.distribution.mirror = "http://recipe.example/debian/";
	r.distribution.security_mirror = "http://recipe.example/security/";
	CHECK(find(&r, NULL, NULL, &two, &err) == 0);
	CHECK_STR(two.archive, "http://recipe.example/debian");
	CHECK_STR(two.security, "http://recipe.example/security");
	CHECK(find(&r, "http://option.example", "http://option.example/s/", &three, &err) == 0);
	CHECK_STR(three.archive, "http://option.example");
	CHECK_STR(three.security, "http://option.example/s");
	FAKE_ROOT_END();
}

/* shared/cases/field/mirror-option-security: who names the archive does not get the host's security updates. */
TEST(mirror_find_takes_security_from_what_is_named)
{
	struct recipe r = { .architecture = "amd64", .distribution = { .id = "debian", .security = true } };
	CLEANUP(mirror_done) struct mirror option = { 0 }, named = { 0 }, recipe = { 0 }, none = { 0 }, root = { 0 };

	FAKE_ROOT();
	fake_apt(path);
	fake_put(path, "/targets", DEBIAN);
	CHECK(find(&r, "http://mirror.corp/debian", NULL, &option, &err) == 0 && option.follows);
	CHECK_STR(option.security, "http://mirror.corp/debian-security");
	error_set(&err, ERROR_NETWORK, "http://mirror.corp/debian-security has no Release file");
	CHECK(mirror_explain(&option, &err) == -1 && strstr(err.text, "--security-mirror URL") &&
	      err.class == ERROR_NETWORK);
	error_set(&err, ERROR_NETWORK, "http://mirror.corp/debian has no Release file");
	CHECK(mirror_explain(&option, &err) == -1 && !strstr(err.text, "--security-mirror"));
	CHECK(find(&r, "http://mirror.corp", NULL, &root, &err) == -1 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "--security-mirror") && strstr(err.text, "distribution.security=false"));
	CHECK(find(&r, "http://mirror.corp", "http://other.corp/x", &named, &err) == 0 && !named.follows);
	CHECK_STR(named.security, "http://other.corp/x");
	r.distribution.mirror = "http://recipe.corp/debian/";
	CHECK(find(&r, NULL, NULL, &recipe, &err) == 0);
	CHECK_STR(recipe.security, "http://recipe.corp/debian-security");
	r.distribution.security = false;
	CHECK(find(&r, "http://mirror.corp", NULL, &none, &err) == 0 && !none.security);
	FAKE_ROOT_END();
}
