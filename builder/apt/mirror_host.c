/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "builder/apt/mirror.h"
#include "builder/apt/mirror_choose.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/login.h"
#include "lib/process.h"

#define OS_RELEASE_MAX (64u << 10)
#define MIRROR_LIST_MAX (64u << 10)
#define RELEASE_MAX (1u << 20)
#define OUR_SOURCES "this host's apt sources"

/* Sources that name a list of mirrors and not a mirror: apt-transport-mirror(1). */
static const struct {
	const char *from, *to;
} list_schemes[] = {
	{ "mirror+file:", "file:" },
	{ "mirror+http://", "http://" },
	{ "mirror+https://", "https://" },
	{ "mirror://", "http://" },
};

/* The host's sources, without reading its package lists: 20 ms, no package cache. But only the lists contain the origins. */
static int host_targets(bool origins, struct text *ret, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "apt-get", "indextargets", NULL);
	if (!origins)
		strings_add_all(&argv, "--no-release-info", "-oDir::State::lists=/nonexistent/",
				"-oDir::State::status=/dev/null", NULL);
	strings_add_all(&argv, "--format", "$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)\t$(ARCHITECTURE)\t$(REPO_URI)",
			"Created-By: Packages", NULL);
	text_add(ret, "");
	return process_capture(strings_argv(&argv), ret, err);
}

/* VALUE of NAME=VALUE in os-release(5), without quotes, owned by the caller; NULL when absent. */
static char *os_release(const char *text, const char *name)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t n = strlen(name), len = strcspn(line, "\n");
		if (strncmp(line, name, n) || line[n] != '=')
			continue;
		CLEANUP(free_p) char *value = xstrndup(line + n + 1, len - n - 1);
		char *body = value + strspn(value, "\"'");
		return xstrndup(body, strcspn(body, "\"'"));
	}
	return NULL;
}

static int read_list(const char *where, struct text *ret, struct error *err)
{
	const char *path = text_starts(where, "file:") ? where + strlen("file:") : NULL;

	text_add(ret, "");
	if (!path)
		return http_get_apt(where, MIRROR_LIST_MAX, ret, err);
	return file_read(AT_FDCWD, path + (text_starts(path, "//") ? 2 : 0), MIRROR_LIST_MAX, ret, err);
}

/* Replaces a list of mirrors, which Debian's cloud images use, by the first URL in it. */
static int resolve_list(char **url, struct error *err)
{
	CLEANUP(text_done) struct text list = { 0 };
	CLEANUP(free_p) char *where = NULL;

	for (size_t i = 0; !where && i < ARRAY_SIZE(list_schemes); i++)
		if (text_starts(*url, list_schemes[i].from))
			where = xasprintf("%s%s", list_schemes[i].to, *url + strlen(list_schemes[i].from));
	if (!where)
		return 0;
	if (login_split(&where, OUR_SOURCES, err) < 0)
		return -1;
	if (read_list(where, &list, err) < 0)
		return error_wrap(err, "the host's mirror list");
	for (char *rest = list.data, *line; (line = strsep(&rest, "\n"));) {
		char *first = text_trim(line);
		if (!*first || *first == '#')
			continue;
		size_t len = strcspn(first, " \t");
		while (len > 1 && first[len - 1] == '/')
			len--;
		free(*url);
		*url = xstrndup(first, len);
		return 0;
	}
	return error_set(err, ERROR_HOST, "the host's mirror list %s contains no URL; use --mirror URL", where);
}

/* The URL that files are downloaded from: no list, no password. */
static int settle(struct mirror_candidate *c, struct error *err)
{
	return resolve_list(&c->url, err) < 0 ? -1 : login_split(&c->url, OUR_SOURCES, err);
}

/* Whether the repository itself says that it is the distribution's. That is not signed: it only says which one to try. */
static bool is_distribution(const struct mirror_candidate *c, const char *id)
{
	CLEANUP(free_p) char *url = xasprintf("%s/dists/%s/Release", c->url, c->suite);
	CLEANUP(text_done) struct text release = { 0 };
	struct error ignored = { 0 };

	if (http_get_apt(url, RELEASE_MAX, &release, &ignored) < 0) {
		log_debug("%s", ignored.text);
		return false;
	}
	for (char *rest = release.data, *line; (line = strsep(&rest, "\n"));)
		if (text_starts(line, "Origin:"))
			return !strcasecmp(text_trim(line + strlen("Origin:")), id);
	return false;
}

/* More than one source fits, and no package list of the host knows the distribution's. */
static size_t ask(struct mirror_candidates *c, const struct mirror_wanted *wanted)
{
	CLEANUP(text_done) struct text all = { 0 };

	for (size_t i = 0; i < c->list.n; i++) {
		struct error ignored = { 0 };
		if (settle(&c->list.at[i], &ignored) == 0 && is_distribution(&c->list.at[i], wanted->id))
			return i;
		text_addf(&all, "%s%s", i ? ", " : "", c->list.at[i].url);
	}
	log_warning("several of " OUR_SOURCES " can be %s's %s%s, and none says that it is (%s); the first is used, "
		    "--mirror URL names another",
		    wanted->id, wanted->codename, wanted->suffix, all.data);
	return 0;
}

static int choose(struct mirror_candidates *c, const struct mirror_wanted *wanted, char **ret, struct error *err)
{
	size_t chosen = c->list.n > 1 && !c->list.at[0].known ? ask(c, wanted) : 0;

	if (!c->list.n)
		return 0;
	if (settle(&c->list.at[chosen], err) < 0)
		return -1;
	*ret = TAKE(c->list.at[chosen].url);
	return 0;
}

/* *skipped is set when it is NULL. */
static int host_choose(const char *targets, const struct mirror_wanted *wanted, char **ret, char **skipped,
		       struct error *err)
{
	CLEANUP(mirror_candidates_done) struct mirror_candidates all = { 0 }, sure = { 0 };
	CLEANUP(text_done) struct text known = { 0 };

	mirror_candidates_read(targets, wanted, &all);
	*skipped = *skipped ? *skipped : TAKE(all.skipped);
	if (all.list.n > 1) {
		if (host_targets(true, &known, err) < 0)
			return -1;
		mirror_candidates_read(known.data, wanted, &sure);
	}
	return choose(sure.list.n ? &sure : &all, wanted, ret, err);
}

int mirror_find_host(const char *os_release_file, const char *wanted_id, const char *architecture, struct mirror *ret,
		     struct error *err)
{
	CLEANUP(text_done) struct text release = { 0 }, targets = { 0 };

	if (file_read(AT_FDCWD, os_release_file, OS_RELEASE_MAX, &release, err) < 0 ||
	    host_targets(false, &targets, err) < 0)
		return -1;
	CLEANUP(free_p) char *id = os_release(release.data, "ID");
	CLEANUP(free_p) char *codename = os_release(release.data, "VERSION_CODENAME");
	struct mirror_wanted wanted = { wanted_id, codename ? codename : "", "", architecture };
	if (!text_same(id, wanted_id) || !targets.len)
		return 0;
	if (host_choose(targets.data, &wanted, &ret->archive, &ret->skipped, err) < 0)
		return -1;
	wanted.suffix = "-security";
	return host_choose(targets.data, &wanted, &ret->security, &ret->skipped, err);
}
