/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "builder/apt/apt.h"
#include "tests/unit/fake_apt.h"
#include "tests/unit/own_cache.h"

/* One source with the fake root's keyring. */
static int make_sources(const char *root, struct sources *ret, struct error *err)
{
	ret->architecture = xstrdup("amd64");
	vec_push(&ret->list, (struct source){ .url = xstrdup("http://m.example/debian"),
					      .suite = xstrdup("bookworm"),
					      .keyring = xasprintf("%s/keyring.gpg", root) });
	strings_add(&ret->list.at[0].components, "main");
	return sources_read_keys(ret, err);
}

/* As if the last update was that many seconds ago. */
static int age(const struct apt *apt, time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - seconds }, { .tv_sec = time(NULL) - seconds } };

	return utimensat(apt->fd, "checked", times, 0);
}

TEST(apt_open_updates_once_and_when_asked)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(sources_done) struct sources sources = { 0 };
	CLEANUP(apt_close) struct apt one = { .fd = -1 }, two = { .fd = -1 }, three = { .fd = -1 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(make_sources(path, &sources, &err) == 0);
	CHECK(apt_open(&sources, false, &w.cache, &one, &err) == 0);
	CHECK(fake_apt_calls(path, "update") == 1 && fake_apt_calls(path, "gencaches") == 1);
	CHECK(apt_open(&sources, false, &w.cache, &two, &err) == 0);
	CHECK(fake_apt_calls(path, "update") == 1);
	CHECK_STR(two.path, one.path);
	/* The same indices are the same state. */
	CHECK(apt_open(&sources, true, &w.cache, &three, &err) == 0);
	CHECK(fake_apt_calls(path, "update") == 2);
	CHECK_STR(three.path, one.path);
	CHECK_STR(three.indices, one.indices);
	CHECK(faccessat(one.fd, "etc/apt/sources.list.d/nodekiln.sources", F_OK, 0) == 0);
	FAKE_ROOT_END();
}

TEST(apt_open_updates_old_states_and_removes_them)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(sources_done) struct sources sources = { 0 };
	struct apt one = { .fd = -1 }, two = { .fd = -1 }, three = { .fd = -1 };
	struct stat st;

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(make_sources(path, &sources, &err) == 0);
	CHECK(apt_open(&sources, false, &w.cache, &one, &err) == 0);
	CHECK(age(&one, APT_FRESH_SECONDS + 1) == 0);
	fake_put(path, "/release", "two");
	CLEANUP(free_p) char *old = xstrdup(one.path);
	/* In use: it stays. */
	CHECK(apt_open(&sources, false, &w.cache, &two, &err) == 0);
	CHECK(fake_apt_calls(path, "update") == 2);
	CHECK(strcmp(two.path, old) != 0 && strcmp(two.indices, one.indices) != 0 && stat(old, &st) == 0);
	apt_close(&one);
	CHECK(apt_open(&sources, true, &w.cache, &three, &err) == 0);
	CHECK(stat(old, &st) < 0);
	apt_close(&two);
	apt_close(&three);
	FAKE_ROOT_END();
}

TEST(apt_open_offline)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(sources_done) struct sources sources = { 0 };
	struct apt apt = { .fd = -1 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(make_sources(path, &sources, &err) == 0);
	w.cache.offline = true;
	CHECK(apt_open(&sources, false, &w.cache, &apt, &err) == -1 && err.class == ERROR_NETWORK);
	CHECK(strstr(err.text, "no package index") && fake_apt_calls(path, "apt-") == 0);
	w.cache.offline = false;
	CHECK(apt_open(&sources, false, &w.cache, &apt, &err) == 0);
	CHECK(age(&apt, 2 * APT_FRESH_SECONDS) == 0);
	apt_close(&apt);
	w.cache.offline = true;
	CHECK(apt_open(&sources, true, &w.cache, &apt, &err) == 0 && fake_apt_calls(path, "update") == 1);
	apt_close(&apt);
	FAKE_ROOT_END();
}

/* A failed update leaves neither a state nor a scratch directory. */
TEST(apt_open_failed_update_leaves_nothing)
{
	CLEANUP(own_cache_close) struct own_cache w = { .cache.fd = -1 };
	CLEANUP(sources_done) struct sources sources = { 0 };
	struct apt apt = { .fd = -1 };

	FAKE_ROOT();
	CHECK(own_cache_open(&w) == 0);
	fake_apt(path);
	CHECK(make_sources(path, &sources, &err) == 0);
	CLEANUP(free_p) char *release = xasprintf("%s/release", path);
	CHECK(unlink(release) == 0);
	CHECK(apt_open(&sources, false, &w.cache, &apt, &err) == -1 && err.class == ERROR_NETWORK);
	CLEANUP(free_p)
	char *command =
		xasprintf("test -z \"$(ls -A %s/apt)\" && test -z \"$(ls -A %s/tmp)\"", w.cache.path, w.cache.path);
	CHECK(system(command) == 0);
	FAKE_ROOT_END();
}

TEST(apt_configure_writes_and_refuses)
{
	FAKE_ROOT();
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(apt_configure(fd, "/a b", "amd64", &err) == -1 && err.class == ERROR_HOST);
	CHECK(apt_configure(fd, "/state", "arm64", &err) == 0);
	CLEANUP(free_p) char *text = fake_get(path, "/apt.conf");
	CHECK(text && strstr(text, "Dir \"/state/\";\n") && strstr(text, "APT::Architecture \"arm64\";\n"));
	CHECK(strstr(text, "Acquire::AllowInsecureRepositories \"false\";\n"));
	CHECK(fake_has(path, "/status") && fake_has(path, "/var/lib/apt/lists/partial"));
	FAKE_ROOT_END();
}

/* apt sees its own configuration and nothing of the caller's environment except the search path and the proxies. */
TEST(apt_run_environment_and_errors)
{
	CLEANUP(text_done) struct text text = { 0 };
	char *argv[] = { "apt-get", "x", NULL };

	FAKE_ROOT();
	fake_program(path, "apt-get",
		     "[ \"$1\" = x ] && env && exit; echo 'E: Unable to locate package y' >&2; exit 100");
	setenv("http_proxy", "http://p.example", 1);
	setenv("APT_LISTCHANGES_FRONTEND", "pager", 1);
	CHECK(apt_run("/state", argv, &text, &err) == 0);
	CHECK(strstr(text.data, "APT_CONFIG=/state/apt.conf\n") && strstr(text.data, "http_proxy=http://p.example\n"));
	CHECK(!strstr(text.data, "APT_LISTCHANGES_FRONTEND"));
	argv[1] = "y";
	CHECK(apt_run("/state", argv, &text, &err) == -1 && err.class == ERROR_INPUT);
	argv[0] = "apt-no-such-program";
	CHECK(apt_run("/state", argv, &text, &err) == -1 && err.class == ERROR_HOST);
	unsetenv("http_proxy");
	FAKE_ROOT_END();
}
