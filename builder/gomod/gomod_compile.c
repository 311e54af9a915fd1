/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles one component in the open tree and publishes its programs. */
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
#include "lib/alloc.h"
#include "lib/file.h"

/* Debug information would be dropped by the linker (-s -w): not generating it saves a third of the time. */
static const char *const go_build[] = {
	"go", "build", "-v", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"
};

/* Puts a module's file into the file: proxy of the build: a link to the cache, which is visible inside as /modules. */
static int offer_file(struct go_tree *g, const struct lock_module *m, enum module_file file, struct error *err)
{
	CLEANUP(free_p) char *path = goproxy_file(m->path, m->version, module_file_suffix[file]);
	CLEANUP(free_p) char *at = xasprintf(GO_TREE_PROXY "/%s", path), *name = module_cache_name(m, file);
	CLEANUP(free_p)
	char *cached = xasprintf(MODULE_CACHE "/%s", name), *inside = xasprintf(GOMOD_MODULES "/%s", name);
	const char *base;
	CLEANUP(close_p) int directory = file_open_parent_in(g->workfd, at, true, &base);

	if (directory < 0)
		return error_errno(err, errno, "offer %s", path);
	/* Without mounts the work directory is in the cache's own file system (scratch.h). */
	int rc = rootless_restricted() ? linkat(g->toolchain.cache->fd, cached, directory, base, 0)
				       : symlinkat(inside, directory, base);
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
	struct strings linked; /* "PATH@VERSION" of the modules of which packages are in the programs */
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
	CLEANUP(free_p) char *from = xasprintf(GOMOD_OUT "/%s/%s", k->c->name, made);
	CLEANUP(free_p) char *to = xasprintf(GOMOD_PROGRAMS "/%s/%s", k->c->name, p->name);
	const char *from_base, *to_base;
	CLEANUP(close_p) int from_fd = file_open_parent_in(k->g->workfd, from, false, &from_base);
	CLEANUP(close_p) int to_fd = file_open_parent_in(k->g->workfd, to, false, &to_base);

	if (from_fd < 0 || to_fd < 0 || renameat(from_fd, from_base, to_fd, to_base) < 0)
		return error_errno(err, errno, "find the program %s, compiled from %s", p->name, p->package);
	return 0;
}

/* Adds the packages of all programs with these tags. */
static void add_packages(const struct compile *k, const char *tags, struct strings *ret)
{
	for (size_t i = 0; i < k->c->programs.n; i++) {
		CLEANUP(free_p) char *own = tags_of(k->c, &k->c->programs.at[i]);
		if (strcmp(own, tags) == 0)
			strings_add(ret, k->c->programs.at[i].package);
	}
}

/* Adds the modules that are linked into the programs with these tags. */
static int list_linked(struct compile *k, const char *tags, struct error *err)
{
	static const char format[] = "{{with .Module}}{{with .Replace}}{{.Path}}@{{.Version}}{{else}}"
				     "{{.Path}}@{{.Version}}{{end}}{{end}}";
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text output = { 0 };
	CLEANUP(free_p) char *directory = xasprintf(GOMOD_MAIN "/%s", k->c->name);

	strings_add_all(&argv, "go", "list", "-deps", "-tags", tags, "-f", format, NULL);
	add_packages(k, tags, &argv);
	if (run_go(k, directory, &argv, &output, err) < 0)
		return -1;
	for (char *rest = output.data, *line; rest && (line = strsep(&rest, "\n"));)
		if (!strings_has(&k->linked, line))
			strings_add(&k->linked, line);
	return 0;
}

/* One `go build` for all programs with these tags: they share most packages, and Go uses all cores until the end. */
static int build_group(struct compile *k, const char *tags, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(free_p) char *flags = linker_flags(k), *directory = xasprintf(GOMOD_MAIN "/%s", k->c->name);

	for (size_t i = 0; i < ARRAY_SIZE(go_build); i++)
		strings_add(&argv, go_build[i]);
	strings_add_all(&argv, "-tags", tags, "-ldflags", flags, "-o", NULL);
	strings_addf(&argv, TOOLCHAIN_WORK "/" GOMOD_OUT "/%s/", k->c->name);
	add_packages(k, tags, &argv);
	if (run_go(k, directory, &argv, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < k->c->programs.n; i++) {
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
		if (build_group(k, tags, err) < 0 || list_linked(k, tags, err) < 0)
			return -1;
		strings_add(&done, tags);
	}
	return 0;
}

/* Programs are run in an empty tree, as copies, so that what they do changes nothing that is kept. */
struct check {
	struct toolchain tree;
	char *work; /* owned; absolute */
	int workfd, programs;
};

static void check_done(struct check *c)
{
	close_p(&c->workfd);
	free(c->tree.root);
	free(c->work);
}

static int check_program(struct compile *k, const struct check *c, const struct component_program *p, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text output = { 0 };
	CLEANUP(free_p) char *from = xasprintf(GOMOD_BIN "/%s", p->name);
	CLEANUP(free_p)
	char *wanted = p->output ? component_expand(p->output, k->locked->version, k->locked->date) : NULL;
	struct toolchain_step step = { .work = c->work, .argv = &argv, .output = &output };

	strings_addf(&argv, TOOLCHAIN_WORK "/%s", p->name);
	strings_append(&argv, &p->check);
	if (gomod_copy_program(c->programs, from, c->workfd, p->name, err) < 0)
		return -1;
	int rc = toolchain_run(&c->tree, &step, err);
	unlinkat(c->workfd, p->name, 0);
	if (rc < 0)
		return error_wrap(err, "the compiled program %s", p->name);
	if (wanted && !strstr(output.data ? output.data : "", wanted))
		return error_set(err, ERROR_COMMAND, "the compiled program %s prints '%s' instead of '%s'", p->name,
				 output.data ? text_trim(output.data) : "", wanted);
	return 0;
}

/* programs: the directory that gomod_keep() has filled. */
static int check_programs(struct compile *k, int programs, struct error *err)
{
	const struct scratch *scratch = &k->g->toolchain.scratch;
	CLEANUP(check_done) struct check c = { .tree = k->g->toolchain, .workfd = -1, .programs = programs };

	c.tree.root = NULL;
	if (scratch_directory(scratch, "check", &c.tree.root, err) < 0 ||
	    scratch_directory(scratch, "checked", &c.work, err) < 0)
		return -1;
	c.workfd = dir_open(AT_FDCWD, c.work, err);
	if (c.workfd < 0)
		return -1;
	for (size_t i = 0; i < k->c->programs.n; i++)
		if (k->c->programs.at[i].check.n && check_program(k, &c, &k->c->programs.at[i], err) < 0)
			return -1;
	return 0;
}

static int prepare(struct compile *k, struct error *err)
{
	CLEANUP(free_p) char *out = xasprintf(GOMOD_OUT "/%s", k->c->name);
	CLEANUP(free_p) char *programs = xasprintf(GOMOD_PROGRAMS "/%s", k->c->name);
	CLEANUP(free_p) char *sum_file = xasprintf(GOMOD_MAIN "/%s/go.sum", k->c->name);
	CLEANUP(text_done) struct text sums = { 0 };

	strings_add_all(&k->environment, "GOPROXY=file://" TOOLCHAIN_WORK "/" GO_TREE_PROXY, "GOSUMDB=off",
			"GOFLAGS=-mod=readonly", k->c->go.cgo ? "CGO_ENABLED=1" : "CGO_ENABLED=0", NULL);
	gosum_print(k->locked, &sums);
	if (offer_modules(k->g, k->locked, err) < 0 || gomod_main_module(k->g, k->c, k->locked->go_mod, err) < 0 ||
	    dir_make_in(k->g->workfd, out, 0755, err) < 0 || dir_make_in(k->g->workfd, programs, 0755, err) < 0)
		return -1;
	return file_write_in(k->g->workfd, sum_file, sums.data ? sums.data : "", sums.len, 0644, err);
}

static int compile(struct compile *k, const char *key, struct error *err)
{
	struct cache *cache = k->g->toolchain.cache;
	CLEANUP(free_p) char *copies = NULL;
	CLEANUP(close_p) int fd = -1;

	if (prepare(k, err) < 0 || build_programs(k, err) < 0 || cache_scratch(cache, &copies, &fd, err) < 0 ||
	    gomod_keep(k->g, k->c, k->locked, &k->linked, fd, err) < 0 || check_programs(k, fd, err) < 0)
		return -1;
	return cache_publish(cache, copies, "artifacts", key, err);
}

/* Go says of a changed file in the cache only that it is one. */
static int find_changed(const struct compile *k, struct error *err)
{
	struct cache *cache = k->g->toolchain.cache;

	for (size_t i = 0; i < k->locked->modules.n; i++) {
		const struct lock_module *m = &k->locked->modules.at[i];
		if ((m->sum && module_cache_check(cache, m, MODULE_ZIP, err) < 0) ||
		    module_cache_check(cache, m, MODULE_GO_MOD, err) < 0)
			return -1;
	}
	return -1;
}

int gomod_compile(struct go_tree *g, const struct component *c, const struct lock_component *locked, const char *key,
		  struct error *err)
{
	struct compile k = { .g = g, .c = c, .locked = locked };
	int rc = compile(&k, key, err);

	if (rc < 0 && err->class == ERROR_TRUST)
		rc = find_changed(&k, err);
	strings_done(&k.environment);
	strings_done(&k.linked);
	return rc;
}
