/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "builder/apt/apt_host.h"
#include "lib/alloc.h"

static char *without_slash(const char *url)
{
	size_t n = strlen(url);

	while (n > 1 && url[n - 1] == '/')
		n--;
	return xstrndup(url, n);
}

/* Where the part of the path ends that gets the suffix; NULL when there is no path. */
static const char *named_part(const char *archive, const char *id)
{
	const char *scheme = strstr(archive, "://"), *end = archive + strlen(archive);
	const char *path = scheme ? strchr(scheme + strlen("://"), '/') : strchr(archive, '/');
	const char *found = NULL;
	size_t n = strlen(id);

	while (end > archive && end[-1] == '/')
		end--;
	for (const char *part = path; part && part < end; part += 1 + strcspn(part + 1, "/"))
		if (!strncmp(part + 1, id, n) && (part + 1 + n == end || part[1 + n] == '/'))
			found = part + 1 + n;
	return found ? found : path && path < end ? end : NULL;
}

char *mirror_security(const char *archive, const char *id)
{
	const char *at = named_part(archive, id);

	if (!at)
		return NULL;
	CLEANUP(free_p) char *url = xasprintf("%.*s-security%s", (int)(at - archive), archive, at);
	return without_slash(url);
}

/* The mirror of the security updates of an archive that an option or the recipe names. */
static int find_next_to(const char *archive, const char *id, struct mirror *ret, struct error *err)
{
	ret->security = mirror_security(archive, id);
	ret->follows = true;
	if (ret->security)
		return 0;
	return error_set(err, ERROR_INPUT,
			 "the mirror %s has no path, so that the mirror of its security updates is not known; name it: "
			 "--security-mirror URL, or distribution.security_mirror in the recipe; or leave them out: "
			 "--set distribution.security=false",
			 archive);
}

static int no_mirror(const struct mirror *host, const char *id, struct error *err)
{
	CLEANUP(free_p) char *skipped = host->skipped ? xasprintf(" that others can read (%s)", host->skipped) : NULL;

	return error_set(err, ERROR_HOST,
			 "this host's apt sources have no mirror of %s%s; give one: --mirror URL, or "
			 "distribution.mirror in the recipe",
			 id, skipped ? skipped : "");
}

int mirror_find(const struct recipe *recipe, const struct mirror_options *options, struct mirror *ret,
		struct error *err)
{
	CLEANUP(mirror_done) struct mirror host = { 0 }, found = { 0 };
	const char *id = recipe->distribution.id;
	const char *archive = options->archive ? options->archive : recipe->distribution.mirror;
	const char *security = options->security ? options->security : recipe->distribution.security_mirror;

	apt_host_read();
	if (!archive && mirror_find_host("/etc/os-release", id, recipe->architecture, &host, err) < 0)
		return -1;
	if (!archive && !host.archive)
		return no_mirror(&host, id, err);
	found.archive = archive ? without_slash(archive) : TAKE(host.archive);
	if (security)
		found.security = without_slash(security);
	else if (!archive)
		found.security = TAKE(host.security);
	else if (recipe->distribution.security && find_next_to(archive, id, &found, err) < 0)
		return -1;
	*ret = TAKE(found);
	return 0;
}

int mirror_explain(const struct mirror *mirror, struct error *err)
{
	if (!mirror->follows || !mirror->security || !strstr(err->text, mirror->security))
		return -1;
	CLEANUP(free_p) char *cause = xstrdup(err->text);
	return error_set(
		err, err->class,
		"%s; security updates are looked for next to the mirror that is named: --security-mirror URL, or "
		"distribution.security_mirror, names another, and --set distribution.security=false leaves them out",
		cause);
}

void mirror_done(struct mirror *mirror)
{
	free(mirror->archive);
	free(mirror->security);
	free(mirror->skipped);
	*mirror = (struct mirror){ 0 };
}
