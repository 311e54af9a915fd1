/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/mirror.h"
#include "tests/unit/check.h"

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
