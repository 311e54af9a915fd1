/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl for real, against a server on loopback that answers as the path says. */
#include "tests/unit/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/http.h"

#define BODY "0123456789"

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
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 16) < 0 ||
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
