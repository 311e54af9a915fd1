/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl for real, against a server on loopback that answers as the path says. */
#include "tests/unit/check.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/http.h"

#define BODY "0123456789"

static bool multi_fails;
static int easy_fails; /* 1 = the next call, 2 = the one after that; 0 = none */

/* These take the place of libcurl's functions in this program and call them unless they are to fail. */
CURLM *curl_multi_init(void)
{
	CURLM *(*init)(void) = (CURLM * (*)(void)) dlsym(RTLD_NEXT, "curl_multi_init");

	return multi_fails ? NULL : init();
}

CURL *curl_easy_init(void)
{
	CURL *(*init)(void) = (CURL * (*)(void)) dlsym(RTLD_NEXT, "curl_easy_init");

	return easy_fails && --easy_fails == 0 ? NULL : init();
}

struct server {
	pid_t pid;
	int port;
	unsigned *asked; /* shared with the child: requests so far */
};

/* What each path answers; the first tries of a path may fail, as `broken` says. */
static const struct answer {
	const char *path;
	unsigned broken;
	const char *bad, *good;
} answers[] = {
	{ "/whole", 0, "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" BODY },
	{ "/busy", 2, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" BODY },
	{ "/cut", 1, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123",
	  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" BODY },
	{ "/missing", 99, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "" },
	{ "/down", 99, "HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n", "" },
	{ "/moved", 99, "HTTP/1.1 302 Found\r\nLocation: /whole\r\nContent-Length: 0\r\n\r\n", "" },
	{ "/local", 99, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", "" },
};

static void answer(int fd, unsigned *count)
{
	char request[4096];
	ssize_t n = read(fd, request, sizeof request - 1);

	request[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		size_t len = strlen(answers[i].path);
		if (strncmp(request, "GET ", 4) || strncmp(request + 4, answers[i].path, len) ||
		    request[4 + len] != ' ')
			continue;
		const char *text = count[i]++ < answers[i].broken ? answers[i].bad : answers[i].good;
		if (write_all(fd, text, strlen(text)) < 0)
			_exit(1);
	}
}

static void serve(int listener, unsigned *asked)
{
	unsigned count[ARRAY_SIZE(answers)] = { 0 };

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		++*asked;
		answer(fd, count);
		close(fd);
	}
}

static void server_stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap(s->asked, sizeof *s->asked);
}

static void server_start(struct server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	s->asked = mmap(NULL, sizeof *s->asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 64) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		abort();
	s->port = ntohs(address.sin_port);
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener, s->asked);
	}
	close(listener);
	setenv("no_proxy", "127.0.0.1", 1);
	http_retry_delay = 0.01;
}

static int get(const struct server *s, const char *path, struct text *ret, struct error *err)
{
	CLEANUP(free_p) char *url = xasprintf("http://user:secret@127.0.0.1:%d%s", s->port, path);

	return http_get(url, 1000, ret, err);
}

TEST(http_get_retries)
{
	static const struct {
		const char *path;
		unsigned tries;
	} cases[] = { { "/whole", 1 }, { "/busy", 3 }, { "/cut", 2 }, { "/moved", 2 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(server_stop) struct server s;
		CLEANUP(text_done) struct text text = { 0 };
		struct error err = { 0 };
		server_start(&s);
		CHECK(get(&s, cases[i].path, &text, &err) == 0);
		CHECK_STR(text.data, BODY);
		CHECK(*s.asked == cases[i].tries);
	}
}

TEST(http_get_failure_hides_the_password)
{
	static const struct {
		const char *path;
		unsigned tries;
	} cases[] = { { "/missing", 1 }, { "/down", 4 }, { "/local", 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(server_stop) struct server s;
		CLEANUP(text_done) struct text text = { 0 };
		struct error err = { 0 };
		server_start(&s);
		CHECK(get(&s, cases[i].path, &text, &err) == -1);
		CHECK(err.class == ERROR_NETWORK && strstr(err.text, cases[i].path) && !strstr(err.text, "secret"));
		CHECK(*s.asked == cases[i].tries);
		CHECK(text.len == 0);
	}
}

TEST(http_get_limit)
{
	CLEANUP(server_stop) struct server s;
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	server_start(&s);
	CLEANUP(free_p) char *url = xasprintf("http://127.0.0.1:%d/whole", s.port);
	CHECK(http_get(url, 9, &text, &err) == -1);
	CHECK(err.class == ERROR_TRUST && strstr(err.text, "/whole"));
}

TEST(http_get_connection_refused)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	http_retry_delay = 0.01;
	CHECK(http_get("http://127.0.0.1:1/x", 9, &text, &err) == -1);
	CHECK(err.class == ERROR_NETWORK && strstr(err.text, "http://127.0.0.1:1/x"));
}

static int count_done(struct http_download *self, struct error *err)
{
	(void)err;
	++*(int *)self->context;
	return 0;
}

TEST(http_download_all_parallel)
{
	CLEANUP(server_stop) struct server s;
	struct http_download item[40];
	struct error err = { 0 };
	char want[SHA256_HEX];
	int done = 0;

	server_start(&s);
	CLEANUP(free_p) char *url = xasprintf("http://127.0.0.1:%d/whole", s.port);
	for (size_t i = 0; i < ARRAY_SIZE(item); i++)
		item[i] = (struct http_download){ .url = url,
						  .name = "thing",
						  .done = count_done,
						  .context = &done,
						  .fd = memfd_create("thing", MFD_CLOEXEC) };
	CHECK(http_download_all(item, ARRAY_SIZE(item), NULL, NULL, &err) == 0);
	CHECK(done == ARRAY_SIZE(item));
	sha256_hex(BODY, strlen(BODY), want);
	for (size_t i = 0; i < ARRAY_SIZE(item); i++) {
		CHECK_STR(item[i].sha256, want);
		close(item[i].fd);
	}
}

TEST(http_download_all_without_memory)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	multi_fails = true;
	int rc = http_get("http://127.0.0.1:1/x", 9, &text, &err);
	multi_fails = false;
	CHECK(rc == -1 && err.class == ERROR_FAILED);
	CHECK_STR(err.text, "libcurl cannot be initialized (out of memory?)");
	easy_fails = 2; /* curl_multi_init() makes a handle, too */
	rc = http_get("http://127.0.0.1:1/x", 9, &text, &err);
	CHECK(rc == -1 && err.class == ERROR_FAILED);
	CHECK_STR(err.text, "libcurl cannot start a transfer (out of memory?)");
}

static int start_file(struct http_download *self, struct error *err)
{
	(void)err;
	self->fd = memfd_create("late", MFD_CLOEXEC);
	return 0;
}

static int start_fails(struct http_download *self, struct error *err)
{
	return error_set(err, ERROR_INPUT, "no start of %s", self->name);
}

static int done_fails(struct http_download *self, struct error *err)
{
	return error_set(err, ERROR_TRUST, "no end of %s", self->name);
}

static void count_bytes(void *context, uint64_t new_bytes)
{
	*(uint64_t *)context += new_bytes;
}

TEST(http_download_all_calls_back)
{
	CLEANUP(server_stop) struct server s;
	struct error err = { 0 };
	uint64_t bytes = 0;

	server_start(&s);
	CLEANUP(free_p) char *url = xasprintf("http://127.0.0.1:%d/cut", s.port);
	struct http_download item = { .url = url, .name = "thing", .fd = -1, .start = start_file };
	CHECK(http_download_all(&item, 1, count_bytes, &bytes, &err) == 0);
	CHECK(item.received == strlen(BODY) && bytes == strlen(BODY) + 4); /* 4 of the first try */
	close(item.fd);
	item = (struct http_download){ .url = url, .name = "thing", .fd = -1, .start = start_fails };
	CHECK(http_download_all(&item, 1, NULL, NULL, &err) == -1);
	CHECK_STR(err.text, "no start of thing");
	item = (struct http_download){ .url = url, .name = "thing", .start = start_file, .done = done_fails };
	CHECK(http_download_all(&item, 1, NULL, NULL, &err) == -1);
	CHECK_STR(err.text, "no end of thing");
	close(item.fd);
	item = (struct http_download){ .url = url, .name = "thing", .fd = -1 };
	CHECK(http_download_all(&item, 1, NULL, NULL, &err) == -1);
	CHECK_STR(err.text, "prepare the file for thing: Bad file descriptor");
}

/* A file may not grow beyond RLIMIT_FSIZE: write(2) fails as on a full disk, with EFBIG. */
TEST(http_download_all_write_error)
{
	CLEANUP(server_stop) struct server s;
	struct rlimit old, small;
	struct error err = { 0 };
	FILE *file = tmpfile();

	server_start(&s);
	CLEANUP(free_p) char *url = xasprintf("http://user:secret@127.0.0.1:%d/whole", s.port);
	struct http_download item = { .url = url, .name = "thing", .fd = fileno(file) };
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 4;
	setrlimit(RLIMIT_FSIZE, &small);
	int rc = http_download_all(&item, 1, NULL, NULL, &err);
	setrlimit(RLIMIT_FSIZE, &old);
	fclose(file);
	CHECK(rc == -1 && *s.asked == 1);
	CHECK(text_starts(err.text, "write thing while downloading http://127.0.0.1:"));
	CHECK(text_ends(err.text, "/whole: File too large"));
}

TEST(http_get_without_descriptors)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };
	struct rlimit old, few;

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	int rc = http_get("http://127.0.0.1:1/x", 9, &text, &err);
	setrlimit(RLIMIT_NOFILE, &old);
	CHECK(rc == -1);
	CHECK_STR(err.text, "create a memory file for a download: Too many open files");
}

TEST(http_get_file_url)
{
	CLEANUP(text_done) struct text text = { 0 };
	char path[] = "/tmp/nodekiln-test.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	CLEANUP(free_p) char *url = xasprintf("file://%s", path);
	struct error err = { 0 };

	CHECK(fd >= 0 && write(fd, BODY, strlen(BODY)) == (ssize_t)strlen(BODY));
	CHECK(http_get(url, 1000, &text, &err) == 0);
	CHECK_STR(text.data, BODY);
	CHECK(unlink(path) == 0);
	CHECK(http_get(url, 1000, &text, &err) == -1 && err.class == ERROR_NETWORK);
}
