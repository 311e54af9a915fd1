/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/login.h"
#include "lib/process.h"

#define OS_RELEASE_MAX (64u << 10)
#define MIRROR_LIST_MAX (64u << 10)

/* The host's sources may name its release by codename or by one of these aliases; the archive is the same. */
static const char *const ranks[] = { "stable", "oldstable", "oldoldstable", "testing", "unstable" };

struct index_target {
	char *suite, *component, *origin, *url; /* point into the line that was split */
};

static char *without_slash(const char *url)
{
	size_t n = strlen(url);

	while (n > 1 && url[n - 1] == '/')
		n--;
	return xstrndup(url, n);
}

static bool split_target(char *line, struct index_target *ret)
{
	char *rest = line;

	ret->suite = strsep(&rest, "\t");
	ret->component = strsep(&rest, "\t");
	ret->origin = strsep(&rest, "\t");
	ret->url = strsep(&rest, "\t");
	return ret->url && *ret->url && !rest;
}

static bool suite_is(const char *suite, const char *name, const char *suffix)
{
	return text_starts(suite, name) && !strcmp(suite + strlen(name), suffix);
}

/* Repositories of other vendors use Debian's codenames, too. The origin is "$(ORIGIN)" or "" when apt does not know it. */
static bool origin_fits(const char *origin, const char *id)
{
	return !*origin || *origin == '$' || !strcasecmp(origin, id);
}

static char *choose_suite(const char *targets, const char *id, const char *name, const char *suffix, size_t *ret_others)
{
	CLEANUP(free_p) char *copy = xstrdup(targets);
	char *rest = copy, *line, *found = NULL;
	struct index_target t;

	*ret_others = 0;
	while ((line = strsep(&rest, "\n"))) {
		if (!split_target(line, &t) || !suite_is(t.suite, name, suffix) || strcmp(t.component, "main") ||
		    !origin_fits(t.origin, id))
			continue;
		CLEANUP(free_p) char *url = without_slash(t.url);
		if (found && strcmp(found, url))
			++*ret_others;
		if (!found)
			found = TAKE(url);
	}
	return found;
}

char *mirror_choose(const char *targets, const char *id, const char *codename, const char *suffix, size_t *ret_others)
{
	char *found = choose_suite(targets, id, codename, suffix, ret_others);

	for (size_t i = 0; !found && i < ARRAY_SIZE(ranks); i++)
		found = choose_suite(targets, id, ranks[i], suffix, ret_others);
	return found;
}

/* The host's sources, without reading its package lists: 20 ms, no package cache. But only the lists contain the origins. */
static int host_targets(bool origins, struct text *ret, struct error *err)
{
	CLEANUP(strings_done) struct strings argv = { 0 };

	strings_add_all(&argv, "apt-get", "indextargets", NULL);
	if (!origins)
		strings_add_all(&argv, "--no-release-info", "-oDir::State::lists=/nonexistent/",
				"-oDir::State::status=/dev/null", NULL);
	strings_add_all(&argv, "--format", "$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)\t$(REPO_URI)", "Created-By: Packages",
			NULL);
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

/* Replaces mirror+file:/etc/apt/mirrors/x.list, which Debian's cloud images use, by the first URL in that file. */
static int resolve_list(char **url, struct error *err)
{
	CLEANUP(text_done) struct text list = { 0 };
	const char *path = text_starts(*url, "mirror+file:") ? *url + strlen("mirror+file:") : NULL;

	if (!path)
		return 0;
	path += text_starts(path, "//") ? 2 : 0;
	if (file_read(AT_FDCWD, path, MIRROR_LIST_MAX, &list, err) < 0)
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
	return error_set(err, ERROR_HOST, "the host's mirror list %s contains no URL; use --mirror URL", path);
}

static int host_choose(const char *targets, const char *id, const char *codename, const char *suffix, char **ret,
		       struct error *err)
{
	CLEANUP(text_done) struct text known = { 0 };
	size_t others = 0;
	CLEANUP(free_p) char *url = mirror_choose(targets, id, codename, suffix, &others);

	if (others) {
		size_t ignored;
		if (host_targets(true, &known, err) < 0)
			return -1;
		char *sure = mirror_choose(known.data ? known.data : "", id, codename, suffix, &ignored);
		free(sure ? url : NULL);
		url = sure ? sure : url;
	}
	if ((url && resolve_list(&url, err) < 0) || login_split(&url, "this host's apt sources", err) < 0)
		return -1;
	*ret = TAKE(url);
	return 0;
}

int mirror_find_host(const char *os_release_file, const char *wanted_id, struct mirror *ret, struct error *err)
{
	CLEANUP(text_done) struct text release = { 0 }, targets = { 0 };

	if (file_read(AT_FDCWD, os_release_file, OS_RELEASE_MAX, &release, err) < 0 ||
	    host_targets(false, &targets, err) < 0)
		return -1;
	CLEANUP(free_p)
	char *id = os_release(release.data ? release.data : "", "ID"),
	     *codename = os_release(release.data ? release.data : "", "VERSION_CODENAME");
	if (!text_same(id, wanted_id) || !targets.len)
		return 0;
	if (host_choose(targets.data, id, codename ? codename : "", "", &ret->archive, err) < 0)
		return -1;
	return host_choose(targets.data, id, codename ? codename : "", "-security", &ret->security, err);
}

int mirror_find(const struct recipe *recipe, const char *override, struct mirror *ret, struct error *err)
{
	CLEANUP(mirror_done) struct mirror host = { 0 };
	const char *archive = override ? override : recipe->distribution.mirror;
	const char *security = recipe->distribution.security_mirror;

	if ((!archive || (recipe->distribution.security && !security)) &&
	    mirror_find_host("/etc/os-release", recipe->distribution.id, &host, err) < 0)
		return -1;
	archive = archive ? archive : host.archive;
	security = security ? security : host.security;
	if (!archive)
		return error_set(err, ERROR_HOST,
				 "this host's apt sources have no mirror of %s; give one: --mirror URL, or "
				 "distribution.mirror in the recipe",
				 recipe->distribution.id);
	ret->archive = without_slash(archive);
	ret->security = security ? without_slash(security) : NULL;
	return 0;
}

void mirror_done(struct mirror *mirror)
{
	free(mirror->archive);
	free(mirror->security);
	*mirror = (struct mirror){ 0 };
}
