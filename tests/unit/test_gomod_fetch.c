/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching from a mirror directory, tests/golden/gomod, and from changed copies of it. Nothing runs Go. */
#include "builder/gomod/gomod_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder/gomod/module_cache.h"
#include "lib/alloc.h"
#include "lib/http.h"
#include "tests/unit/own_cache.h"

#define SUM "h1:dTypyqAt00po70YfAFeOZiB8cwn/dCt4SLzt6lLP89g="
#define MOD "h1:sQewaGo904ul4jGhS7sNXimxej+4HHBjgu5G1eX3KbM="
#define WRONG "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define FILES "example.com/!mod/@v"

/* A mirror directory of the test's own with the golden files. */
static int make_mirror(const struct own_cache *w, const char *proxy_format)
{
	static const char *const names[] = { "v1.0.0.zip", "v1.0.0.mod" };
	CLEANUP(free_p) char *directory = xasprintf("%s/mirror/" FILES, w->top);
	CLEANUP(free_p) char *mirror = xasprintf("file://%s/mirror", w->top);
	CLEANUP(text_done) struct text proxy = { 0 };
	struct error err = { 0 };

	for (const char *at = proxy_format; *at; at++)
		*at == '@' ? text_add(&proxy, mirror) : text_addn(&proxy, at, 1);
	setenv("GOENV", "off", 1);
	setenv("GOPROXY", proxy.data, 1);
	unsetenv("GOPRIVATE");
	unsetenv("GONOPROXY");
	http_retry_delay = 0.01;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		CLEANUP(free_p) char *from = xasprintf("tests/golden/gomod/" FILES "/%s", names[i]);
		CLEANUP(free_p) char *to = xasprintf("%s/%s", directory, names[i]);
		if (dir_make(AT_FDCWD, directory, 0755, &err) < 0 ||
		    file_read(AT_FDCWD, from, 1 << 20, &text, &err) < 0 ||
		    file_write(AT_FDCWD, to, text.data, text.len, 0644, &err) < 0)
			return -1;
	}
	return 0;
}

static int fetch(struct own_cache *w, char *sum, char *mod_sum, struct error *err)
{
	struct lock_module m = { "example.com/Mod", "v1.0.0", sum, mod_sum };
	struct lock_component c = { 0 };
	const struct lock_component *list[] = { &c };
	struct go_tree g = { .toolchain.cache = &w->cache };

	vec_push(&c.modules, m);
	int rc = gomod_fetch(&g, list, 1, err);
	vec_done(&c.modules);
	strings_done(&g.settings);
	return rc;
}

static void change(const struct own_cache *w, const char *name, const char *text)
{
	CLEANUP(free_p) char *path = xasprintf("%s/mirror/" FILES "/%s", w->top, name);
	struct error err = { 0 };

	if (!text)
		unlink(path);
	else if (file_write(AT_FDCWD, path, text, strlen(text), 0644, &err) < 0)
		printf("# %s\n", err.text);
}

TEST(gomod_fetch_from_directory)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct lock_module m = { "example.com/Mod", "v1.0.0", SUM, MOD };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && make_mirror(&w, "@") == 0);
	CHECK_STR(fetch(&w, SUM, MOD, &err) < 0 ? err.text : "", "");
	CHECK(module_cache_has(&w.cache, &m, MODULE_ZIP) && module_cache_has(&w.cache, &m, MODULE_GO_MOD));
	/* What is in the cache is not asked for again. */
	change(&w, "v1.0.0.zip", NULL);
	w.cache.offline = true;
	CHECK_STR(fetch(&w, SUM, MOD, &err) < 0 ? err.text : "", "");
}

/* As a power failure leaves them. */
TEST(gomod_fetch_replaces_empty_files)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct lock_module m = { "example.com/Mod", "v1.0.0", SUM, MOD };
	CLEANUP(free_p) char *name = module_cache_name(&m, MODULE_ZIP);
	CLEANUP(free_p) char *path = xasprintf(MODULE_CACHE "/%s", name);
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && make_mirror(&w, "@") == 0);
	CHECK(file_write(w.cache.fd, path, "", 0, 0644, &err) == 0);
	CHECK_STR(fetch(&w, SUM, MOD, &err) < 0 ? err.text : "", "");
	CHECK(module_cache_has(&w.cache, &m, MODULE_ZIP));
}

TEST(gomod_fetch_offline)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && make_mirror(&w, "@") == 0);
	w.cache.offline = true;
	CHECK(fetch(&w, SUM, MOD, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK_STR(err.text,
		  "module example.com/Mod v1.0.0 and 1 more files are not in the cache, and --offline downloads "
		  "nothing; build once without --offline");
}

/* What is wrong with the mirror or the settings, and the words for it. */
static const struct {
	const char *proxy, *file, *text; /* text NULL: the file is deleted */
	char *sum, *mod_sum;
	enum error_class class;
	const char *says;
} failures[] = {
	{ "@", "v1.0.0.zip", NULL, SUM, MOD, ERROR_NETWORK,
	  "module example.com/Mod v1.0.0 is not served by GOPROXY=file://" },
	{ "@,direct", "v1.0.0.mod", NULL, SUM, MOD, ERROR_NETWORK,
	  "the build has no version control system for `direct`" },
	{ "@", "v1.0.0.zip", "PK", SUM, MOD, ERROR_TRUST, "the archive is damaged" },
	{ "@", "v1.0.0.mod", "module example.com/Mod\n\ngo 1.22\n", SUM, MOD, ERROR_TRUST,
	  "go.mod of module example.com/Mod v1.0.0 from file://" },
	{ "@", "x", "", WRONG, MOD, ERROR_TRUST, "the zip of module example.com/Mod v1.0.0 from file://" },
	{ "@", "x", "", WRONG, MOD, ERROR_TRUST, "its checksum is " SUM " instead of " WRONG },
	{ "off", "x", "", SUM, MOD, ERROR_NETWORK, "GOPROXY=off forbids downloads" },
	{ "http://127.0.0.1:9,@", "x", "", SUM, MOD, ERROR_NETWORK, "module example.com/Mod v1.0.0: download" },
	{ "ftp://x", "x", "", SUM, MOD, ERROR_INPUT, "GOPROXY has the entry 'ftp://x'" },
};

TEST(gomod_fetch_failures)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
		struct error err = { 0 };

		CHECK(own_cache_open(&w) == 0 && make_mirror(&w, failures[i].proxy) == 0);
		change(&w, failures[i].file, failures[i].text);
		CHECK(fetch(&w, failures[i].sum, failures[i].mod_sum, &err) < 0);
		if (!strstr(err.text, failures[i].says))
			CHECK_STR(err.text, failures[i].says);
		CHECK(err.class == failures[i].class);
	}
}

/* A file that was changed in the cache is named and removed, so that it is fetched again. */
TEST(gomod_fetch_changed_in_the_cache)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct lock_module m = { "example.com/Mod", "v1.0.0", SUM, MOD };
	CLEANUP(free_p) char *name = module_cache_name(&m, MODULE_GO_MOD), *path = xasprintf(MODULE_CACHE "/%s", name);
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && make_mirror(&w, "@") == 0 && fetch(&w, SUM, MOD, &err) == 0);
	CHECK(module_cache_check(&w.cache, &m, MODULE_ZIP, &err) == 0);
	CHECK(module_cache_check(&w.cache, &m, MODULE_GO_MOD, &err) == 0);
	CHECK(file_write(w.cache.fd, path, "module x\n", strlen("module x\n"), 0644, &err) == 0);
	CHECK(module_cache_check(&w.cache, &m, MODULE_GO_MOD, &err) < 0 && err.class == ERROR_TRUST);
	CHECK(strstr(err.text, "go.mod of module example.com/Mod v1.0.0 in the cache") == err.text);
	CHECK(!module_cache_has(&w.cache, &m, MODULE_GO_MOD) && module_cache_has(&w.cache, &m, MODULE_ZIP));
	CHECK_STR(fetch(&w, SUM, MOD, &err) < 0 ? err.text : "", "");
	CHECK(module_cache_check(&w.cache, &m, MODULE_GO_MOD, &err) == 0);
}

/* The reason is that of the module which is named, whichever was asked last. */
TEST(gomod_fetch_reason_of_the_named_module)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && make_mirror(&w, "file:///nonexistent") == 0);
	CHECK(fetch(&w, SUM, MOD, &err) < 0 && err.class == ERROR_NETWORK);
	CHECK_STR(err.text,
		  "module example.com/Mod v1.0.0 and 1 more files of modules is not served by "
		  "GOPROXY=file:///nonexistent: "
		  "download example.com/Mod from file:///nonexistent/" FILES "/v1.0.0.zip: Couldn't open file "
		  "/nonexistent/" FILES "/v1.0.0.zip");
}

/* "," asks the next one for a missing file, "|" after any failure. */
TEST(gomod_fetch_next_proxy)
{
	static const char *const lists[] = { "file:///nonexistent,@", "http://127.0.0.1:9|@" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
		struct error err = { 0 };

		CHECK(own_cache_open(&w) == 0 && make_mirror(&w, lists[i]) == 0);
		CHECK_STR(fetch(&w, SUM, MOD, &err) < 0 ? err.text : "", "");
	}
}

/* Answers every request with 404; each byte in the pipe says whether it had a password. */
static pid_t start_server(int *ret_port, int *ret_seen)
{
	static const char missing[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int ends[2], server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (server < 0 || pipe(ends) < 0 || bind(server, (struct sockaddr *)&address, len) < 0 ||
	    listen(server, 16) < 0 || getsockname(server, (struct sockaddr *)&address, &len) < 0)
		return -1;
	pid_t pid = fork();
	while (pid == 0) {
		char request[4096];
		int fd = accept(server, NULL, NULL);
		ssize_t n = read(fd, request, sizeof request - 1);
		request[n > 0 ? n : 0] = '\0';
		if (write(ends[1], strstr(request, "Authorization:") ? "p" : "-", 1) < 0 ||
		    write_all(fd, missing, strlen(missing)) < 0)
			_exit(1);
		close(fd);
	}
	close(server);
	close(ends[1]);
	*ret_port = ntohs(address.sin_port);
	*ret_seen = ends[0];
	return pid;
}

TEST(gomod_fetch_passwords)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(free_p) char *proxy = NULL, *netrc = NULL;
	CLEANUP(close_p) int seen = -1;
	struct error err = { 0 };
	static const char text[] = "machine 127.0.0.1 login user password secret\n";
	char bytes[16] = "";
	int port;

	CHECK(own_cache_open(&w) == 0 && make_mirror(&w, "@") == 0);
	pid_t server = start_server(&port, &seen);
	CHECK(server > 0);
	proxy = xasprintf("http://127.0.0.1:%d,direct", port);
	netrc = xasprintf("%s/netrc", w.top);
	CHECK(file_write(AT_FDCWD, netrc, text, strlen(text), 0600, &err) == 0);
	setenv("NETRC", netrc, 1);
	setenv("GOPROXY", proxy, 1);
	CHECK(fetch(&w, SUM, MOD, &err) < 0 && strstr(err.text, "is not served by GOPROXY=http://127.0.0.1:"));
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	/* As Go, only servers of https: get a password of netrc. */
	CHECK(read(seen, bytes, sizeof bytes - 1) > 0);
	CHECK_STR(bytes, "--");
	unsetenv("NETRC");
	setenv("GOPROXY", "http://user:secret@127.0.0.1:9|off", 1);
	CHECK(fetch(&w, SUM, MOD, &err) < 0 && strstr(err.text, "GOPROXY=http://127.0.0.1:9|off: "));
	CHECK(!strstr(err.text, "secret"));
}

TEST(gomod_fetch_private)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	struct error err = { 0 };

	CHECK(own_cache_open(&w) == 0 && make_mirror(&w, "@") == 0);
	setenv("GOPRIVATE", "example.com", 1);
	CHECK(fetch(&w, SUM, MOD, &err) < 0 && strstr(err.text, "GONOPROXY or GOPRIVATE forbid to ask a proxy for it"));
	setenv("GONOPROXY", "none", 1);
	CHECK_STR(fetch(&w, SUM, MOD, &err) < 0 ? err.text : "", "");
}
