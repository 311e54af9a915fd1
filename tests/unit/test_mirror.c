/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/mirror.h"
#include "tests/unit/fake_apt.h"

#define DEBIAN                                                                                                         \
	"bookworm\tmain\t$(ORIGIN)\thttp://mirror.example/debian/\n"                                                   \
	"bookworm\tcontrib\t$(ORIGIN)\thttp://mirror.example/debian/\n"                                                \
	"bookworm-updates\tmain\t$(ORIGIN)\thttp://mirror.example/debian/\n"                                           \
	"bookworm-security\tmain\t$(ORIGIN)\thttp://mirror.example/debian-security/\n"

TEST(mirror_choose_plain_host)
{
	size_t others = 9;
	CLEANUP(free_p) char *archive = mirror_choose(DEBIAN, "debian", "bookworm", "", &others);
	CHECK_STR(archive, "http://mirror.example/debian");
	CHECK(others == 0);
	CLEANUP(free_p) char *security = mirror_choose(DEBIAN, "debian", "bookworm", "-security", &others);
	CHECK_STR(security, "http://mirror.example/debian-security");
}

TEST(mirror_choose_ignores_other_vendors)
{
	size_t others;
	/* suites and components as other vendors have them */
	CLEANUP(free_p)
	char *first = mirror_choose("bookworm\tstable\t$(ORIGIN)\thttps://docker.example/debian/\n"
				    "stable\tmain\t$(ORIGIN)\thttps://cli.example/\n" DEBIAN,
				    "debian", "bookworm", "", &others);
	CHECK_STR(first, "http://mirror.example/debian");
	CHECK(others == 0);
	/* only the origin distinguishes these: without it there are two candidates, with it one */
	CLEANUP(free_p)
	char *either =
		mirror_choose("bookworm\tmain\t\thttps://vendor.example/\n" DEBIAN, "debian", "bookworm", "", &others);
	CHECK(others == 1);
	CLEANUP(free_p)
	char *sure = mirror_choose("bookworm\tmain\tVendor\thttps://vendor.example/\n"
				   "bookworm\tmain\tDebian\thttp://mirror.example/debian/\n",
				   "debian", "bookworm", "", &others);
	CHECK_STR(sure, "http://mirror.example/debian");
	CHECK(others == 0);
}

TEST(mirror_choose_suite_stable)
{
	size_t others;
	CLEANUP(free_p)
	char *url =
		mirror_choose("stable\tmain\t\thttp://mirror.example/debian//\n", "debian", "bookworm", "", &others);
	CHECK_STR(url, "http://mirror.example/debian");
}

TEST(mirror_choose_none)
{
	size_t others;
	CHECK(mirror_choose("", "debian", "bookworm", "", &others) == NULL);
	CHECK(mirror_choose("bookworm\tmain\n\t\t\t\nbookworm\tmain\t\t\n", "debian", "bookworm", "", &others) == NULL);
	CHECK(mirror_choose(DEBIAN, "debian", "trixie", "", &others) == NULL);
}

/* ---- the host's sources, by a fake apt-get ---- */

#define OS_RELEASE "NAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=bookworm\nID=debian\nVERSION_ID=\"12\"\n"

static int find_host(const char *root, const char *id, struct mirror *ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/os-release", root);

	fake_put(root, "/os-release", OS_RELEASE);
	return mirror_find_host(file, id, ret, err);
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
		     "printf 'bookworm\\tmain\\t%s\\thttp://vendor.example/\\n' \"$o1\"\n"
		     "printf 'bookworm\\tmain\\t%s\\thttp://mirror.example/debian\\n' \"$o2\"\n");
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
	CLEANUP(free_p) char *targets = xasprintf("bookworm\tmain\t\tmirror+file:%s/list\n", path);
	fake_put(path, "/targets", targets);
	fake_put(path, "/list", "# mirrors\n\nhttp://deb.example/debian/ priority:1\nhttp://other.example/\n");
	CHECK(find_host(path, "debian", &host, &err) == 0);
	CHECK_STR(host.archive, "http://deb.example/debian");
	fake_put(path, "/list", "# none\n");
	CHECK(find_host(path, "debian", &empty, &err) == -1 && err.class == ERROR_HOST);
	FAKE_ROOT_END();
}

TEST(mirror_find_prefers_override_then_recipe)
{
	struct recipe r = { 0 };
	CLEANUP(mirror_done) struct mirror one = { 0 }, two = { 0 }, three = { 0 };

	FAKE_ROOT();
	fake_apt(path);
	fake_put(path, "/targets", "");
	r.distribution.id = "debian";
	CHECK(mirror_find(&r, NULL, &one, &err) == -1 && err.class == ERROR_HOST && strstr(err.text, "--mirror"));
	r.distribution.mirror = "http://recipe.example/debian/";
	r.distribution.security_mirror = "http://recipe.example/security/";
	CHECK(mirror_find(&r, NULL, &two, &err) == 0);
	CHECK_STR(two.archive, "http://recipe.example/debian");
	CHECK_STR(two.security, "http://recipe.example/security");
	CHECK(mirror_find(&r, "http://option.example", &three, &err) == 0);
	CHECK_STR(three.archive, "http://option.example");
	FAKE_ROOT_END();
}
