/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes that a server sends, from its status line on, to both users of HTTP: a session (the APIs of Proxmox VE and Kubernetes)
 * and a download. libcurl reads them from a socket pair: connect() is defined here, so no connection leaves the process, and the names
 * in redirects are left to a proxy, which is the same input.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/kube_internal.h"
#include "lib/file.h"
#include "lib/http.h"
#include "lib/pve.h"
#include "lib/vec.h"

#define URL "http://127.0.0.1:1/"
#define REASON_MAX 512 /* as http_session.c keeps it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct server {
	const uint8_t *answer; /* borrowed; len bytes */
	size_t len;
	VEC(int) sockets; /* owned; the server's ends */
} server;

static void need(bool ok)
{
	if (!ok)
		abort();
}

/* In place of the C library's: the answer is there before the request. The server's end stays open, so that the request can be sent. */
int connect(int fd, const struct sockaddr *address, socklen_t len)
{
	int pair[2];

	(void)address, (void)len;
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	(void)!write(pair[1], server.answer, server.len); /* what does not fit is a connection that breaks */
	need(shutdown(pair[1], SHUT_WR) == 0 && dup3(pair[0], fd, O_CLOEXEC) == fd && close(pair[0]) == 0);
	vec_push(&server.sockets, pair[1]);
	return 0;
}

static void disconnect(void)
{
	for (size_t i = 0; i < server.sockets.n; i++)
		close(server.sockets.at[i]);
	vec_done(&server.sockets);
}

static void check_line(const char *s)
{
	for (; *s; s++)
		need((unsigned char)*s >= ' ');
}

static void use_response(const struct http_response *r)
{
	CLEANUP(free_p) char *message = NULL;
	struct error err = { 0 };

	need(!r->reason || (strlen(r->reason) <= REASON_MAX && !strchr(r->reason, '\n')));
	enum pve_failure failure =
		pve_classify(r->status, r->reason, r->body.data ? r->body.data : "", r->body.len, &message);
	need((failure == PVE_OK) == !message);
	check_line(message ? message : "");
	need(kube_refuse(r, URL, &err) < 0);
	check_line(err.text);
}

static void session_close_p(struct http_session **s)
{
	http_session_close(*s);
}

static void request(const char *method)
{
	CLEANUP(session_close_p) struct http_session *s = NULL;
	CLEANUP(http_response_done) struct http_response response = { 0 };
	struct error err = { 0 };

	need(http_session_open(&(struct http_trust){ 0 }, 10, &s, &err) == 0);
	if (http_session_request(s, &(struct http_request){ .method = method, .url = URL }, &response, &err) < 0) {
		need(*err.text);
		check_line(err.text);
		return;
	}
	need(response.body.len <= server.len);
	use_response(&response);
}

/* Whatever redirects say, no bytes are from elsewhere than the server. */
static void download(void)
{
	CLEANUP(text_done) struct text body = { 0 };
	struct error err = { 0 };

	if (http_get(URL, HTTP_BODY_MAX, &body, &err) < 0) {
		need(*err.text);
		check_line(err.text);
	} else {
		need(body.len <= server.len);
	}
}

static void prepare(void)
{
	static bool ready;

	if (ready)
		return;
	need(setenv("http_proxy", URL, 1) == 0 && setenv("https_proxy", URL, 1) == 0 && unsetenv("no_proxy") == 0 &&
	     unsetenv("NO_PROXY") == 0);
	http_retry_delay = 0;
	ready = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	prepare();
	server.answer = data;
	server.len = size;
	request("GET");
	request("PUT");
	download();
	disconnect();
	return 0;
}
