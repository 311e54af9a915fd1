/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles one component in the open tree and publishes its programs. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/gomod/gomod_internal.h"
#include "builder/gomod/goproxy.h"
#include "builder/gomod/gosum.h"
#include "builder/gomod/module_cache.h"
#include "builder/sandbox/rootless.h"
#include "builder/tree/tree.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define LICENCE_MAX (4u << 20)

/* Debug information would be dropped by the linker (-s -w): not generating it saves a third of the time. */
static const char *const go_build[] = {
	"go", "build", "-v", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"
};

static const char *const licence_files[] = { "LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS" };

/* Puts a module's file into the file: proxy of the build: a link to the cache, which is visible inside as /modules. */
static int offer_file(struct go_tree *g, const struct lock_module *m, enum module_file file, struct error *err)
{
	CLEANUP(free_p) char *path = goproxy_file(m->path, m->version, module_file_suffix[file]);
	CLEANUP(free_p) char *at = xasprintf(GO_TREE_PROXY "/%s", path), *name = module_cache_name(m, file);
	CLEANUP(free_p)
	char *cached = xasprintf(MODULE_CACHE "/%s", name), *inside = xasprintf(GOMOD_MODULES "/%s", name);
	CLEANUP(free_p) char *directory = xstrndup(at, (size_t)(strrchr(at, '/') - at));

	if (dir_make(g->workfd, directory, 0755, err) < 0)
		return -1;
	/* Without mounts the work directory is in the cache's own file system (scratch.h). */
	int rc = rootless_restricted() ? linkat(g->toolchain.cache->fd, cached, g->workfd, at, 0)
				       : symlinkat(inside, g->workfd, at);
	return rc < 0 && errno != EEXIST ? error_errno(err, errno, "offer %s", path) : 0;
}

static int offer_modules(struct go_tree *g, const struct lock_component *locked, struct error *err)
{
	for (size_t i = 0; i < locked->modules.n; i++) {
		const struct lock_module *m = &locked->modules.at[i];
		if ((m->sum && offer_file(g, m, MODULE_ZIP, err) < 0) || offer_file(g, m, MODULE_GO_MOD, err) < 0)
			return -1;
	}
	return 0;
}

/* One component that is being compiled. */
struct compile {
	struct go_tree *g;
	const struct component *c;
	const struct lock_component *locked;
	struct strings environment;
};

static int run_go(struct compile *k, const char *directory, const struct strings *argv, struct text *output,
		  struct error *err)
{
	struct go_run run = { .directory = directory, .argv = argv, .extra = &k->environment, .output = output };

	return go_tree_run(k->g, &run, err);
}

static char *linker_flags(const struct compile *k)
{
	struct text flags = { 0 };

	text_add(&flags, "-s -w -buildid=");
	for (size_t i = 0; i < k->c->go.flags.n; i++)
		text_addf(&flags, " %s", k->c->go.flags.at[i]);
	for (size_t i = 0; i < k->c->go.variables.n; i++) {
		CLEANUP(free_p)
		char *value = component_expand(k->c->go.variables.at[i], k->locked->version, k->locked->date);
		text_addf(&flags, " -X %s", value);
	}
	return text_take(&flags);
}

static char *tags_of(const struct component *c, const struct component_program *p)
{
	struct text tags = { 0 };

	for (size_t i = 0; i < c->go.tags.n; i++)
		text_addf(&tags, "%s%s", tags.len ? "," : "", c->go.tags.at[i]);
	for (size_t i = 0; i < p->tags.n; i++)
		text_addf(&tags, "%s%s", tags.len ? "," : "", p->tags.at[i]);
	return text_take(&tags);
}

/* The file name that Go gives to the program of a main package: the last element of its path that is no version. */
static char *executable(const char *package)
{
	const char *last = strrchr(package, '/');

	if (last && last[1] == 'v' && last[2] && !last[2 + strspn(last + 2, "0123456789")]) {
		const char *end = last;
		while (last > package && last[-1] != '/')
			last--;
		return xstrndup(last, (size_t)(end - last));
	}
	return xstrdup(last ? last + 1 : package);
}

static int rename_program(struct compile *k, const struct component_program *p, struct error *err)
{
	CLEANUP(free_p) char *made = executable(p->package);
	CLEANUP(free_p) char *from = xasprintf("%s/out/%s", k->c->name, made);
	CLEANUP(free_p) char *to = xasprintf("%s/" GOMOD_BIN "/%s", k->c->name, p->name);

	if (renameat(k->g->workfd, from, k->g->workfd, to) < 0)
		return error_errno(err, errno, "find the program %s, compiled from %s", p->name, p->package);
	return 0;
}

/* One `go build` for all programs with these tags: they share most packages, and Go uses all cores until the end. */
static int build_group(struct compile *k, const char *tags, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(free_p) char *flags = linker_flags(k);
	size_t n = k->c->programs.n;

	for (size_t i = 0; i < ARRAY_SIZE(go_build); i++)
		strings_add(&argv, go_build[i]);
	strings_add_all(&argv, "-tags", tags, "-ldflags", flags, "-o", NULL);
	strings_addf(&argv, TOOLCHAIN_WORK "/%s/out/", k->c->name);
	for (size_t i = 0; i < n; i++) {
		CLEANUP(free_p) char *own = tags_of(k->c, &k->c->programs.at[i]);
		if (strcmp(own, tags) == 0)
			strings_add(&argv, k->c->programs.at[i].package);
	}
	if (run_go(k, k->c->name, &argv, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		CLEANUP(free_p) char *own = tags_of(k->c, &k->c->programs.at[i]);
		if (strcmp(own, tags) == 0 && rename_program(k, &k->c->programs.at[i], err) < 0)
			return -1;
	}
	return 0;
}

static int build_programs(struct compile *k, struct error *err)
{
	CLEANUP(strings_done) struct strings done = { 0 };

	for (size_t i = 0; i < k->c->programs.n; i++) {
		CLEANUP(free_p) char *tags = tags_of(k->c, &k->c->programs.at[i]);
		if (strings_has(&done, tags))
			continue;
		if (build_group(k, tags, err) < 0)
			return -1;
		strings_add(&done, tags);
	}
	return 0;
}

static int check_program(struct compile *k, const struct component_program *p, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text output = { 0 };
	CLEANUP(free_p)
	char *wanted = p->output ? component_expand(p->output, k->locked->version, k->locked->date) : NULL;

	if (!p->check.n)
		return 0;
	strings_addf(&argv, TOOLCHAIN_WORK "/%s/" GOMOD_BIN "/%s", k->c->name, p->name);
	strings_append(&argv, &p->check);
	if (run_go(k, ".", &argv, &output, err) < 0)
		return error_wrap(err, "the compiled program %s", p->name);
	if (wanted && !strstr(output.data ? output.data : "", wanted))
		return error_set(err, ERROR_COMMAND, "the compiled program %s prints '%s' instead of '%s'", p->name,
				 output.data ? text_trim(output.data) : "", wanted);
	return 0;
}

static bool is_licence(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(licence_files); i++)
		if (!strncasecmp(name, licence_files[i], strlen(licence_files[i])))
			return true;
	return false;
}

static int copy_licence(struct compile *k, int from, const char *name, const char *directory, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(free_p) char *to = xasprintf("%s/%s", directory, name);
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (file_read(from, name, LICENCE_MAX, &text, err) < 0 || dir_make(k->g->workfd, directory, 0755, err) < 0)
		return -1;
	return file_write(k->g->workfd, to, text.data ? text.data : "", text.len, 0644, err);
}

/* module: "PATH@VERSION"; inside: its directory. */
static int copy_licences(struct compile *k, const char *module, const char *inside, struct error *err)
{
	CLEANUP(free_p) char *directory = xasprintf("%s/" GOMOD_LICENSES "/%s", k->c->name, module);
	const struct dirent *entry;

	if (!text_starts(inside, TOOLCHAIN_WORK "/" GO_TREE_MODULES "/"))
		return 0; /* our own main package */
	int fd = dir_open(k->g->workfd, inside + strlen(TOOLCHAIN_WORK "/"), err);
	CLEANUP(closedir_p) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir)
		return fd < 0 ? -1 : error_errno(err, errno, "list %s", inside);
	while ((entry = readdir(dir)))
		if (is_licence(entry->d_name) && copy_licence(k, fd, entry->d_name, directory, err) < 0)
			return -1;
	return 0;
}

/* The licences of every module that is linked into a program. */
static int keep_licences(struct compile *k, struct error *err)
{
	static const char format[] = "{{with .Module}}{{with .Replace}}{{.Path}}@{{.Version}} {{.Dir}}{{else}}"
				     "{{.Path}}@{{.Version}} {{.Dir}}{{end}}{{end}}";
	CLEANUP(strings_done) struct strings argv = { 0 }, seen = { 0 };
	CLEANUP(text_done) struct text output = { 0 };
	CLEANUP(free_p) char *tags = tags_of(k->c, &(struct component_program){ 0 });

	strings_add_all(&argv, "go", "list", "-deps", "-tags", tags, "-f", format, NULL);
	for (size_t i = 0; i < k->c->programs.n; i++)
		strings_add(&argv, k->c->programs.at[i].package);
	if (run_go(k, k->c->name, &argv, &output, err) < 0)
		return -1;
	for (char *rest = output.data, *line; rest && (line = strsep(&rest, "\n"));) {
		char *inside = line, *module = strsep(&inside, " ");
		if (!inside || strings_has(&seen, module))
			continue;
		strings_add(&seen, module);
		if (copy_licences(k, module, inside, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_program(struct compile *k, const char *name, int to, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s/" GOMOD_BIN "/%s", k->c->name, name);
	CLEANUP(close_p) int in = openat(k->g->workfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	CLEANUP(free_p) char *target = xasprintf(GOMOD_BIN "/%s", name);
	CLEANUP(close_p) int out = openat(to, target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	if (in < 0 || out < 0)
		return error_errno(err, errno, "copy %s into the cache", name);
	return fchmod(out, 0755) < 0 ? error_errno(err, errno, "set the mode of %s", name) : copy_all(in, out, err);
}

static int publish(struct compile *k, const char *key, struct error *err)
{
	struct cache *cache = k->g->toolchain.cache;
	CLEANUP(free_p) char *scratch = NULL, *licences = xasprintf("%s/%s/" GOMOD_LICENSES, k->g->work, k->c->name);
	CLEANUP(close_p) int fd = -1;

	if (cache_scratch(cache, &scratch, &fd, err) < 0 || dir_make(fd, GOMOD_BIN, 0755, err) < 0 ||
	    dir_make(fd, GOMOD_LICENSES, 0755, err) < 0)
		return -1;
	for (size_t i = 0; i < k->c->programs.n; i++)
		if (copy_program(k, k->c->programs.at[i].name, fd, err) < 0)
			return -1;
	CLEANUP(free_p) char *to = xasprintf("%s/%s/" GOMOD_LICENSES, cache->path, scratch);
	if (access(licences, F_OK) == 0 && tree_overlay(licences, to, err) < 0)
		return -1;
	return cache_publish(cache, scratch, "artifacts", key, err);
}

static int prepare(struct compile *k, struct error *err)
{
	CLEANUP(free_p) char *out = xasprintf("%s/out", k->c->name), *bin = xasprintf("%s/" GOMOD_BIN, k->c->name);
	CLEANUP(free_p) char *sum_file = xasprintf("%s/go.sum", k->c->name);
	CLEANUP(text_done) struct text sums = { 0 };

	strings_add_all(&k->environment, "GOPROXY=file://" TOOLCHAIN_WORK "/" GO_TREE_PROXY, "GOSUMDB=off",
			"GOFLAGS=-mod=readonly", k->c->go.cgo ? "CGO_ENABLED=1" : "CGO_ENABLED=0", NULL);
	gosum_print(k->locked, &sums);
	if (offer_modules(k->g, k->locked, err) < 0 || gomod_main_module(k->g, k->c, k->locked->go_mod, err) < 0 ||
	    dir_make(k->g->workfd, out, 0755, err) < 0 || dir_make(k->g->workfd, bin, 0755, err) < 0)
		return -1;
	return file_write(k->g->workfd, sum_file, sums.data ? sums.data : "", sums.len, 0644, err);
}

static int compile(struct compile *k, const char *key, struct error *err)
{
	if (prepare(k, err) < 0 || build_programs(k, err) < 0)
		return -1;
	for (size_t i = 0; i < k->c->programs.n; i++)
		if (check_program(k, &k->c->programs.at[i], err) < 0)
			return -1;
	return keep_licences(k, err) < 0 ? -1 : publish(k, key, err);
}

int gomod_compile(struct go_tree *g, const struct component *c, const struct lock_component *locked, const char *key,
		  struct error *err)
{
	struct compile k = { .g = g, .c = c, .locked = locked };
	int rc = compile(&k, key, err);

	strings_done(&k.environment);
	return rc;
}
