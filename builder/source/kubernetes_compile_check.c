/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the compiled programs. */
#include <string.h>

#include "builder/source/kubernetes_compile.h"
#include "lib/alloc.h"

#define ARGUMENTS_MAX 6

/* Text that a program must print; %s is the version. */
struct compile_check {
	const char *program;
	const char *arguments[ARGUMENTS_MAX];
	const char *output;
};

static const struct compile_check node_checks[] = {
	{ "kubelet", { "--version" }, "Kubernetes v%s\n" },
	{ "kubeadm", { "version", "--output", "short" }, "v%s\n" },
	{ "kubectl", { "version", "--client", "--short" }, "Client Version: v%s\n" },
	/*
	 * modern-go/reflect2 before 1.0.2 compiles under Go 1.18 and later, but then reads maps from the wrong memory: kubeadm
	 * would panic here.
	 */
	{ "kubeadm",
	  { "config", "print", "init-defaults", "--component-configs", "KubeletConfiguration" },
	  "kind: KubeletConfiguration\n" },
};

static const struct compile_check control_plane_checks[] = {
	{ "kube-apiserver", { "--version" }, "Kubernetes v%s\n" },
	{ "kube-controller-manager", { "--version" }, "Kubernetes v%s\n" },
	{ "kube-scheduler", { "--version" }, "Kubernetes v%s\n" },
	{ "kube-proxy", { "--version" }, "Kubernetes v%s\n" },
	{ "pause", { "-v" }, "pause.c v" },
};

static int run_program(const struct kubernetes_compile *c, const char *program, const char *const *arguments, size_t n,
		       struct text *ret, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_addf(&argv, TOOLCHAIN_WORK "/" COMPILE_BIN "/%s", program);
	for (size_t i = 0; i < n && arguments[i]; i++)
		strings_add(&argv, arguments[i]);
	return kubernetes_compile_step(c, ".", ret, &argv, err);
}

/* Replaces the first %s by the version. */
static char *expected(const char *output, const char *version)
{
	const char *mark = strstr(output, "%s");

	return mark ? xasprintf("%.*s%s%s", (int)(mark - output), output, version, mark + 2) : xstrdup(output);
}

static int run_check(const struct kubernetes_compile *c, const struct compile_check *check, struct error *err)
{
	CLEANUP(free_p) char *wanted = expected(check->output, c->lock->kubernetes_version);
	CLEANUP(text_done) struct text printed = { 0 };

	if (run_program(c, check->program, check->arguments, ARGUMENTS_MAX, &printed, err) < 0)
		return error_wrap(err, "the compiled %s does not work", check->program);
	if (printed.data && strstr(printed.data, wanted))
		return 0;
	return error_set(err, ERROR_COMMAND, "the compiled %s prints '%s' for `%s %s`, not '%s'", check->program,
			 printed.data ? text_trim(printed.data) : "", check->program, check->arguments[0],
			 text_trim(wanted));
}

static int run_checks(const struct kubernetes_compile *c, const struct compile_check *checks, size_t n,
		      struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (run_check(c, &checks[i], err) < 0)
			return -1;
	return 0;
}

int kubernetes_compile_check(struct kubernetes_compile *c, struct error *err)
{
	if (run_checks(c, node_checks, ARRAY_SIZE(node_checks), err) < 0)
		return -1;
	return c->control_plane ? run_checks(c, control_plane_checks, ARRAY_SIZE(control_plane_checks), err) : 0;
}
