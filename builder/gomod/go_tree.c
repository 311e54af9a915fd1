/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/gomod/go_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/gomod/go_error.h"
#include "builder/gomod/go_settings.h"
#include "builder/gomod/goproxy.h"
#include "builder/sandbox/rootless.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define PACKAGE_START "golang-"
#define PACKAGE_END "-go"
#define HOST_FILE_MAX (16u << 20)

static const char *const directories[] = { GO_TREE_DOWNLOADS, GO_TREE_PROXY, "go", "tmp", "cache" };

/* GOFLAGS and the versions of other tools are not the user's: the result depends only on the lock. */
static const char *const environment[] = {
	"GOPATH=" TOOLCHAIN_WORK "/go",
	"GOMODCACHE=" TOOLCHAIN_WORK "/" GO_TREE_MODULES,
	"GOTMPDIR=" TOOLCHAIN_WORK "/tmp",
	"GOENV=off",
	"GOWORK=off",
	"GOTOOLCHAIN=local",
	"GOTELEMETRY=off",
	"GO111MODULE=on",
	"GOGC=400", /* the compiler collects less garbage: a sixth less time */
};

/* What the resolver and TLS of a process inside need. */
static const char *const host_files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf" };
#define CA_FILE "/etc/ssl/certs/ca-certificates.crt"

const char *go_tree_package(const struct lock *lock)
{
	for (size_t i = 0; i < lock->group[LOCK_GO].n; i++) {
		const char *name = lock->group[LOCK_GO].at[i].name;
		if (text_starts(name, PACKAGE_START "1.") && text_ends(name, PACKAGE_END))
			return name;
	}
	return NULL;
}

static int prepare(struct go_tree *g, struct error *err)
{
	if (scratch_directory(&g->toolchain.scratch, "work", &g->work, err) < 0)
		return -1;
	g->workfd = dir_open(AT_FDCWD, g->work, err);
	if (g->workfd < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		if (dir_make_in(g->workfd, directories[i], 0755, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++)
		strings_add(&g->environment, environment[i]);
	return 0;
}

int go_tree_open(struct go_tree *g, uint64_t need, struct error *err)
{
	g->workfd = -1;
	g->toolchain.group = LOCK_GO;
	if (!go_tree_package(g->toolchain.lock))
		return error_set(err, ERROR_INPUT, "the lock has no package of Go; run `nodekiln lock` again");
	if (toolchain_open(&g->toolchain, need, err) < 0)
		return -1;
	if (prepare(g, err) == 0)
		return 0;
	go_tree_close(g);
	return -1;
}

void go_tree_close(struct go_tree *g)
{
	go_tree_seal_cache(g);
	close_p(&g->workfd);
	free(g->work);
	free(g->proxies);
	strings_done(&g->environment);
	strings_done(&g->settings);
	sandbox_binds_done(&g->binds);
	toolchain_close(&g->toolchain);
	g->work = g->proxies = NULL;
}

static int copy_into(struct go_tree *g, const char *source, const char *target, mode_t mode, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, g->toolchain.root, err);

	if (rootfd < 0)
		return -1;
	if (access(source, F_OK) < 0)
		return 0;
	if (file_read(AT_FDCWD, source, HOST_FILE_MAX, &text, err) < 0)
		return -1;
	return file_write_in(rootfd, target + 1, text.data ? text.data : "", text.len, mode, err);
}

/* A directory that is a proxy has the same path inside. */
static int bind_proxies(struct go_tree *g, struct error *err)
{
	CLEANUP(goproxy_done) struct goproxy proxy = { 0 };
	const char *value = go_settings_get(&g->settings, "GOPROXY");

	if (!value)
		return 0;
	if (goproxy_parse(value, &proxy, err) < 0)
		return -1;
	free(g->proxies);
	g->proxies = goproxy_text(&proxy);
	for (size_t i = 0; i < proxy.list.n; i++) {
		const char *path = proxy.list.at[i].directory;
		if (!path)
			continue;
		if (access(path, R_OK | X_OK) < 0)
			return error_set(err, ERROR_NETWORK, "GOPROXY names the directory %s, which cannot be read: %s",
					 path, strerror(errno));
		if (rootless_restricted())
			return error_set(err, ERROR_HOST,
					 "GOPROXY names the directory %s; here, where nothing can be mounted, name a "
					 "server",
					 path);
		sandbox_binds_add_read_only(&g->binds, path, path);
	}
	return 0;
}

int go_tree_online(struct go_tree *g, struct error *err)
{
	CLEANUP(free_p) char *netrc = go_settings_netrc();
	const char *ca = getenv("SSL_CERT_FILE");

	if (go_settings_read(&g->settings, err) < 0 || bind_proxies(g, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(host_files); i++)
		if (copy_into(g, host_files[i], host_files[i], 0644, err) < 0)
			return -1;
	if (copy_into(g, ca && *ca ? ca : CA_FILE, CA_FILE, 0644, err) < 0)
		return -1;
	return netrc ? copy_into(g, netrc, "/root/.netrc", 0600, err) : 0;
}

static char *program(const struct go_tree *g)
{
	const char *package = go_tree_package(g->toolchain.lock);
	size_t start = strlen(PACKAGE_START), end = strlen(PACKAGE_END);

	return xasprintf("/usr/lib/go-%.*s/bin/go", (int)(strlen(package) - start - end), package + start);
}

/* What a run prints goes to the caller, too. */
struct listener {
	const struct toolchain *toolchain;
	struct go_error why;
};

static void listen(void *context, const char *line)
{
	struct listener *l = context;

	go_error_add(&l->why, line);
	if (l->toolchain->line)
		l->toolchain->line(l->toolchain->line_context, line);
}

static int run_step(struct go_tree *g, const struct toolchain_step *step, bool is_go, struct error *err)
{
	struct listener l = { .toolchain = &g->toolchain, .why = { .network = step->network, .proxies = g->proxies } };
	struct toolchain listening = g->toolchain; /* borrows everything */

	listening.line = listen;
	listening.line_context = &l;
	int rc = toolchain_run(&listening, step, err);
	if (rc < 0 && is_go)
		go_error_explain(&l.why, err);
	go_error_done(&l.why);
	return rc;
}

int go_tree_run(struct go_tree *g, const struct go_run *run, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 }, env = { 0 };
	struct toolchain_step step = {
		.work = g->work,
		.directory = run->directory,
		.argv = &argv,
		.environment = &env,
		.binds = &g->binds,
		.network = run->network,
		.unprivileged = true,
		.output = run->output,
	};

	bool is_go = run->argv->n && strcmp(run->argv->at[0], "go") == 0;

	for (size_t i = 0; i < run->argv->n; i++) {
		if (i == 0 && is_go)
			strings_own(&argv, program(g));
		else
			strings_add(&argv, run->argv->at[i]);
	}
	strings_append(&env, &g->environment);
	if (!go_settings_get(&env, "GOCACHE"))
		strings_add(&env, "GOCACHE=" TOOLCHAIN_WORK "/cache");
	if (run->network)
		strings_append(&env, &g->settings);
	if (run->extra)
		strings_append(&env, run->extra);
	return run_step(g, &step, is_go, err);
}

int go_tree_proxy(struct go_tree *g, char **ret, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };
	CLEANUP(text_done) struct text output = { 0 };
	const char *value = go_settings_get(&g->settings, "GOPROXY");
	/* Without the network: a build runs the Go of a lock. */
	struct go_run run = { .directory = ".", .argv = &argv, .output = &output };

	if (value) {
		*ret = xstrdup(value);
		return 0;
	}
	strings_add_all(&argv, "go", "env", "GOPROXY", NULL);
	if (go_tree_run(g, &run, err) < 0)
		return -1;
	*ret = xstrdup(output.data ? text_trim(output.data) : "");
	return 0;
}
