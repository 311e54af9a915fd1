/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/artifacts/rename_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/hash.h"

#define OLD "old/"

static const char *const action_names[] = { "add", "replace", "retire" };

void rename_journal_add(struct rename_journal *j, enum rename_journal_action action, const char *sha256,
			const char *name)
{
	struct rename_journal_step step = { .action = action, .name = xstrdup(name) };

	snprintf(step.sha256, sizeof step.sha256, "%s", sha256);
	vec_push(&j->step, step);
}

void rename_journal_done(struct rename_journal *j)
{
	for (size_t i = 0; i < j->step.n; i++)
		free(j->step.at[i].name);
	vec_done(&j->step);
}

/* ---- as text ---- */

void rename_journal_print(const struct rename_journal *j, struct text *ret)
{
	for (size_t i = 0; i < j->step.n; i++) {
		const struct rename_journal_step *s = &j->step.at[i];
		text_addf(ret, "%s %s %s\n", action_names[s->action], *s->sha256 ? s->sha256 : "-", s->name);
	}
}

/* False for a line that rename_journal_print() would not write. */
static bool parse_line(char *line, struct rename_journal *j)
{
	const char *word = strsep(&line, " "), *sha256 = strsep(&line, " ");
	bool hashed = sha256 && strspn(sha256, "0123456789abcdef") == SHA256_HEX - 1 && !sha256[SHA256_HEX - 1];

	if (!sha256 || !line || !*line || *line == '.' || strchr(line, '/') || j->step.n == RENAME_JOURNAL_STEPS_MAX)
		return false;
	for (enum rename_journal_action a = RENAME_JOURNAL_ADD; a <= RENAME_JOURNAL_RETIRE; a++) {
		if (strcmp(word, action_names[a]))
			continue;
		rename_journal_add(j, a, hashed ? sha256 : "", line);
		return hashed == (a != RENAME_JOURNAL_RETIRE);
	}
	return false;
}

int rename_journal_parse(const char *text, struct rename_journal *ret, struct error *err)
{
	CLEANUP(rename_journal_done) struct rename_journal j = { 0 };
	CLEANUP(free_p) char *copy = xstrdup(text);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (*line && !parse_line(line, &j))
			return error_set(err, ERROR_FAILED, "line '%s' is not a step of a journal", line);
	*ret = TAKE(j);
	return 0;
}

/* ---- executed ---- */

struct places {
	int dirfd, stagefd;
};

static bool exists(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int move(int from, const char *old, int to, const char *new, struct error *err)
{
	if (renameat(from, old, to, new) < 0)
		return error_errno(err, errno, "rename %s to %s", old, new);
	return 0;
}

/* A hard link, so that the name always has a file; where the file system has no hard links (vfat, some
 * network file systems), a rename. ENOENT and EEXIST are no errors: the step was begun before. */
static int keep_old(const struct places *p, const char *name, const char *old, struct error *err)
{
	if (linkat(p->dirfd, name, p->stagefd, old, 0) == 0 || errno == EEXIST || errno == ENOENT)
		return 0;
	return move(p->dirfd, name, p->stagefd, old, err);
}

static int step_forward(const struct rename_journal_step *s, const struct places *p, struct error *err)
{
	CLEANUP(free_p) char *old = xasprintf(OLD "%s", s->name);

	if (s->action == RENAME_JOURNAL_RETIRE)
		return exists(p->dirfd, s->name) ? move(p->dirfd, s->name, p->stagefd, old, err) : 0;
	if (!exists(p->stagefd, s->name))
		return 0; /* done before */
	if (s->action == RENAME_JOURNAL_REPLACE && keep_old(p, s->name, old, err) < 0)
		return -1;
	return move(p->stagefd, s->name, p->dirfd, s->name, err);
}

static int step_back(const struct rename_journal_step *s, const struct places *p, struct error *err)
{
	CLEANUP(free_p) char *old = xasprintf(OLD "%s", s->name);

	if (s->action != RENAME_JOURNAL_ADD)
		return exists(p->stagefd, old) ? move(p->stagefd, old, p->dirfd, s->name, err) : 0;
	if (exists(p->stagefd, s->name) || unlinkat(p->dirfd, s->name, 0) == 0 || errno == ENOENT)
		return 0;
	return error_errno(err, errno, "remove %s", s->name);
}

int rename_journal_forward(const struct rename_journal *j, int dirfd, int stagefd, struct error *err)
{
	struct places places = { dirfd, stagefd };

	if (mkdirat(stagefd, OLD, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "create the directory for old artifacts");
	for (size_t i = 0; i < j->step.n; i++)
		if (step_forward(&j->step.at[i], &places, err) < 0)
			return -1;
	return 0;
}

int rename_journal_back(const struct rename_journal *j, int dirfd, int stagefd, struct error *err)
{
	struct places places = { dirfd, stagefd };

	for (size_t i = j->step.n; i-- > 0;)
		if (step_back(&j->step.at[i], &places, err) < 0)
			return -1;
	return 0;
}
