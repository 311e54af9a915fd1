/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the steps that compile Kubernetes 1.20.2 would print and write, for fake_toolchain.h.
 */
#include "builder/source/kubernetes_compile.h"
#include "tests/unit/fake_toolchain.h"

/* What `pause -v` prints. */
UNUSED static const char *fake_pause = "pause.c v3.2\n";

/* For fake_answer. */
UNUSED static int fake_kubernetes(const struct toolchain_step *step, const char *line, struct error *err)
{
	static const struct {
		const char *command, *output;
	} outputs[] = {
		{ "dpkg-parsechangelog", "1700000000\n" },
		{ "grep -rlE", "pkg/apis/abac/v0/doc.go\n" },
		{ "/build/bin/kubeadm config images list", "k8s.gcr.io/kube-proxy:v1.20.2\nk8s.gcr.io/pause:3.2\n" },
		{ "/build/bin/kubeadm version", "v1.20.2\n" },
		{ "/build/bin/kubeadm config print", "apiVersion: v1\nkind: KubeletConfiguration\n" },
		{ "/build/bin/kubectl", "Client Version: v1.20.2\n" },
		{ "/build/bin/kube", "Kubernetes v1.20.2\n" },
	};
	static const char *const programs[] = { "kubelet",       "kubeadm",        "kubectl",
						"kube-proxy",    "kube-apiserver", "kube-controller-manager",
						"kube-scheduler" };

	if (text_starts(line, "dpkg-source")) {
		fake_put(step->work, "/" COMPILE_SOURCE "/vendor/github.com/modern-go/reflect2/x.go", "old");
		fake_put(step->work, "/" COMPILE_SOURCE "/api/api-rules/violation_exceptions.list", "known\n");
	}
	if (text_starts(line, "/build/bin/openapi-gen"))
		fake_put(step->work, "/openapi.report", "known\n");
	for (size_t i = 0; i < ARRAY_SIZE(programs) && text_starts(line, "go install -v"); i++)
		if (strstr(line, programs[i])) {
			CLEANUP(free_p) char *path = xasprintf("/" COMPILE_BIN "/%s", programs[i]);
			fake_put(step->work, path, programs[i]);
		}
	if (text_starts(line, "gcc "))
		fake_put(step->work, "/" COMPILE_BIN "/pause", "pause");
	if (text_starts(line, "/build/bin/pause"))
		text_add(step->output, fake_pause);
	for (size_t i = 0; i < ARRAY_SIZE(outputs) && step->output; i++)
		if (text_starts(line, outputs[i].command)) {
			text_add(step->output, outputs[i].output);
			break;
		}
	return text_starts(line, "go install -v") && !step->environment ? error_set(err, ERROR_FAILED, "no environment")
									: 0;
}
