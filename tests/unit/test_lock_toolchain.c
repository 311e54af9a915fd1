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
