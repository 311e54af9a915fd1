/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/mirror_choose.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/text.h"

/* The host's sources may name its release by codename or by one of these aliases; the archive is the same. */
static const char *const aliases[] = { "stable", "oldstable", "oldoldstable", "testing", "unstable" };

/* What both apt and libcurl read. The lists of mirrors are replaced by a mirror (mirror_host.c). */
static const char *const schemes[] = { "http://",      "https://",       "file:",          "mirror://",
				       "mirror+file:", "mirror+http://", "mirror+https://" };

struct target {
	char *suite, *component, *origin, *architecture, *url; /* point into the line that was split */
};

static bool split(char *line, struct target *ret)
{
	char *rest = line;

	ret->suite = strsep(&rest, "\t");
	ret->component = strsep(&rest, "\t");
	ret->origin = strsep(&rest, "\t");
	ret->architecture = strsep(&rest, "\t");
	ret->url = strsep(&rest, "\t");
	return ret->url && *ret->url && !rest;
}

static char *without_slash(const char *url)
{
	size_t n = strlen(url);

	while (n > 1 && url[n - 1] == '/')
		n--;
	return xstrndup(url, n);
}

static bool suite_is(const char *suite, const char *name, const char *suffix)
{
	return text_starts(suite, name) && !strcmp(suite + strlen(name), suffix);
}

static bool suite_fits(const char *suite, const struct mirror_wanted *wanted)
{
	bool fits = suite_is(suite, wanted->codename, wanted->suffix);

	for (size_t i = 0; !fits && i < ARRAY_SIZE(aliases); i++)
		fits = suite_is(suite, aliases[i], wanted->suffix);
	return fits;
}

/* "$(ORIGIN)" or "" when apt does not know it. */
static bool is_known(const char *origin)
{
	return *origin && *origin != '$';
}

static bool fits(const struct target *t, const struct mirror_wanted *wanted)
{
	return suite_fits(t->suite, wanted) && !strcmp(t->component, "main") &&
	       !strcmp(t->architecture, wanted->architecture) &&
	       (!is_known(t->origin) || !strcasecmp(t->origin, wanted->id));
}

static bool is_usable(const char *url)
{
	bool usable = false;

	for (size_t i = 0; !usable && i < ARRAY_SIZE(schemes); i++)
		usable = text_starts(url, schemes[i]);
	return usable && !url[strcspn(url, " \t")];
}

static void add(const struct target *t, struct mirror_candidates *ret)
{
	CLEANUP(free_p) char *url = without_slash(t->url);

	if (!is_usable(url)) {
		ret->skipped = ret->skipped ? ret->skipped : TAKE(url);
		return;
	}
	for (size_t i = 0; i < ret->list.n; i++)
		if (!strcmp(ret->list.at[i].url, url))
			return;
	vec_push(&ret->list, (struct mirror_candidate){
				     .url = TAKE(url), .suite = xstrdup(t->suite), .known = is_known(t->origin) });
}

static size_t count_suites(const char *targets, const char *url)
{
	CLEANUP(free_p) char *copy = xstrdup(targets);
	CLEANUP(strings_done) struct strings suites = { 0 };
	char *rest = copy, *line;
	struct target t;

	while ((line = strsep(&rest, "\n"))) {
		if (!split(line, &t))
			continue;
		CLEANUP(free_p) char *of = without_slash(t.url);
		if (!strcmp(of, url) && !strings_has(&suites, t.suite))
			strings_add(&suites, t.suite);
	}
	return suites.n;
}

static bool is_likelier(const struct mirror_candidate *a, const struct mirror_candidate *b)
{
	return a->known != b->known ? a->known : a->suites > b->suites;
}

/* Stable: equal ones keep the order of the sources. */
static void sort(struct mirror_candidates *c)
{
	for (size_t i = 1; i < c->list.n; i++)
		for (size_t k = i; k > 0 && is_likelier(&c->list.at[k], &c->list.at[k - 1]); k--) {
			struct mirror_candidate moved = c->list.at[k];
			c->list.at[k] = c->list.at[k - 1];
			c->list.at[k - 1] = moved;
		}
}

void mirror_candidates_read(const char *targets, const struct mirror_wanted *wanted, struct mirror_candidates *ret)
{
	CLEANUP(free_p) char *copy = xstrdup(targets);
	char *rest = copy, *line;
	struct target t;

	while ((line = strsep(&rest, "\n")))
		if (split(line, &t) && fits(&t, wanted))
			add(&t, ret);
	for (size_t i = 0; i < ret->list.n; i++)
		ret->list.at[i].suites = count_suites(targets, ret->list.at[i].url);
	sort(ret);
}

void mirror_candidates_done(struct mirror_candidates *candidates)
{
	for (size_t i = 0; i < candidates->list.n; i++) {
		free(candidates->list.at[i].url);
		free(candidates->list.at[i].suite);
	}
	vec_done(&candidates->list);
	free(candidates->skipped);
	*candidates = (struct mirror_candidates){ 0 };
}
