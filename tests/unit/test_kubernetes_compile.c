/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/kubernetes_compile.h"
#include "tests/unit/fake_kubernetes.h"

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

/* ---- the steps, in a fake toolchain ---- */

/* Opens and runs the compilation in root; c must be closed. */
static int compile(struct own_cache *w, char *root, bool control_plane, struct kubernetes_compile *c,
		   struct toolchain *t, struct lock *lock, struct error *err)
{
	struct lock_source source = { .name = xstrdup("kubernetes"), .version = xstrdup("1.20.2-1") };

	vec_push(&source.files.list, fake_cached(&w->cache, root, "kubernetes.dsc", "dsc"));
	vec_push(&lock->sources, source);
	lock->kubernetes_version = xstrdup("1.20.2");
	*t = fake_toolchain(root, lock, &w->cache);
	*c = (struct kubernetes_compile){ .toolchain = t, .lock = lock, .source = &lock->sources.at[0] };
	c->control_plane = control_plane;
	fake_answer = fake_kubernetes;
	int rc = kubernetes_compile_open(c, err) < 0 || kubernetes_compile_run(c, err) < 0 ? -1 : 0;
	fake_answer = NULL;
	return rc;
}

TEST(kubernetes_compile_run_control_plane)
{
	static const char *const steps[] = {
		"kubernetes.parts: dpkg-source ",
		"go/src/k8s.io/kubernetes: cp -r /usr/share/gocode/src/github.com/modern-go/reflect2 vendor/",
		"go/src/k8s.io/kubernetes: dpkg-parsechangelog --show-field Timestamp\n",
		"go/src/k8s.io/kubernetes: go install -trimpath "
		"k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen\n",
		"-i k8s.io/kubernetes/pkg/apis/abac/v0\n",
		"go/src/k8s.io/kubernetes: go install -v -trimpath ",
		"-X k8s.io/kubernetes/vendor/k8s.io/component-base/version.buildDate=2023-11-14T22:13:20Z "
		"k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes/cmd/kubeadm k8s.io/kubernetes/cmd/kubectl "
		"k8s.io/kubernetes/cmd/kube-apiserver ",
		".: /build/bin/kubeadm config images list --kubernetes-version v1.20.2\n",
		"gcc -Os -Wall -static -s -DVERSION=v3.2 -o /build/bin/pause build/pause/linux/pause.c\n",
		".: /build/bin/kubelet --version\n",
		".: /build/bin/pause -v\n",
	};
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct kubernetes_compile c;
	struct toolchain t;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_pause = "pause.c v3.2\n";
	CHECK_STR(compile(&w, path, true, &c, &t, &lock, &err) < 0 ? err.text : "", "");
	const char *at = fake_steps.data;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const char *found = strstr(at, steps[i]);
		CHECK_STR(found ? "" : steps[i], "");
		at = found;
	}
	CHECK(c.epoch == 1700000000 && c.references.n == 2);
	CHECK(strings_has(&c.environment, "GOPROXY=off") && strings_has(&c.environment, "CGO_ENABLED=0"));
	CHECK(!fake_has(path, "/work/" COMPILE_SOURCE "/vendor/github.com/modern-go/reflect2"));
	kubernetes_compile_close(&c);
	text_done(&fake_steps);
	FAKE_ROOT_END();
}

TEST(kubernetes_compile_run_node_programs)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct kubernetes_compile c;
	struct toolchain t;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	CHECK_STR(compile(&w, path, false, &c, &t, &lock, &err) < 0 ? err.text : "", "");
	CHECK(!strstr(fake_steps.data, "kube-apiserver") && !strstr(fake_steps.data, "openapi") &&
	      !strstr(fake_steps.data, "gcc"));
	kubernetes_compile_close(&c);
	text_done(&fake_steps);
	FAKE_ROOT_END();
}

/* A program that prints something else is not taken. */
TEST(kubernetes_compile_check_output)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(lock_done) struct lock lock = { 0 };
	struct kubernetes_compile c;
	struct toolchain t;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_pause = "nothing\n";
	CHECK(compile(&w, path, true, &c, &t, &lock, &err) == -1 && err.class == ERROR_COMMAND);
	CHECK_STR(err.text,
		  "Kubernetes 1.20.2: run its programs: the compiled pause prints 'nothing' for `pause -v`, not "
		  "'pause.c v'");
	kubernetes_compile_close(&c);
	text_done(&fake_steps);
	FAKE_ROOT_END();
}
