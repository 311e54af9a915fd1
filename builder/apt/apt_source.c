/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/apt_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/apt/apt_text.h"
#include "builder/apt/resolve_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/log.h"

/* The version is taken from the name of the .dsc file, NAME_VERSION.dsc. */
static int add_source(struct lock *lock, const char *name, struct apt_uris *uris, struct error *err)
{
	struct lock_source source = { 0 };

	for (size_t i = 0; i < uris->list.n; i++) {
		struct apt_uri *u = &uris->list.at[i];
		const char *version = strchr(u->file, '_');
		if (version && text_ends(u->file, ".dsc") && !source.version)
			source.version = xstrndup(version + 1, strlen(version + 1) - strlen(".dsc"));
		vec_push(&source.files.list, (struct lock_file){ .name = TAKE(u->file),
								 .url = TAKE(u->url),
								 .sha256 = TAKE(u->sha256),
								 .size = u->size });
	}
	bool whole = source.version != NULL;
	source.name = xstrdup(name);
	vec_push(&lock->sources, source);
	return whole ? 0 : error_set(err, ERROR_INPUT, "apt lists no .dsc file of it");
}

int apt_source_find(const struct apt *apt, char *request, struct lock *lock, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };
	CLEANUP(free_p) char *name = xstrndup(request, strcspn(request, "="));
	char *argv[] = {
		"apt-get", "-q", "-oAcquire::ForceHash=SHA256", "--print-uris", "--only-source", "source", "--",
		request,   NULL
	};

	if (apt_run(apt->path, argv, &text, err) < 0 || apt_uris_parse(text.data ? text.data : "", &uris, err) < 0 ||
	    add_source(lock, name, &uris, err) < 0)
		return error_wrap(err, "source package %s", request);
	return 0;
}

static char *missing_file(const char *name)
{
	return xasprintf(RESOLVE_SOLUTIONS "/%s.missing", name);
}

bool apt_source_was_missing(const struct apt *apt, const char *name, struct text *ret_reason)
{
	CLEANUP(free_p) char *file = missing_file(name);
	struct error ignored = { 0 };

	return faccessat(apt->fd, file, F_OK, 0) == 0 &&
	       file_read(apt->fd, file, ERROR_TEXT_MAX, ret_reason, &ignored) == 0;
}

void apt_source_set_missing(const struct apt *apt, const char *name, const char *reason)
{
	CLEANUP(free_p) char *file = missing_file(name);
	struct error ignored = { 0 };

	if (file_write(apt->fd, file, reason, strlen(reason), 0644, &ignored) < 0)
		log_debug("%s", ignored.text);
}
