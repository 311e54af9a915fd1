/* SPDX-License-Identifier: Apache-2.0 */
/* The lock may be an attacker's: what its programs leave in the work directory or print leads nowhere outside. */
#include <stdlib.h>

#include "builder/gomod/gomod_internal.h"
#include "tests/unit/fake_toolchain.h"

#define SUM "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define MODULE_DIRECTORY "/work/modules/example.com/!mod@v1.0.0"

static const char *root;          /* of the test; the work directory is root/work */
static const char *linked;        /* what `go list` prints */
static const char *link_of_build; /* a symlink that the build leaves in the work directory: its name ... */
static const char *link_to;       /* ... and where it leads, below root */
static int checks;

static void plant(void)
{
	CLEANUP(free_p) char *at = xasprintf("%s/work/%s", root, link_of_build), *to = xasprintf("%s%s", root, link_to);
	struct error err = { 0 };

	CHECK(tree_remove(AT_FDCWD, at, &err) == 0 && symlink(to, at) == 0);
}

static int answer(const struct toolchain_step *step, const char *line, struct error *err UNUSED)
{
	if (strstr(line, "/bin/go build")) {
		fake_put(root, "/work/out/tool/tool", "program");
		if (link_of_build)
			plant();
	} else if (strstr(line, "/bin/go list")) {
		text_add(step->output, linked);
	} else {
		/* Neither the tree with Go nor the caches: it is code of the lock. */
		checks += !step->directory && !step->binds && fake_has(step->work, "/tool");
		fake_put(step->work, "/tool", "changed");
		text_add(step->output, "tool 1.0.0");
	}
	return 0;
}

struct world {
	struct own_cache own;
	struct lock lock;
	struct lock_component locked;
	struct component component;
	struct go_tree tree;
};

static void world_done(struct world *w)
{
	close_p(&w->tree.workfd);
	free(w->tree.work);
	strings_done(&w->component.programs.at[0].check);
	vec_done(&w->component.programs);
	vec_done(&w->locked.modules);
	vec_done(&w->lock.group[LOCK_GO]);
	own_cache_close(&w->own);
}

static void world_open(struct world *w, char *path)
{
	struct component_program program = { .name = (char *)"tool",
					     .package = (char *)"example.com/Mod/cmd/tool",
					     .output = (char *)"tool {version}" };

	root = path;
	linked = "example.com/Mod@v1.0.0\nnodekiln@\n";
	link_of_build = NULL;
	checks = 0;
	fake_answer = answer;
	CHECK(own_cache_open(&w->own) == 0);
	fake_put(path, MODULE_DIRECTORY "/LICENSE", "a licence");
	fake_put(path, MODULE_DIRECTORY "/UNLICENSE", "another");
	fake_put(path, MODULE_DIRECTORY "/main.go", "no licence");
	fake_put(path, "/outside/tool", "secret");
	strings_add(&program.check, "--version");
	vec_push(&w->component.programs, program);
	w->component.name = (char *)"tool";
	w->component.go.module = (char *)"example.com/Mod";
	vec_push(&w->locked.modules,
		 ((struct lock_module){ (char *)"example.com/Mod", (char *)"v1.0.0", (char *)SUM, (char *)SUM }));
	w->locked.name = (char *)"tool";
	w->locked.version = (char *)"1.0.0";
	w->locked.go_mod = (char *)"module nodekiln\n\ngo 1.26\n";
	vec_push(&w->lock.group[LOCK_GO], (struct lock_package){ .name = (char *)"golang-1.26-go" });
	w->tree.toolchain = fake_toolchain(path, &w->lock, &w->own.cache);
	w->tree.work = xasprintf("%s/work", path);
	w->tree.workfd = open(w->tree.work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

TEST(gomod_compile_keeps_programs_and_licences)
{
	CLEANUP(world_done) struct world w = { .own.cache.fd = -1 };

	FAKE_ROOT();
	world_open(&w, path);
	CHECK_STR(gomod_compile(&w.tree, &w.component, &w.locked, "key", &err) < 0 ? err.text : "", "");
	CHECK(checks == 1);
	CLEANUP(free_p) char *program = fake_get(w.own.cache.path, "/artifacts/key/bin/tool");
	CHECK_STR(program, "program"); /* and not what it made of itself when it ran */
	CHECK(fake_has(w.own.cache.path, "/artifacts/key/licenses/example.com/Mod@v1.0.0/LICENSE"));
	CHECK(fake_has(w.own.cache.path, "/artifacts/key/licenses/example.com/Mod@v1.0.0/UNLICENSE"));
	CHECK(!fake_has(w.own.cache.path, "/artifacts/key/licenses/example.com/Mod@v1.0.0/main.go"));
	FAKE_ROOT_END();
}

/* A replacement's path in go.mod may have `..` and line breaks, and Go prints it as it is. */
TEST(gomod_compile_names_of_modules)
{
	CLEANUP(world_done) struct world w = { .own.cache.fd = -1 };

	FAKE_ROOT();
	world_open(&w, path);
	linked =
		"../../escaped@ /build/modules/example.com/!mod@v1.0.0\n../../escaped@v1\n../../escaped\n/escaped@v1\n";
	CHECK_STR(gomod_compile(&w.tree, &w.component, &w.locked, "key", &err) < 0 ? err.text : "", "");
	CHECK(!fake_has(path, "/escaped") && !fake_has(path, "/work/escaped") && !fake_has(w.own.top, "/escaped"));
	FAKE_ROOT_END();
}

/* Those of the directories that Go and gomod use: nothing of them is replaced. */
TEST(gomod_main_module_of_any_name)
{
	static const char *const names[] = { "go",  "modules", "proxy",    "tmp",   "cache",
					     "out", "main",    "programs", "go.mod" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(world_done) struct world w = { .own.cache.fd = -1 };

		FAKE_ROOT();
		world_open(&w, path);
		fake_put(path, "/work/modules/go.mod", "theirs");
		CLEANUP(free_p)
		char *own = xasprintf("/own/%s", names[i]), *main = xasprintf("%s%s/main.go", path, own);
		CLEANUP(free_p) char *yaml = xasprintf("%s/own/c.yaml", path);
		fake_put(path, main + strlen(path), "package main\n");
		w.component.name = (char *)names[i];
		w.component.file = yaml;
		w.component.go.main = strchr(names[i], '.') ? NULL : (char *)names[i];
		CHECK_STR(gomod_main_module(&w.tree, &w.component, w.locked.go_mod, &err) < 0 ? err.text : "", "");
		CLEANUP(free_p) char *copy = xasprintf("/work/" GOMOD_MAIN "/%s/%s/main.go", names[i], names[i]);
		CLEANUP(free_p) char *mod = xasprintf("/work/" GOMOD_MAIN "/%s/go.mod", names[i]);
		CLEANUP(free_p) char *theirs = fake_get(path, "/work/modules/go.mod");
		CHECK(fake_has(path, mod) && fake_has(path, copy) == (w.component.go.main != NULL));
		CHECK_STR(theirs, "theirs");
		FAKE_ROOT_END();
	}
}

static const struct {
	const char *name, *to;
	bool used; /* gomod_compile() looks there after the build */
} links[] = {
	{ "programs/tool", "/outside", true },      { "out/tool", "/outside", true },
	{ "out/tool/tool", "/outside/tool", true }, { "modules/example.com/!mod@v1.0.0", "/outside", true },
	{ "main/tool", "/outside", false },         { "main", "/outside", false },
};

TEST(gomod_compile_symlinks)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		CLEANUP(world_done) struct world w = { .own.cache.fd = -1 };

		FAKE_ROOT();
		world_open(&w, path);
		link_of_build = links[i].name;
		link_to = links[i].to;
		CHECK(gomod_compile(&w.tree, &w.component, &w.locked, "key", &err) == (links[i].used ? -1 : 0));
		CHECK(cache_has(&w.own.cache, "artifacts", "key") == !links[i].used);
		CLEANUP(free_p) char *secret = fake_get(path, "/outside/tool");
		CHECK_STR(secret, "secret");
		/* That of the next component is in the work directory, too. */
		link_of_build = NULL;
		CHECK(gomod_main_module(&w.tree, &w.component, w.locked.go_mod, &err) <= 0);
		CHECK(!fake_has(path, "/outside/go.mod") && !fake_has(path, "/outside/programs.go"));
		FAKE_ROOT_END();
	}
}
