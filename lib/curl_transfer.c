/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/curl_transfer.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"
#include "lib/tls_pin.h"

#define CONNECT_SECONDS 20L
#define STALLED_SECONDS 60L /* a server that sends less than STALLED_SPEED for so long has failed */
#define STALLED_SPEED 100L  /* bytes a second */
#define REDIRECTS_MAX 8L
#define IDLE_SECONDS 3L /* pveproxy closes idle connections after 5: one of that age may be dead already */
#define KEPT_CONNECTIONS 1L
/* Once a stream is sent, the server may work for long before it answers: Proxmox VE copies an image to another node. */
#define STREAM_SILENCE 900L

_Static_assert(CURL_TRANSFER_MESSAGE_SIZE >= CURL_ERROR_SIZE, "libcurl's messages need more space");

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
	struct curl_transfer *w = context;

	return w->receive(w->context, bytes, size * count) ? size * count : CURL_WRITEFUNC_ERROR;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *context)
{
	const struct http_stream *stream = context;
	ssize_t n = stream->read(stream->context, buffer, size * count);

	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
	struct curl_transfer *w = context;

	w->header(w->context, bytes, size * count);
	return size * count;
}

static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *context)
{
	struct curl_transfer *w = context;

	(void)easy;
	tls_pin_install(w->pin, ssl_ctx);
	return CURLE_OK;
}

static int curl_transfer_ready(struct error *err)
{
	static bool ready;

	if (ready)
		return 0;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERROR_FAILED, "libcurl cannot be initialized");
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write(2); lib/process.c restores the default in children */
	ready = true;
	return 0;
}

static int curl_transfer_start(struct curl_transfer *w, struct error *err)
{
	w->easy = curl_easy_init();
	if (!w->easy)
		return error_set(err, ERROR_FAILED, "libcurl cannot start a transfer (out of memory?)");
	w->message[0] = '\0';
	w->status = 0;
	curl_easy_setopt(w->easy, CURLOPT_PRIVATE, w);
	curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(w->easy, CURLOPT_ERRORBUFFER, w->message);
	/* Otherwise a libcurl without threads (the agent's) ends a slow getaddrinfo() by a longjmp() out of the SIGALRM
	 * handler, while it holds locks. The resolver's own time limits suffice. */
	curl_easy_setopt(w->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(w->easy, CURLOPT_USERAGENT, "nodekiln/" NODEKILN_VERSION);
	return 0;
}

void curl_transfer_stop(struct curl_transfer *w)
{
	if (!w->easy)
		return;
	if (w->pool)
		curl_multi_remove_handle(w->pool, w->easy);
	curl_easy_cleanup(w->easy);
	w->easy = w->pool = NULL;
}

/* The last row covers every other code. */
static enum curl_transfer_end curl_transfer_end_of(CURLcode code)
{
	static const struct {
		CURLcode code;
		enum curl_transfer_end end;
	} known[] = {
		{ CURLE_OK, CURL_TRANSFER_OK },
		{ CURLE_HTTP_RETURNED_ERROR, CURL_TRANSFER_STATUS },
		{ CURLE_PEER_FAILED_VERIFICATION, CURL_TRANSFER_UNTRUSTED },
		{ CURLE_SSL_CACERT_BADFILE, CURL_TRANSFER_UNTRUSTED },
		{ CURLE_COULDNT_RESOLVE_HOST, CURL_TRANSFER_TRANSIENT },
		{ CURLE_COULDNT_RESOLVE_PROXY, CURL_TRANSFER_TRANSIENT },
		{ CURLE_COULDNT_CONNECT, CURL_TRANSFER_TRANSIENT },
		{ CURLE_OPERATION_TIMEDOUT, CURL_TRANSFER_TRANSIENT },
		{ CURLE_PARTIAL_FILE, CURL_TRANSFER_TRANSIENT },
		{ CURLE_RECV_ERROR, CURL_TRANSFER_TRANSIENT },
		{ CURLE_SEND_ERROR, CURL_TRANSFER_TRANSIENT },
		{ CURLE_GOT_NOTHING, CURL_TRANSFER_TRANSIENT },
		{ CURLE_HTTP2, CURL_TRANSFER_TRANSIENT },
		{ CURLE_HTTP2_STREAM, CURL_TRANSFER_TRANSIENT },
		{ CURL_LAST, CURL_TRANSFER_FAILED },
	};
	size_t i = 0;

	while (known[i].code != code && known[i].code != CURL_LAST)
		i++;
	return known[i].end;
}

static enum curl_transfer_end curl_transfer_ended(struct curl_transfer *w, CURLcode code)
{
	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &w->status);
	if (code != CURLE_OK && !w->message[0])
		snprintf(w->message, sizeof w->message, "%s", curl_easy_strerror(code));
	return curl_transfer_end_of(code);
}

/* A redirect must not lead from https back to http. */
static const char *redirect_protocols(const char *url)
{
	return text_starts(url, "https:") ? "https" : "http,https";
}

int curl_transfer_download(struct curl_transfer *w, void *pool, const char *url,
			   const struct curl_transfer_options *options, struct error *err)
{
	if (curl_transfer_start(w, err) < 0)
		return -1;
	curl_easy_setopt(w->easy, CURLOPT_URL, url);
	curl_easy_setopt(w->easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(w->easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(w->easy, CURLOPT_REDIR_PROTOCOLS_STR, redirect_protocols(url));
	curl_easy_setopt(w->easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(w->easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(w->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(w->easy, CURLOPT_LOW_SPEED_TIME, STALLED_SECONDS);
	curl_easy_setopt(w->easy, CURLOPT_LOW_SPEED_LIMIT, STALLED_SPEED);
	curl_easy_setopt(w->easy, CURLOPT_BUFFERSIZE, 256L << 10);
	if (options->ca)
		curl_easy_setopt(w->easy, CURLOPT_CAINFO, options->ca);
	if (options->user) {
		curl_easy_setopt(w->easy, CURLOPT_USERNAME, options->user);
		curl_easy_setopt(w->easy, CURLOPT_PASSWORD, options->password);
	} else if (options->netrc) {
		curl_easy_setopt(w->easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
		curl_easy_setopt(w->easy, CURLOPT_NETRC_FILE, options->netrc);
	}
	if (options->proxy)
		curl_easy_setopt(w->easy, CURLOPT_PROXY, options->proxy);
	if (options->proxy_user) {
		curl_easy_setopt(w->easy, CURLOPT_PROXYUSERNAME, options->proxy_user);
		curl_easy_setopt(w->easy, CURLOPT_PROXYPASSWORD, options->proxy_password);
	}
	curl_multi_add_handle(pool, w->easy);
	w->pool = pool;
	return 0;
}

int curl_transfer_pool_open(void **ret_pool, struct error *err)
{
	if (curl_transfer_ready(err) < 0)
		return -1;
	*ret_pool = curl_multi_init();
	if (!*ret_pool)
		return error_set(err, ERROR_FAILED, "libcurl cannot be initialized (out of memory?)");
	return 0;
}

void curl_transfer_pool_close(void *pool)
{
	if (pool)
		curl_multi_cleanup(pool);
}

static int pool_result(CURLMcode code, struct error *err)
{
	if (code != CURLM_OK)
		return error_set(err, ERROR_NETWORK, "download: %s", curl_multi_strerror(code));
	return 0;
}

int curl_transfer_pool_perform(void *pool, int *ret_running, struct error *err)
{
	return pool_result(curl_multi_perform(pool, ret_running), err);
}

int curl_transfer_pool_wait(void *pool, int milliseconds, struct error *err)
{
	return pool_result(curl_multi_poll(pool, NULL, 0, milliseconds, NULL), err);
}

struct curl_transfer *curl_transfer_pool_next(void *pool, enum curl_transfer_end *ret_end)
{
	int left;
	CURLMsg *message = curl_multi_info_read(pool, &left);
	struct curl_transfer *w = NULL;

	if (!message)
		return NULL;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &w);
	*ret_end = curl_transfer_ended(w, message->data.result);
	if (message->data.result == CURLE_FILE_COULDNT_READ_FILE)
		w->status = 404;
	return w;
}

/* The NUL is part of the blob: Mbed TLS parses a PEM text only with it, and OpenSSL does not read beyond the END line. */
static void set_pem(CURL *easy, CURLoption option, const char *pem)
{
	/* The caller keeps the text until the session is closed (http_session.h), so libcurl needs no copy. */
	struct curl_blob blob = { .data = (void *)pem, .len = pem ? strlen(pem) + 1 : 0, .flags = CURL_BLOB_NOCOPY };

	if (pem)
		curl_easy_setopt(easy, option, &blob);
}

/* A libcurl that did not call back would verify by other rules than tls_pin.h says. */
static int set_pin(struct curl_transfer *w, struct error *err)
{
	if (curl_easy_setopt(w->easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) != CURLE_OK ||
	    curl_easy_setopt(w->easy, CURLOPT_SSL_CTX_DATA, w) != CURLE_OK)
		return error_set(err, ERROR_FAILED, "this libcurl cannot verify certificates by their SHA-256");
	return 0;
}

static int set_trust(struct curl_transfer *w, const struct http_trust *trust, struct error *err)
{
	bool pinned = trust->fingerprints && trust->fingerprints->n;

	set_pem(w->easy, CURLOPT_CAINFO_BLOB, trust->ca);
	set_pem(w->easy, CURLOPT_SSLCERT_BLOB, trust->certificate);
	set_pem(w->easy, CURLOPT_SSLKEY_BLOB, trust->key);
	if (trust->ca || pinned) {
		/* A given CA is the only one that is trusted; loading the system's CAs would also cost megabytes. */
		curl_easy_setopt(w->easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(w->easy, CURLOPT_CAPATH, NULL);
	}
	if (pinned) /* The pin checks the host's name itself: libcurl would demand it of a pinned certificate too. */
		curl_easy_setopt(w->easy, CURLOPT_SSL_VERIFYHOST, 0L);
	return w->pin ? set_pin(w, err) : 0;
}

int curl_transfer_open(struct curl_transfer *w, const struct http_trust *trust, long timeout, struct error *err)
{
	if (curl_transfer_ready(err) < 0 || curl_transfer_start(w, err) < 0 || set_trust(w, trust, err) < 0)
		return -1;
	w->timeout = timeout;
	curl_easy_setopt(w->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(w->easy, CURLOPT_HEADERDATA, w);
	curl_easy_setopt(w->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(w->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(w->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(w->easy, CURLOPT_MAXCONNECTS, KEPT_CONNECTIONS);
	curl_easy_setopt(w->easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
	curl_easy_setopt(w->easy, CURLOPT_CONNECTTIMEOUT, timeout < CONNECT_SECONDS ? timeout : CONNECT_SECONDS);
	return 0;
}

static void expect_host(struct curl_transfer *w, const char *url)
{
	CURLU *parts = curl_url();
	char *host = NULL;

	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK)
		curl_url_get(parts, CURLUPART_HOST, &host, 0);
	tls_pin_expect(w->pin, host ? host : "");
	curl_free(host);
	curl_url_cleanup(parts);
}

static struct curl_slist *header_list(const struct http_request *request)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	const struct strings *headers = request->headers;

	if (request->stream) {
		CLEANUP(free_p) char *type = xasprintf("Content-Type: %s", request->stream->type);
		list = curl_slist_append(list, type);
	}

	for (size_t i = 0; headers && i < headers->n; i++)
		list = curl_slist_append(list, headers->at[i]);
	return list;
}

static void set_body(struct curl_transfer *w, const struct http_request *request)
{
	const struct http_stream *stream = request->stream;

	if (request->body) {
		curl_easy_setopt(w->easy, CURLOPT_POSTFIELDS, request->body);
		curl_easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE, (long)request->body_len);
	} else if (stream) {
		curl_easy_setopt(w->easy, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(w->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)stream->len);
		curl_easy_setopt(w->easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(w->easy, CURLOPT_READDATA, stream);
	}
	curl_easy_setopt(w->easy, CURLOPT_TIMEOUT, stream ? 0L : w->timeout);
	curl_easy_setopt(w->easy, CURLOPT_LOW_SPEED_TIME, stream ? STREAM_SILENCE : 0L);
	curl_easy_setopt(w->easy, CURLOPT_LOW_SPEED_LIMIT, stream ? 1L : 0L);
}

/* A GET may reuse the kept connection; libcurl sends it again when the server had closed that connection. It would do the same
 * with a PUT, which the server may have carried out: so every other method opens a new connection. */
static void set_request(struct curl_transfer *w, const struct http_request *request)
{
	bool get = !strcmp(request->method, "GET");

	curl_easy_setopt(w->easy, CURLOPT_URL, request->url);
	curl_easy_setopt(w->easy, CURLOPT_HTTPGET, 1L);
	set_body(w, request);
	curl_easy_setopt(w->easy, CURLOPT_CUSTOMREQUEST, get ? NULL : request->method);
	curl_easy_setopt(w->easy, CURLOPT_FRESH_CONNECT, get ? 0L : 1L);
}

/* Mbed TLS: libcurl does not say why a certificate was refused, and of some not even that it was. */
static enum curl_transfer_end curl_transfer_judge(struct curl_transfer *w, CURLcode code)
{
	enum curl_transfer_end end = curl_transfer_ended(w, code);
	bool handshake = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
			 code == CURLE_SSL_CERTPROBLEM;

	if (!w->pin || !handshake || !tls_pin_refused(w->pin, w->message))
		return end;
	if (*tls_pin_why(w->pin))
		snprintf(w->message, sizeof w->message, "%s", tls_pin_why(w->pin));
	return CURL_TRANSFER_UNTRUSTED;
}

enum curl_transfer_end curl_transfer_exchange(struct curl_transfer *w, const struct http_request *request)
{
	struct curl_slist *headers = header_list(request);

	if (w->pin)
		expect_host(w, request->url);
	set_request(w, request);
	curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, headers);
	w->message[0] = '\0';
	w->status = 0;
	CURLcode code = curl_easy_perform(w->easy);
	/* The handshake failed, so nothing of the request was sent. */
	if (code == CURLE_SSL_CONNECT_ERROR && w->pin && tls_pin_try_tls12(w->pin, w->message)) {
		w->message[0] = '\0';
		code = curl_easy_perform(w->easy);
	}
	enum curl_transfer_end end = curl_transfer_judge(w, code);
	curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	return end;
}
