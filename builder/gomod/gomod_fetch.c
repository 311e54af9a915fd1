/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round for each entry of GOPROXY: all files that are still missing are asked for at once, and those that the entry does
 * not have are left to the next one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builder/gomod/go_settings.h"
#include "builder/gomod/gomod_internal.h"
#include "builder/gomod/goproxy.h"
#include "builder/gomod/module_cache.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/http.h"
#include "lib/log.h"

#define NOT_FOUND 404
#define GONE 410

struct module_want {
	const struct lock_module *module; /* borrowed */
	enum module_file file;
	bool missing;   /* still */
	char *url, *to; /* owned; of this round; to: relative to cache->fd */
	int fd;         /* owned */
	char *why;      /* owned; why the last entry that was asked does not have it; NULL: none was asked */
	struct module_fetch *fetch;
};

struct module_fetch {
	struct cache *cache;
	char *scratch; /* owned */
	int scratch_fd;
	VEC(struct module_want) wants;
	struct goproxy proxy;
	struct strings settings;
	char *netrc;                       /* owned */
	const struct goproxy_entry *entry; /* of this round */
};

static void want_close(struct module_want *w)
{
	close_p(&w->fd);
	w->fd = -1;
	free(w->url);
	free(w->to);
	w->url = w->to = NULL;
}

static void fetch_close(struct module_fetch *f)
{
	struct error ignored = { 0 };

	for (size_t i = 0; i < f->wants.n; i++) {
		want_close(&f->wants.at[i]);
		free(f->wants.at[i].why);
	}
	vec_done(&f->wants);
	goproxy_done(&f->proxy);
	strings_done(&f->settings);
	free(f->netrc);
	if (f->scratch && tree_remove(f->cache->fd, f->scratch, &ignored) < 0)
		log_debug("%s", ignored.text);
	close_p(&f->scratch_fd);
	free(f->scratch);
}

static bool has_want(const struct module_fetch *f, const struct lock_module *m, enum module_file file)
{
	for (size_t i = 0; i < f->wants.n; i++) {
		const struct module_want *w = &f->wants.at[i];
		if (w->file == file && !strcmp(w->module->path, m->path) && !strcmp(w->module->version, m->version))
			return true;
	}
	return false;
}

static void add_want(struct module_fetch *f, const struct lock_module *m, enum module_file file)
{
	if (!module_cache_has(f->cache, m, file) && !has_want(f, m, file))
		vec_push(&f->wants,
			 (struct module_want){ .module = m, .file = file, .missing = true, .fd = -1, .fetch = f });
}

/* Modules that must not be asked from a proxy: their own server would be asked, with a version control system. */
static bool is_private(const struct module_fetch *f, const struct lock_module *m)
{
	const char *patterns = go_settings_get(&f->settings, "GONOPROXY");

	return goproxy_matches(patterns ? patterns : go_settings_get(&f->settings, "GOPRIVATE"), m->path);
}

static int item_start(struct http_download *item, struct error *err)
{
	struct module_want *w = item->context;

	w->fd = openat(w->fetch->cache->fd, w->to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	item->fd = w->fd;
	return w->fd < 0 ? error_errno(err, errno, "create %s in the cache", w->to) : 0;
}

static int item_done(struct http_download *item, struct error *err)
{
	struct module_want *w = item->context;

	CLEANUP(free_p) char *url = http_public_url(item->url);

	if (module_cache_store(w->fetch->cache, w->to, w->fd, w->module, w->file, url, err) < 0)
		return -1;
	w->missing = false;
	close_p(&w->fd);
	w->fd = item->fd = -1;
	return 0;
}

static int item_failed(struct http_download *item, long status, struct error *err)
{
	struct module_want *w = item->context;

	close_p(&w->fd);
	w->fd = item->fd = -1;
	free(w->why);
	w->why = xstrdup(err->text);
	if (status == NOT_FOUND || status == GONE || w->fetch->entry->on_failure)
		return 0;
	return error_wrap(err, "module %s %s", w->module->path, w->module->version);
}

/* Asks the entry for everything that is missing. */
static int fetch_round(struct module_fetch *f, struct error *err)
{
	CLEANUP(free_p) struct http_download *items = xcalloc(f->wants.n + 1, sizeof *items);
	const char *ca = getenv("SSL_CERT_FILE");
	size_t n = 0;

	for (size_t i = 0; i < f->wants.n; i++) {
		struct module_want *w = &f->wants.at[i];
		if (!w->missing || is_private(f, w->module))
			continue;
		CLEANUP(free_p)
		char *name = goproxy_file(w->module->path, w->module->version, module_file_suffix[w->file]);
		want_close(w);
		w->url = xasprintf("%s/%s", f->entry->url, name);
		w->to = xasprintf("%s/%zu", f->scratch, i);
		items[n++] = (struct http_download){
			.url = w->url,
			.name = w->module->path,
			.fd = -1,
			.start = item_start,
			.done = item_done,
			.failed = item_failed,
			.context = w,
			.netrc = text_starts(w->url, "https://") ? f->netrc : NULL, /* as Go */
			.ca = ca && *ca ? ca : NULL,
		};
	}
	return n ? http_download_all(items, n, NULL, NULL, err) : 0;
}

static const struct module_want *first_missing(const struct module_fetch *f)
{
	for (size_t i = 0; i < f->wants.n; i++)
		if (f->wants.at[i].missing)
			return &f->wants.at[i];
	return NULL;
}

static size_t count_missing(const struct module_fetch *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->wants.n; i++)
		n += f->wants.at[i].missing;
	return n;
}

/* The list without passwords; owned by the caller. */
static char *public_list(const struct goproxy *proxy)
{
	struct text list = { 0 };

	for (size_t i = 0; i < proxy->list.n; i++) {
		const struct goproxy_entry *e = &proxy->list.at[i], *before = i ? e - 1 : NULL;
		CLEANUP(free_p) char *url = e->url ? http_public_url(e->url) : NULL;
		text_addf(&list, "%s%s",
			  !before              ? ""
			  : before->on_failure ? "|"
					       : ",",
			  url                      ? url
			  : e->kind == GOPROXY_OFF ? "off"
						   : "direct");
	}
	return text_take(&list);
}

/* Names what is missing, and why the last entry of GOPROXY did not help. */
static int report_missing(const struct module_fetch *f, struct error *err)
{
	CLEANUP(free_p) char *proxy = public_list(&f->proxy);
	const struct module_want *w = first_missing(f);
	const struct lock_module *m = w->module;
	const char *why = w->why ? w->why : "";
	size_t others = count_missing(f) - 1;
	CLEANUP(free_p) char *more = others ? xasprintf(" and %zu more files of modules", others) : xstrdup("");
	const struct goproxy_entry *last = &f->proxy.list.at[f->proxy.list.n - 1];

	if (is_private(f, m))
		return error_set(
			err, ERROR_NETWORK,
			"module %s %s%s is not in the cache, and GONOPROXY or GOPRIVATE forbid to ask a proxy for "
			"it; name a mirror directory: GONOPROXY=none GOPROXY=file:///DIRECTORY",
			m->path, m->version, more);
	if (last->kind == GOPROXY_OFF && f->proxy.list.n == 1)
		return error_set(err, ERROR_NETWORK,
				 "module %s %s%s is not in the cache, and GOPROXY=off forbids downloads", m->path,
				 m->version, more);
	if (last->kind == GOPROXY_DIRECT)
		return error_set(
			err, ERROR_NETWORK,
			"module %s %s%s is not served by GOPROXY=%s, and the build has no version control system "
			"for `direct`%s%s; add a proxy or a mirror directory that has it",
			m->path, m->version, more, proxy, w->why ? ": " : "", why);
	return error_set(err, ERROR_NETWORK, "module %s %s%s is not served by GOPROXY=%s: %s", m->path, m->version,
			 more, proxy, why);
}

static int fetch_missing(struct go_tree *g, struct module_fetch *f, struct error *err)
{
	CLEANUP(free_p) char *proxy = NULL;

	if (f->cache->offline)
		return error_set(
			err, ERROR_NETWORK,
			"module %s %s and %zu more files are not in the cache, and --offline downloads nothing; "
			"build once without --offline",
			f->wants.at[0].module->path, f->wants.at[0].module->version, f->wants.n - 1);
	if (go_settings_read(&f->settings, err) < 0)
		return -1;
	strings_append(&g->settings, &f->settings);
	if (go_tree_proxy(g, &proxy, err) < 0 || goproxy_parse(proxy, &f->proxy, err) < 0 ||
	    cache_scratch(f->cache, &f->scratch, &f->scratch_fd, err) < 0)
		return -1;
	f->netrc = go_settings_netrc();
	for (size_t i = 0; i < f->proxy.list.n && first_missing(f); i++) {
		f->entry = &f->proxy.list.at[i];
		if (f->entry->kind == GOPROXY_URL && fetch_round(f, err) < 0)
			return -1;
	}
	return first_missing(f) ? report_missing(f, err) : 0;
}

int gomod_fetch(struct go_tree *g, const struct lock_component *const *list, size_t n, struct error *err)
{
	CLEANUP(fetch_close) struct module_fetch f = { .cache = g->toolchain.cache, .scratch_fd = -1 };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i]->modules.n; k++) {
			if (list[i]->modules.at[k].sum)
				add_want(&f, &list[i]->modules.at[k], MODULE_ZIP);
			add_want(&f, &list[i]->modules.at[k], MODULE_GO_MOD);
		}
	return f.wants.n ? fetch_missing(g, &f, err) : 0;
}
