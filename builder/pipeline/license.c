/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/license.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/gomod/gomod.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/text.h"

#define PHRASES 2
#define BSD_BEGIN                                                                                                      \
	"redistribution and use in source and binary forms with or without modification are permitted provided that "  \
	"the following conditions are met"
#define BSD_NAME "endorse or promote products derived from"
#define BSD_ADVERTISING "all advertising materials mentioning"
#define ISC_BEGIN "distribute this software for any purpose with or without fee is hereby granted"
#define ISC_NOTICE "provided that the above copyright notice and this permission notice appear in all copies"
#define MIT_BEGIN                                                                                                      \
	"permission is hereby granted free of charge to any person obtaining a copy of this software and associated "  \
	"documentation files"
#define MIT_NOTICE "be included in all copies or substantial portions of the software"

/* Phrases of words in lower case with one space between them: see normalize(). */
static const struct {
	const char *id;
	const char *has[PHRASES], *lacks[PHRASES];
} known[] = {
	{ "0BSD", { ISC_BEGIN }, { ISC_NOTICE } },
	{ "Apache-2.0", { "apache license version 2 0 january 2004", "grant of patent license" }, { NULL } },
	{ "Apache-2.0", { "licensed under the apache license version 2 0" }, { "grant of patent license" } },
	{ "BSD-2-Clause", { BSD_BEGIN }, { BSD_NAME, BSD_ADVERTISING } },
	{ "BSD-3-Clause", { BSD_BEGIN, BSD_NAME }, { BSD_ADVERTISING } },
	{ "BSD-4-Clause", { BSD_BEGIN, BSD_ADVERTISING }, { NULL } },
	{ "BSL-1.0", { "boost software license version 1 0" }, { NULL } },
	{ "CC-BY-4.0", { "creative commons attribution 4 0 international public license" }, { NULL } },
	{ "CC-BY-SA-4.0", { "creative commons attribution sharealike 4 0 international public license" }, { NULL } },
	{ "CC0-1.0", { "cc0 1 0 universal", "statement of purpose" }, { NULL } },
	{ "ISC", { ISC_BEGIN, ISC_NOTICE }, { NULL } },
	{ "MIT", { MIT_BEGIN, MIT_NOTICE }, { NULL } },
	{ "MIT-0", { MIT_BEGIN }, { MIT_NOTICE } },
	{ "MPL-2.0", { "mozilla public license version 2 0", "1 1 contributor" }, { NULL } },
	{ "Unicode-3.0", { "unicode license v3" }, { NULL } },
	{ "Unlicense", { "this is free and unencumbered software released into the public domain" }, { NULL } },
	{ "Zlib",
	  { "this software is provided as is without any express or implied warranty",
	    "altered source versions must be plainly marked as such" },
	  { NULL } },
};

/* With one of these there is a choice, a condition, or a version that has to be read. */
static const char *const unsure[] = {
	"at your option",
	"at your choice",
	"dual licensed",
	"commons clause",
	"business source license",
	"server side public license",
	"this license is called the gnu",
	"everyone is permitted to copy and distribute verbatim copies of this license document",
};

/* Words in lower case, one space before and after each: line ends, comment signs and punctuation differ between copies. */
static char *normalize(const char *s)
{
	struct text ret = { 0 };
	bool space = true;

	text_add(&ret, " ");
	for (; *s; s++) {
		char c = (char)tolower((unsigned char)*s);

		if (isalnum((unsigned char)c))
			text_addn(&ret, &c, 1);
		else if (!space)
			text_add(&ret, " ");
		space = !isalnum((unsigned char)c);
	}
	if (!space)
		text_add(&ret, " ");
	return text_take(&ret);
}

static bool has_phrase(const char *words, const char *phrase)
{
	size_t len = phrase ? strlen(phrase) : 0;

	for (const char *at = words; phrase && (at = strstr(at, phrase)); at++) {
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	}
	return false;
}

static bool is_known(const char *words, size_t k)
{
	for (size_t i = 0; i < PHRASES; i++) {
		if ((known[k].has[i] && !has_phrase(words, known[k].has[i])) || has_phrase(words, known[k].lacks[i]))
			return false;
	}
	return true;
}

static bool is_unsure(const char *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(unsure); i++) {
		if (has_phrase(words, unsure[i]))
			return true;
	}
	return false;
}

/* Adds the ids of a text; false when unsure. */
static bool add_ids(const char *text, struct strings *ids)
{
	CLEANUP(free_p) char *words = normalize(text);
	bool any = false;

	if (is_unsure(words))
		return false;
	for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
		if (!is_known(words, k))
			continue;
		any = true;
		if (!strings_has(ids, known[k].id))
			strings_add(ids, known[k].id);
	}
	return any;
}

/* NULL of no ids. */
static char *expression_of(struct strings *ids)
{
	struct text ret = { 0 };

	strings_sort(ids);
	for (size_t i = 0; i < ids->n; i++)
		text_addf(&ret, "%s%s", i ? " AND " : "", ids->at[i]);
	return ids->n ? text_take(&ret) : NULL;
}

char *license_classify(const char *text)
{
	CLEANUP(strings_done) struct strings ids = { 0 };

	return add_ids(text, &ids) ? expression_of(&ids) : NULL;
}

/* All files count: of a module with two of them both apply. *ret is NULL when one is unsure, or when there is none. */
static int read_directory(int fd, char **ret, struct error *err)
{
	CLEANUP(closedir_p) DIR *dir = fdopendir(fd);
	CLEANUP(strings_done) struct strings ids = { 0 };
	bool sure = true;
	unsigned n = 0;

	if (!dir) {
		close_p(&fd);
		return error_errno(err, errno, "list it");
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		CLEANUP(text_done) struct text text = { 0 };

		if (!gomod_is_license(e->d_name))
			continue;
		if (++n > LICENSE_FILES_MAX)
			return error_set(err, ERROR_FAILED, "it has more than %u licence files", LICENSE_FILES_MAX);
		if (file_read(dirfd(dir), e->d_name, LICENSE_TEXT_MAX, &text, err) < 0)
			return -1;
		sure = add_ids(text.data ? text.data : "", &ids) && sure;
	}
	*ret = sure ? expression_of(&ids) : NULL;
	return 0;
}

int licenses_read(const char *directory, const struct lock_component *c, struct licenses *ret, struct error *err)
{
	for (size_t i = 0; i < c->modules.n; i++) {
		const struct lock_module *m = &c->modules.at[i];
		CLEANUP(free_p) char *path = xasprintf("%s/%s@%s", directory, m->path, m->version);
		struct license license = { 0 };
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return error_errno(err, errno, "open %s", path);
		if (read_directory(fd, &license.expression, err) < 0)
			return error_wrap(err, "%s", path);
		license.path = xstrdup(m->path);
		license.version = xstrdup(m->version);
		vec_push(&ret->list, license);
	}
	return 0;
}

const char *licenses_find(const struct licenses *l, const char *path, const char *version)
{
	for (size_t i = 0; l && i < l->list.n; i++) {
		if (!strcmp(l->list.at[i].path, path) && !strcmp(l->list.at[i].version, version))
			return l->list.at[i].expression;
	}
	return NULL;
}

void licenses_done(struct licenses *l)
{
	for (size_t i = 0; i < l->list.n; i++) {
		free(l->list.at[i].path);
		free(l->list.at[i].version);
		free(l->list.at[i].expression);
	}
	vec_done(&l->list);
}
