/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the compiled programs. */
#include <string.h>

#include "builder/kubernetes/kubernetes_compile.h"
#include "lib/alloc.h"

#define ARGUMENTS_MAX 6

/* Text that a program must print; %s is the version. */
struct check {
	const char *program;
	const char *arguments[ARGUMENTS_MAX];
	const char *says;
};

static const struct check node_checks[] = {
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

static const struct check control_plane_images_checks[] = {
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
static char *expected(const char *says, const char *version)
{
	const char *mark = strstr(says, "%s");

	return mark ? xasprintf("%.*s%s%s", (int)(mark - says), says, version, mark + 2) : xstrdup(says);
}

static int run_check(const struct kubernetes_compile *c, const struct check *check, struct error *err)
{
	CLEANUP(free_p) char *wanted = expected(check->says, c->lock->kubernetes_version);
	CLEANUP(text_done) struct text said = { 0 };

	if (run_program(c, check->program, check->arguments, ARGUMENTS_MAX, &said, err) < 0)
		return error_wrap(err, "the compiled %s does not work", check->program);
	if (said.data && strstr(said.data, wanted))
		return 0;
	return error_set(err, ERROR_COMMAND, "the compiled %s says '%s' to `%s %s`, not '%s'", check->program,
			 said.data ? text_trim(said.data) : "", check->program, check->arguments[0], text_trim(wanted));
}

static int run_checks(const struct kubernetes_compile *c, const struct check *checks, size_t n, struct error *err)
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
	return c->control_plane
		       ? run_checks(c, control_plane_images_checks, ARRAY_SIZE(control_plane_images_checks), err)
		       : 0;
}
