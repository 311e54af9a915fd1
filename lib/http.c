/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/curl_transfer.h"
#include "lib/file.h"
#include "lib/http_status.h"
#include "lib/login.h"
#include "lib/macro.h"
#include "lib/proxy.h"

#define TRIES 4
#define DELAY_GROWTH 3 /* factor between the delays */
#define POLL_MS 1000

double http_retry_delay = 0.3;

struct download {
	struct http_download *item; /* borrowed */
	struct download_pool *pool; /* borrowed */
	struct curl_transfer curl;  /* running or not */
	struct hash *hash;          /* owned */
	bool finished, too_large;
	int write_errno;
	unsigned tries;
	double due; /* clock_seconds() before which it does not start */
};

struct download_pool {
	void *curl_pool;            /* owned */
	struct download *downloads; /* owned; n of them */
	size_t n, running, finished;
	void (*progress)(void *context, uint64_t new_bytes);
	void *context;
};

static uint64_t limit_of(const struct http_download *item)
{
	return item->limit ? item->limit : HTTP_SIZE_MAX;
}

char *http_public_url(const char *url)
{
	const char *host = strstr(url, "://");
	size_t scheme = host ? (size_t)(host - url) + 3 : 0;
	const char *rest = url + scheme, *at = memchr(rest, '@', strcspn(rest, "/"));

	return xasprintf("%.*s%s", (int)scheme, url, at ? at + 1 : rest);
}

static bool receive(void *context, const char *bytes, size_t n)
{
	struct download *t = context;

	if (t->item->received + n > limit_of(t->item)) {
		t->too_large = true;
		return false;
	}
	if (write_all(t->item->fd, bytes, n) < 0) {
		t->write_errno = errno;
		return false;
	}
	hash_add(t->hash, bytes, n);
	t->item->received += n;
	if (t->pool->progress)
		t->pool->progress(t->pool->context, n);
	return true;
}

static int download_start(struct download *t, struct error *err)
{
	if (t->tries == 0 && t->item->start && t->item->start(t->item, err) < 0)
		return -1;
	if (ftruncate(t->item->fd, 0) < 0 || lseek(t->item->fd, 0, SEEK_SET) < 0)
		return error_errno(err, errno, "prepare the file for %s", t->item->name);
	hash_free_p(&t->hash);
	t->hash = hash_new();
	t->item->received = 0;
	t->tries++;
	t->curl.receive = receive;
	t->curl.context = t;
	struct curl_transfer_options options = { .netrc = t->item->netrc, .ca = t->item->ca };
	login_find(t->item->url, &options.user, &options.password);
	options.proxy = t->item->apt ? proxy_find(t->item->url) : NULL;
	if (options.proxy && *options.proxy)
		login_find(options.proxy, &options.proxy_user, &options.proxy_password);
	if (curl_transfer_download(&t->curl, t->pool->curl_pool, t->item->url, &options, err) < 0)
		return -1;
	t->pool->running++;
	return 0;
}

/* Failures that may be transient. Of the HTTP statuses these are errors of the server, time-outs and rate limits. */
static bool is_transient(enum curl_transfer_end end, long status)
{
	return end == CURL_TRANSFER_TRANSIENT ||
	       (end == CURL_TRANSFER_STATUS && (status >= 500 || status == 429 || status == 408));
}

static int download_failed(const struct download *t, enum curl_transfer_end end, struct error *err)
{
	CLEANUP(free_p) char *url = http_public_url(t->item->url);
	const char *name = t->item->name;

	if (t->write_errno)
		return error_errno(err, t->write_errno, "write %s while downloading %s", name, url);
	if (t->too_large)
		return error_set(err, ERROR_TRUST,
				 "download %s from %s: the server sends more than the limit of %llu bytes", name, url,
				 (unsigned long long)limit_of(t->item));
	if (end == CURL_TRANSFER_STATUS) {
		const char *advice = http_status_advice(t->curl.status);
		return error_set(err, ERROR_NETWORK, "download %s from %s: the server answers %ld%s%s%s", name, url,
				 t->curl.status, *advice ? " (" : "", advice, *advice ? ")" : "");
	}
	return error_set(err, end == CURL_TRANSFER_UNTRUSTED ? ERROR_TRUST : ERROR_NETWORK, "download %s from %s: %s",
			 name, url, t->curl.message);
}

static int give_up(struct download *t, enum curl_transfer_end end, struct error *err)
{
	download_failed(t, end, err);
	if (!t->item->failed || t->item->failed(t->item, t->curl.status, err) < 0)
		return -1;
	t->finished = true;
	t->pool->finished++;
	return 0;
}

static int download_ended(struct download *t, enum curl_transfer_end end, struct error *err)
{
	curl_transfer_stop(&t->curl);
	t->pool->running--;
	if (end == CURL_TRANSFER_OK) {
		hash_hex(t->hash, t->item->sha256);
		t->finished = true;
		t->pool->finished++;
		return t->item->done ? t->item->done(t->item, err) : 0;
	}
	if (t->tries >= TRIES || !is_transient(end, t->curl.status))
		return give_up(t, end, err);
	double delay = http_retry_delay;
	for (unsigned i = 1; i < t->tries; i++)
		delay *= DELAY_GROWTH;
	t->due = clock_seconds() + delay;
	return 0;
}

/* Starts the transfers that are due; *ret_wait is after how many milliseconds to look again. */
static int download_pool_start(struct download_pool *pool, int *ret_wait, struct error *err)
{
	double clock = clock_seconds(), wait = POLL_MS;

	for (size_t i = 0; i < pool->n && pool->running < HTTP_PARALLEL; i++) {
		struct download *t = &pool->downloads[i];
		double left = (t->due - clock) * 1000;
		if (t->finished || t->curl.easy)
			continue;
		if (left > 0)
			wait = left < wait ? left + 1 : wait;
		else if (download_start(t, err) < 0)
			return -1;
	}
	*ret_wait = (int)wait;
	return 0;
}

/* Returns how many downloads have ended, well or not. */
static int download_pool_collect(struct download_pool *pool, struct error *err)
{
	enum curl_transfer_end end;
	struct curl_transfer *w;
	int ended = 0;

	for (; (w = curl_transfer_pool_next(pool->curl_pool, &end)); ended++)
		if (download_ended(w->context, end, err) < 0)
			return -1;
	return ended;
}

static int download_pool_step(struct download_pool *pool, struct error *err)
{
	int wait, running;

	if (download_pool_start(pool, &wait, err) < 0 || curl_transfer_pool_perform(pool->curl_pool, &running, err) < 0)
		return -1;
	int ended = download_pool_collect(pool, err);
	/* A download that ended lets the next one start, or is due again itself before `wait` is over. */
	if (ended != 0)
		return ended < 0 ? -1 : 0;
	return curl_transfer_pool_wait(pool->curl_pool, wait, err);
}

static int download_pool_open(struct download_pool *pool, struct http_download *items, size_t n, struct error *err)
{
	if (login_check_proxies(err) < 0 || curl_transfer_pool_open(&pool->curl_pool, err) < 0)
		return -1;
	pool->n = n;
	pool->downloads = xcalloc(n, sizeof *pool->downloads);
	for (size_t i = 0; i < n; i++)
		pool->downloads[i] = (struct download){ .item = &items[i], .pool = pool };
	return 0;
}

static void download_pool_close(struct download_pool *pool)
{
	for (size_t i = 0; i < pool->n; i++) {
		curl_transfer_stop(&pool->downloads[i].curl);
		hash_free(pool->downloads[i].hash);
	}
	free(pool->downloads);
	curl_transfer_pool_close(pool->curl_pool);
}

int http_download_all(struct http_download *items, size_t n, void (*progress)(void *context, uint64_t new_bytes),
		      void *context, struct error *err)
{
	CLEANUP(download_pool_close) struct download_pool pool = { .progress = progress, .context = context };

	if (download_pool_open(&pool, items, n, err) < 0)
		return -1;
	while (pool.finished < n)
		if (download_pool_step(&pool, err) < 0)
			return -1;
	return 0;
}

static int get(const char *url, bool apt, size_t limit, struct text *ret, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("download", MFD_CLOEXEC);
	const char *slash = strrchr(url, '/');
	struct http_download item = {
		.url = url, .name = slash && slash[1] ? slash + 1 : url, .fd = fd, .limit = limit, .apt = apt
	};

	if (fd < 0)
		return error_errno(err, errno, "create a memory file for a download");
	if (http_download_all(&item, 1, NULL, NULL, err) < 0)
		return -1;
	CLEANUP(free_p) char *bytes = xmalloc(item.received + 1);
	if (pread_all(fd, bytes, item.received, 0) < 0)
		return error_errno(err, errno, "read the download of %s", url);
	text_addn(ret, bytes, item.received);
	return 0;
}

int http_get(const char *url, size_t limit, struct text *ret, struct error *err)
{
	return get(url, false, limit, ret, err);
}

int http_get_apt(const char *url, size_t limit, struct text *ret, struct error *err)
{
	return get(url, true, limit, ret, err);
}
