/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/file.h"

#define TRIES 4
#define FIRST_DELAY 0.3 /* seconds before the second try */
#define DELAY_GROWTH 3  /* each further try waits so many times longer */
#define CONNECT_SECONDS 20L
#define STALLED_SECONDS 60L /* a server that sends less than STALLED_SPEED for so long has failed */
#define STALLED_SPEED 100L  /* bytes a second */
#define REDIRECTS_MAX 8L
#define POLL_MS 1000

struct transfer {
	struct http_download *item; /* borrowed */
	struct pool *pool;          /* borrowed */
	CURL *easy;                 /* owned; NULL while it is not running */
	struct hash *hash;          /* owned */
	bool finished, too_large;
	int write_errno;
	unsigned tries;
	double due; /* not to be started before this */
	char message[CURL_ERROR_SIZE];
};

struct pool {
	CURLM *multi;              /* owned */
	struct transfer *transfer; /* owned; n of them */
	size_t n, running, finished;
	void (*progress)(void *context, uint64_t new_bytes);
	void *context;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t limit_of(const struct http_download *item)
{
	return item->limit ? item->limit : HTTP_SIZE_MAX;
}

/* The address as it may be shown: a mirror's user and password stay out of messages and logs. */
static char *shown(const char *url)
{
	const char *host = strstr(url, "://");
	size_t scheme = host ? (size_t)(host - url) + 3 : 0;
	const char *rest = url + scheme, *at = memchr(rest, '@', strcspn(rest, "/"));

	return xasprintf("%.*s%s", (int)scheme, url, at ? at + 1 : rest);
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	size_t n = size * count;

	if (t->item->received + n > limit_of(t->item)) {
		t->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (write_all(t->item->fd, bytes, n) < 0) {
		t->write_errno = errno;
		return CURL_WRITEFUNC_ERROR;
	}
	hash_add(t->hash, bytes, n);
	t->item->received += n;
	if (t->pool->progress)
		t->pool->progress(t->pool->context, n);
	return n;
}

/* Once encrypted, always encrypted: a redirect may not lead from https back to http. */
static const char *redirect_protocols(const char *url)
{
	return text_starts(url, "https:") ? "https" : "http,https";
}

static void transfer_options(struct transfer *t)
{
	CURL *easy = t->easy;

	curl_easy_setopt(easy, CURLOPT_URL, t->item->url);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->message);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "nodekiln/" NODEKILN_VERSION);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, redirect_protocols(t->item->url));
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STALLED_SECONDS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, STALLED_SPEED);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
}

static int transfer_start(struct transfer *t, struct error *err)
{
	if (t->tries == 0 && t->item->start && t->item->start(t->item, err) < 0)
		return -1;
	if (ftruncate(t->item->fd, 0) < 0 || lseek(t->item->fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "prepare the file for %s", t->item->name);
	hash_free_p(&t->hash);
	t->hash = hash_new();
	t->item->received = 0;
	t->message[0] = '\0';
	t->tries++;
	t->easy = curl_easy_init();
	if (!t->easy)
		return error_set(err, ERROR_FAILED, "libcurl cannot start a transfer (out of memory?)");
	transfer_options(t);
	curl_multi_add_handle(t->pool->multi, t->easy);
	t->pool->running++;
	return 0;
}

static void transfer_stop(struct transfer *t)
{
	if (!t->easy)
		return;
	curl_multi_remove_handle(t->pool->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	t->pool->running--;
}

/* Failures that another try may heal. An HTTP status counts when it is the server's trouble or its haste. */
static bool may_heal(CURLcode code, long status)
{
	static const CURLcode passing[] = {
		CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
		CURLE_OPERATION_TIMEDOUT,   CURLE_PARTIAL_FILE,          CURLE_RECV_ERROR,
		CURLE_SEND_ERROR,           CURLE_GOT_NOTHING,           CURLE_HTTP2,
		CURLE_HTTP2_STREAM,
	};

	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (code == passing[i])
			return true;
	return code == CURLE_HTTP_RETURNED_ERROR && (status >= 500 || status == 429 || status == 408);
}

static int transfer_failed(const struct transfer *t, CURLcode code, long status, struct error *err)
{
	CLEANUP(free_p) char *url = shown(t->item->url);
	const char *name = t->item->name;

	if (t->write_errno)
		return error_errno(err, t->write_errno, "write %s while downloading %s", name, url);
	if (t->too_large)
		return error_set(err, ERROR_TRUST,
				 "download %s from %s: the server sends more than the %llu bytes expected", name, url,
				 (unsigned long long)limit_of(t->item));
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		return error_set(err, ERROR_TRUST, "download %s from %s: %s", name, url, t->message);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return error_set(err, ERROR_NETWORK, "download %s from %s: the server answers %ld%s", name, url, status,
				 status == 404 ? " (not found)" : "");
	return error_set(err, ERROR_NETWORK, "download %s from %s: %s", name, url,
			 t->message[0] ? t->message : curl_easy_strerror(code));
}

static int transfer_ended(struct transfer *t, CURLcode code, struct error *err)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer_stop(t);
	if (code == CURLE_OK) {
		hash_hex(t->hash, t->item->sha256);
		t->finished = true;
		t->pool->finished++;
		return t->item->done ? t->item->done(t->item, err) : 0;
	}
	if (t->tries >= TRIES || !may_heal(code, status))
		return transfer_failed(t, code, status, err);
	double delay = FIRST_DELAY;
	for (unsigned i = 1; i < t->tries; i++)
		delay *= DELAY_GROWTH;
	t->due = now() + delay;
	return 0;
}

/* Starts what may run now; *ret_wait is how many milliseconds the next one has to wait at most. */
static int pool_start(struct pool *pool, int *ret_wait, struct error *err)
{
	double clock = now(), wait = POLL_MS;

	for (size_t i = 0; i < pool->n && pool->running < HTTP_PARALLEL; i++) {
		struct transfer *t = &pool->transfer[i];
		double left = (t->due - clock) * 1000;
		if (t->finished || t->easy)
			continue;
		if (left > 0)
			wait = left < wait ? left + 1 : wait;
		else if (transfer_start(t, err) < 0)
			return -1;
	}
	*ret_wait = (int)wait;
	return 0;
}

static int pool_collect(struct pool *pool, struct error *err)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(pool->multi, &left))) {
		struct transfer *t = NULL;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		if (transfer_ended(t, code, err) < 0)
			return -1;
	}
	return 0;
}

static int pool_step(struct pool *pool, struct error *err)
{
	int wait, running;

	if (pool_start(pool, &wait, err) < 0)
		return -1;
	CURLMcode code = curl_multi_perform(pool->multi, &running);
	if (pool_collect(pool, err) < 0)
		return -1;
	if (code == CURLM_OK && pool->finished < pool->n && running == (int)pool->running)
		code = curl_multi_poll(pool->multi, NULL, 0, wait, NULL);
	if (code != CURLM_OK)
		return error_set(err, ERROR_NETWORK, "download: %s", curl_multi_strerror(code));
	return 0;
}

static int pool_open(struct pool *pool, struct http_download *items, size_t n, struct error *err)
{
	static bool ready;

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERROR_FAILED, "libcurl cannot be set up");
	ready = true;
	pool->multi = curl_multi_init();
	if (!pool->multi)
		return error_set(err, ERROR_FAILED, "libcurl cannot be set up (out of memory?)");
	pool->n = n;
	pool->transfer = xcalloc(n ? n : 1, sizeof *pool->transfer);
	for (size_t i = 0; i < n; i++)
		pool->transfer[i] = (struct transfer){ .item = &items[i], .pool = pool };
	return 0;
}

static void pool_close(struct pool *pool)
{
	for (size_t i = 0; i < pool->n; i++) {
		transfer_stop(&pool->transfer[i]);
		hash_free(pool->transfer[i].hash);
	}
	free(pool->transfer);
	if (pool->multi)
		curl_multi_cleanup(pool->multi);
}

int http_download_all(struct http_download *items, size_t n, void (*progress)(void *context, uint64_t new_bytes),
		      void *context, struct error *err)
{
	CLEANUP(pool_close) struct pool pool = { .progress = progress, .context = context };

	if (pool_open(&pool, items, n, err) < 0)
		return -1;
	while (pool.finished < n)
		if (pool_step(&pool, err) < 0)
			return -1;
	return 0;
}

int http_get(const char *url, size_t limit, struct text *ret, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("download", MFD_CLOEXEC);
	const char *slash = strrchr(url, '/');
	struct http_download item = {
		.url = url, .name = slash && slash[1] ? slash + 1 : url, .fd = fd, .limit = limit
	};

	if (fd < 0)
		return error_errno(err, errno, "make room for a download");
	if (http_download_all(&item, 1, NULL, NULL, err) < 0)
		return -1;
	CLEANUP(free_p) char *bytes = xmalloc(item.received + 1);
	if (pread_all(fd, bytes, item.received, 0) < 0)
		return error_errno(err, errno, "read what was downloaded from %s", url);
	text_addn(ret, bytes, item.received);
	return 0;
}
