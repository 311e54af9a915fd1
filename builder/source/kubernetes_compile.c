/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/source/kubernetes_compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/source/kubeadm_images.h"
#include "builder/toolchain/source_package.h"
#include "lib/clock.h"
#include "lib/file.h"

#define REFLECT2 "vendor/github.com/modern-go/reflect2"
#define REFLECT2_PACKAGED "/usr/share/gocode/src/github.com/modern-go/reflect2"
#define PACKAGE "k8s.io/kubernetes/"
#define PAUSE_SOURCE "build/pause/linux/pause.c"

const char *const kubernetes_compile_node_programs[] = { "kubelet", "kubeadm", "kubectl", NULL };
const char *const kubernetes_compile_control_plane_programs[] = { "kube-apiserver", "kube-controller-manager",
								  "kube-scheduler", "kube-proxy", NULL };

/* Go runs without the network, without cgo (so programs are static and run in any image), and writes only in the work
 * directory. GOROOT is for the generators: with -trimpath they do not know where the standard library is. */
static const char *const environment[] = {
	"GOPATH=" TOOLCHAIN_WORK "/go",
	"GOBIN=" TOOLCHAIN_WORK "/" COMPILE_BIN,
	"GOCACHE=" TOOLCHAIN_WORK "/cache",
	"GOTMPDIR=" TOOLCHAIN_WORK "/tmp",
	"GOROOT=/usr/lib/go",
	"GO111MODULE=off",
	"GOPROXY=off",
	"GOTOOLCHAIN=local",
	"CGO_ENABLED=0",
	"GOGC=400", /* with -dwarf=false 500 CPU seconds instead of 697 (`build --timings`), and no more memory */
};

static const char *const work_directories[] = { "go/src/k8s.io", COMPILE_BIN, "cache", "tmp" };

/* The two packages in which Kubernetes stores its version. */
static const char *const version_packages[] = { PACKAGE "vendor/k8s.io/client-go/pkg/version",
						PACKAGE "vendor/k8s.io/component-base/version" };

int kubernetes_compile_step(const struct kubernetes_compile *c, const char *directory, struct text *output,
			    const struct strings *argv, struct error *err)
{
	struct toolchain_step step = {
		.work = c->work, .directory = directory, .argv = argv, .environment = &c->environment, .output = output
	};

	return toolchain_run(c->toolchain, &step, err);
}

static int unpack(struct kubernetes_compile *c, struct error *err)
{
	return source_package_unpack(c->source, c->toolchain, c->work, COMPILE_SOURCE, err);
}

static int replace_reflect2(struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	const char *base;
	CLEANUP(close_p) int parent = file_open_parent_in(c->workfd, COMPILE_SOURCE "/" REFLECT2, false, &base);

	if (parent < 0 || faccessat(parent, base, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (tree_remove(parent, base, err) < 0)
		return -1;
	strings_add_all(&argv, "cp", "-r", REFLECT2_PACKAGED, REFLECT2, NULL);
	return kubernetes_compile_step(c, COMPILE_SOURCE, NULL, &argv, err);
}

static int find_epoch(struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text date = { 0 };
	char *end;

	strings_add_all(&argv, "dpkg-parsechangelog", "--show-field", "Timestamp", NULL);
	if (kubernetes_compile_step(c, COMPILE_SOURCE, &date, &argv, err) < 0)
		return -1;
	long long epoch = date.data ? strtoll(date.data, &end, 10) : -1;
	if (epoch < 0 || end == date.data)
		return error_set(err, ERROR_COMMAND, "dpkg-parsechangelog prints no date of the source package");
	c->epoch = epoch;
	return 0;
}

static int generate(struct kubernetes_compile *c, struct error *err)
{
	return c->control_plane ? kubernetes_compile_openapi(c, err) : 0;
}

/* -X for each variable in each package; the commit and other values are in the source, written by git-archive. */
static char *linker_flags(const struct kubernetes_compile *c)
{
	struct text flags = { 0 };
	int major = 0, minor = 0;
	char date[CLOCK_TEXT_MAX];

	sscanf(c->lock->kubernetes_version, "%d.%d", &major, &minor);
	clock_text((time_t)c->epoch, date);
	text_add(&flags, "-s -w -buildid=");
	for (size_t i = 0; i < ARRAY_SIZE(version_packages); i++) {
		const char *package = version_packages[i];
		text_addf(&flags, " -X %s.gitVersion=v%s", package, c->lock->kubernetes_version);
		text_addf(&flags, " -X %s.gitMajor=%d -X %s.gitMinor=%d", package, major, package, minor);
		text_addf(&flags, " -X %s.gitTreeState=archive -X %s.buildDate=%s", package, package, date);
	}
	return text_take(&flags);
}

static void add_programs(struct strings *argv, const char *const *programs)
{
	for (; *programs; programs++)
		strings_addf(argv, PACKAGE "cmd/%s", *programs);
}

/* One command for all: the programs share most of their packages, and Go then uses all cores until the end. No debug
 * information is generated, because the linker would drop it. */
static int programs(struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(free_p) char *flags = linker_flags(c);

	strings_add_all(&argv, "go", "install", "-v", "-trimpath", "-tags", "selinux,notest", "-gcflags",
			"all=-dwarf=false", "-ldflags", flags, NULL);
	add_programs(&argv, kubernetes_compile_node_programs);
	if (c->control_plane)
		add_programs(&argv, kubernetes_compile_control_plane_programs);
	return kubernetes_compile_step(c, COMPILE_SOURCE, NULL, &argv, err);
}

/* kubeadm defines which images it uses. */
static int list_references(struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text list = { 0 };

	strings_add_all(&argv, TOOLCHAIN_WORK "/" COMPILE_BIN "/kubeadm", "config", "images", "list",
			"--kubernetes-version", NULL);
	strings_addf(&argv, "v%s", c->lock->kubernetes_version);
	if (kubernetes_compile_step(c, ".", &list, &argv, err) < 0)
		return -1;
	kubeadm_images_parse(list.data, &c->references);
	return 0;
}

/* The source of pause may be newer than the image that this kubeadm uses; the program reports the image's version. */
static int pause_program(struct kubernetes_compile *c, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	const char *reference = kubeadm_images_find(&c->references, "pause");

	if (!c->control_plane)
		return 0;
	if (!reference)
		return error_set(err, ERROR_COMMAND, "`kubeadm config images list` prints no pause image");
	strings_add_all(&argv, "gcc", "-Os", "-Wall", "-static", "-s", NULL);
	strings_addf(&argv, "-DVERSION=v%s", strrchr(reference, ':') + 1);
	strings_add_all(&argv, "-o", TOOLCHAIN_WORK "/" COMPILE_BIN "/pause", PAUSE_SOURCE, NULL);
	return kubernetes_compile_step(c, COMPILE_SOURCE, NULL, &argv, err);
}

int kubernetes_compile_run(struct kubernetes_compile *c, struct error *err)
{
	static const struct {
		const char *name;
		int (*run)(struct kubernetes_compile *c, struct error *err);
	} steps[] = {
		{ "unpack its source", unpack },      { "replace reflect2", replace_reflect2 },
		{ "read its changelog", find_epoch }, { "generate OpenAPI definitions", generate },
		{ "compile its programs", programs }, { "list its images", list_references },
		{ "compile pause", pause_program },   { "run its programs", kubernetes_compile_check },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (c->toolchain->line)
			c->toolchain->line(c->toolchain->line_context, steps[i].name);
		if (steps[i].run(c, err) < 0)
			return error_wrap(err, "Kubernetes %s: %s", c->lock->kubernetes_version, steps[i].name);
	}
	return 0;
}

int kubernetes_compile_open(struct kubernetes_compile *c, struct error *err)
{
	c->workfd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++)
		strings_add(&c->environment, environment[i]);
	if (scratch_directory(&c->toolchain->scratch, "work", &c->work, err) < 0)
		return -1;
	c->workfd = dir_open(AT_FDCWD, c->work, err);
	if (c->workfd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(work_directories); i++)
		if (dir_make_in(c->workfd, work_directories[i], 0755, err) < 0)
			return -1;
	return 0;
}

void kubernetes_compile_close(struct kubernetes_compile *c)
{
	close_p(&c->workfd);
	strings_done(&c->environment);
	strings_done(&c->references);
	free(c->work);
	*c = (struct kubernetes_compile){ .workfd = -1 };
}
