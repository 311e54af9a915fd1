/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/kubernetes/control_plane_images.h"
#include "builder/kubernetes/kubernetes_compile.h"
#include "builder/lock/lock_toolchain.h"
#include "tests/unit/check.h"

static char *joined(const struct strings *list)
{
	struct text text = { 0 };

	for (size_t i = 0; i < list->n; i++)
		text_addf(&text, "%s%s", i ? " " : "", list->at[i]);
	return text_take(&text);
}

TEST(openapi_packages_are_sorted_once_and_by_their_vendor_names)
{
	CLEANUP(strings_done) struct strings packages = { 0 };

	kubernetes_compile_openapi_packages("staging/src/k8s.io/api/core/v1/doc.go\npkg/apis/abac/v0/doc.go\n"
					    "staging/src/k8s.io/api/core/v1/types.go\ncmd/x/y.go\n",
					    &packages);
	CLEANUP(free_p) char *text = joined(&packages);
	CHECK_STR(text, "k8s.io/kubernetes/cmd/x k8s.io/kubernetes/pkg/apis/abac/v0 "
			"k8s.io/kubernetes/vendor/k8s.io/api/core/v1");
}

TEST(openapi_leaves_out_what_has_definitions_of_its_own)
{
	CLEANUP(strings_done) struct strings packages = { 0 };

	kubernetes_compile_openapi_packages(
		"staging/src/k8s.io/sample-apiserver/pkg/apis/wardle/v1alpha1/doc.go\n"
		"staging/src/k8s.io/code-generator/_examples/apiserver/apis/example/v1/doc.go\n"
		"staging/src/k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/doc.go\n\nstray\n",
		&packages);
	CLEANUP(free_p) char *text = joined(&packages);
	CHECK_STR(text, "k8s.io/kubernetes/vendor/k8s.io/kube-aggregator/pkg/apis/apiregistration/v1");
}

TEST(a_reference_is_found_by_the_whole_name)
{
	CLEANUP(strings_done) struct strings list = { 0 };

	strings_add_all(&list, "k8s.gcr.io/kube-proxy:v1.20.2", "k8s.gcr.io/pause:3.2", "k8s.gcr.io/etcd:3.4.13-0",
			NULL);
	CHECK_STR(kubernetes_compile_reference(&list, "pause"), "k8s.gcr.io/pause:3.2");
	CHECK_STR(kubernetes_compile_reference(&list, "etcd"), "k8s.gcr.io/etcd:3.4.13-0");
	CHECK(kubernetes_compile_reference(&list, "proxy") == NULL);
	CHECK(kubernetes_compile_reference(&list, "coredns") == NULL);
}

TEST(the_layer_takes_libraries_and_leaves_maintainers_tools)
{
	static const char *const kept[] = { "libc6", "etcd-server", "iptables", "libssl3", "kmod", "tarantool" };
	static const char *const left[] = { "perl-base", "libpam0g", "adduser", "dpkg", "tar", "usr-is-merged" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK(control_plane_images_wants(kept[i]));
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		CHECK(!control_plane_images_wants(left[i]));
}

TEST(only_debian_source_needs_go)
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
