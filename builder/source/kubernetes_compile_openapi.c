/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generates the API server's OpenAPI definitions, which are not part of Kubernetes' source. Upstream's makefiles generate
 * them with everything else, by tools of their own; only this one file is missing in Debian's source package.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/source/kubernetes_compile.h"
#include "lib/file.h"

#define OUTPUT_DIRECTORY "pkg/generated/openapi"
#define OUTPUT_BASE "zz_generated.openapi"
#define OUTPUT COMPILE_SOURCE "/" OUTPUT_DIRECTORY "/" OUTPUT_BASE ".go"
#define PACKAGE "k8s.io/kubernetes/"
/* The API rule violations that the generator reports; upstream keeps the list of those it accepts. */
#define KNOWN_REPORT COMPILE_SOURCE "/api/api-rules/violation_exceptions.list"
#define REPORT "openapi.report"
#define REPORT_MAX (16 << 20)

/* Packages that have their own definitions. */
static const char *const left_out[] = { "vendor/k8s.io/code-generator/", "vendor/k8s.io/sample-apiserver/" };

static bool is_left_out(const char *directory)
{
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		if (text_starts(directory, left_out[i]))
			return true;
	return false;
}

void kubernetes_compile_openapi_packages(const char *files, struct strings *ret)
{
	static const char staging[] = "staging/src/";
	CLEANUP(free_p) char *copy = xstrdup(files);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *slash = strrchr(line, '/');
		if (!slash)
			continue;
		*slash = '\0';
		/* vendor/k8s.io has links to staging; Go packages have the names of the links. */
		CLEANUP(free_p)
		char *directory =
			text_starts(line, staging) ? xasprintf("vendor/%s", line + sizeof staging - 1) : xstrdup(line);
		CLEANUP(free_p) char *package = xasprintf(PACKAGE "%s", directory);
		if (!is_left_out(directory) && !strings_has(ret, package))
			strings_add(ret, package);
	}
	strings_sort(ret);
}

static int find_packages(const struct kubernetes_compile *c, struct strings *ret, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text files = { 0 };

	strings_add_all(&argv, "grep", "-rlE", "--include=*.go", "^// *\\+k8s:openapi-gen=", "cmd", "pkg", "plugin",
			"staging/src/k8s.io", "test", "third_party", NULL);
	if (kubernetes_compile_step(c, COMPILE_SOURCE, &files, &argv, err) < 0)
		return -1;
	kubernetes_compile_openapi_packages(files.data, ret);
	return 0;
}

static int build_generator(const struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "go", "install", "-trimpath", PACKAGE "vendor/k8s.io/kube-openapi/cmd/openapi-gen",
			NULL);
	return kubernetes_compile_step(c, COMPILE_SOURCE, NULL, &argv, err);
}

static int generate(const struct kubernetes_compile *c, const struct strings *packages, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text input = { 0 };

	for (size_t i = 0; i < packages->n; i++)
		text_addf(&input, "%s%s", i ? "," : "", packages->at[i]);
	strings_add_all(&argv, TOOLCHAIN_WORK "/" COMPILE_BIN "/openapi-gen", "--logtostderr", "-p",
			PACKAGE OUTPUT_DIRECTORY, "-O", OUTPUT_BASE, "-h",
			"vendor/k8s.io/code-generator/hack/boilerplate.go.txt", "-r", TOOLCHAIN_WORK "/" REPORT, "-i",
			NULL);
	strings_own(&argv, text_take(&input));
	return kubernetes_compile_step(c, COMPILE_SOURCE, NULL, &argv, err);
}

/* The same report as upstream's shows that the definitions were generated from the same packages. */
static int compare_report(const struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(text_done) struct text known = { 0 };
	CLEANUP(text_done) struct text report = { 0 };

	if (file_read_in(c->workfd, KNOWN_REPORT, REPORT_MAX, &known, err) < 0 ||
	    file_read_in(c->workfd, REPORT, REPORT_MAX, &report, err) < 0)
		return -1;
	if (known.len == report.len && !memcmp(known.data, report.data, known.len))
		return 0;
	return error_set(err, ERROR_COMMAND,
			 "OpenAPI definitions of Kubernetes %s: the generator's report differs from upstream's "
			 "api/api-rules/violation_exceptions.list; upstream generates this source from other packages",
			 c->lock->kubernetes_version);
}

int kubernetes_compile_openapi(const struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(strings_done) struct strings packages = { 0 };

	/* The sources of later releases contain the file. */
	if (file_exists_in(c->workfd, OUTPUT))
		return 0;
	if (find_packages(c, &packages, err) < 0 || build_generator(c, err) < 0 || generate(c, &packages, err) < 0)
		return -1;
	return compare_report(c, err);
}
