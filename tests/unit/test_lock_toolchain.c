/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_toolchain.h"
#include "tests/unit/check.h"

TEST(lock_toolchain_packages_go_for_debian_source)
{
	struct component kubernetes = { .name = "kubernetes", .source = COMPONENT_DEBIAN_SOURCE };
	struct recipe source = { 0 };
	struct recipe packages = { .kubernetes.source = KUBERNETES_PACKAGES };
	CLEANUP(strings_done) struct strings with = { 0 };
	CLEANUP(strings_done) struct strings without = { 0 };

	strings_add(&kubernetes.debian.packages, "golang-go");
	vec_push(&source.components, kubernetes);
	lock_toolchain_packages(&source, &with);
	lock_toolchain_packages(&packages, &without);
	CHECK(strings_has(&with, "golang-go") && strings_has(&with, "gcc"));
	CHECK(strings_has(&without, "gcc") && !strings_has(&without, "golang-go"));
	source.components.at[0].source = COMPONENT_GO_MODULES;
	strings_done(&without);
	lock_toolchain_packages(&source, &without);
	CHECK(strings_has(&without, "gcc") && !strings_has(&without, "golang-go"));
	strings_done(&source.components.at[0].debian.packages);
	vec_done(&source.components);
	/* libcurl is compiled from its source package for every recipe */
	CHECK(strings_has(&with, "dpkg-dev") && strings_has(&without, "dpkg-dev"));
}

/* Mbed TLS is linked where it is new enough, unless libcurl is the package. */
TEST(lock_toolchain_packages_of_mbedtls)
{
	static const struct {
		const char *suite;
		enum agent_libcurl libcurl;
		bool mbedtls;
	} cases[] = {
		{ "trixie", AGENT_LIBCURL_COMPILED, true },
		{ "trixie", AGENT_LIBCURL_PACKAGED, false },
		{ "bookworm", AGENT_LIBCURL_COMPILED, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recipe recipe = { .distribution.suite = (char *)cases[i].suite,
					 .agent.libcurl = cases[i].libcurl };
		CLEANUP(strings_done) struct strings got = { 0 };
		lock_toolchain_packages(&recipe, &got);
		CHECK(strings_has(&got, MBEDTLS_PACKAGE) == cases[i].mbedtls);
		CHECK(strings_has(&got, "libcurl4-openssl-dev") == (cases[i].libcurl == AGENT_LIBCURL_PACKAGED));
	}
}

TEST(lock_agent_link_of_packages)
{
	CLEANUP(lock_done) struct lock lock = { 0 };

	vec_push(&lock.group[LOCK_TOOLCHAIN],
		 (struct lock_package){ .name = xstrdup(MBEDTLS_PACKAGE), .version = xstrdup("3.6") });
	CHECK(lock_agent_link(&lock) == AGENT_LINK_PACKAGED);
	vec_push(&lock.sources, (struct lock_source){ .name = xstrdup(LIBCURL_SOURCE), .version = xstrdup("8") });
	CHECK(lock_agent_link(&lock) == AGENT_LINK_STATIC);
	lock.group[LOCK_TOOLCHAIN].at[0].name[0] = 'x';
	CHECK(lock_agent_link(&lock) == AGENT_LINK_SHARED);
}
