/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/kubernetes/kubernetes_compile.h"
#include "tests/unit/check.h"

static char *joined(const struct strings *list)
{
	struct text text = { 0 };

	for (size_t i = 0; i < list->n; i++)
		text_addf(&text, "%s%s", i ? " " : "", list->at[i]);
	return text_take(&text);
}

TEST(kubernetes_compile_openapi_packages_sorted_vendor_names)
{
	CLEANUP(strings_done) struct strings packages = { 0 };

	kubernetes_compile_openapi_packages("staging/src/k8s.io/api/core/v1/doc.go\npkg/apis/abac/v0/doc.go\n"
					    "staging/src/k8s.io/api/core/v1/types.go\ncmd/x/y.go\n",
					    &packages);
	CLEANUP(free_p) char *text = joined(&packages);
	CHECK_STR(text, "k8s.io/kubernetes/cmd/x k8s.io/kubernetes/pkg/apis/abac/v0 "
			"k8s.io/kubernetes/vendor/k8s.io/api/core/v1");
}

TEST(kubernetes_compile_openapi_packages_leaves_out)
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

TEST(kubernetes_compile_reference_whole_name)
{
	CLEANUP(strings_done) struct strings list = { 0 };

	strings_add_all(&list, "k8s.gcr.io/kube-proxy:v1.20.2", "k8s.gcr.io/pause:3.2", "k8s.gcr.io/etcd:3.4.13-0",
			NULL);
	CHECK_STR(kubernetes_compile_reference(&list, "pause"), "k8s.gcr.io/pause:3.2");
	CHECK_STR(kubernetes_compile_reference(&list, "etcd"), "k8s.gcr.io/etcd:3.4.13-0");
	CHECK(kubernetes_compile_reference(&list, "proxy") == NULL);
	CHECK(kubernetes_compile_reference(&list, "coredns") == NULL);
}
