/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_toolchain.h"
#include "tests/unit/check.h"

TEST(lock_toolchain_packages_go_for_debian_source)
{
	struct recipe source = { .kubernetes.source = KUBERNETES_DEBIAN_SOURCE };
	struct recipe packages = { .kubernetes.source = KUBERNETES_PACKAGES };
	CLEANUP(strings_done) struct strings with = { 0 };
	CLEANUP(strings_done) struct strings without = { 0 };

	lock_toolchain_packages(&source, &with);
	lock_toolchain_packages(&packages, &without);
	CHECK(strings_has(&with, "golang-go") && strings_has(&with, "gcc"));
	CHECK(strings_has(&without, "gcc") && !strings_has(&without, "golang-go"));
	/* libcurl is compiled from its source package for every recipe */
	CHECK(strings_has(&with, "dpkg-dev") && strings_has(&without, "dpkg-dev"));
}
