/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/artifacts/artifacts_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/artifacts/rename_journal.h"
#include "builder/artifacts/sha256sums.h"
#include "builder/artifacts/signature.h"
#include "builder/artifacts/staging.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/log.h"

#define JOURNAL "commit"
#define JOURNAL_UNDO "undo"
#define JOURNAL_SIZE_MAX (RENAME_JOURNAL_STEPS_MAX * 512)
#define SUMS_STAGED "sums"

const char *const artifacts_suffixes[] = { "qcow2",     "tar.zst",         "tar", "manifest.json",
					   "spdx.json", "provenance.json", NULL };

static bool exists(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- publish ---- */

int artifacts_lock(const struct artifacts *o, struct error *err)
{
	while (flock(o->dirfd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "lock %s", o->directory);
	return 0;
}

/* The file is complete on the disk before its name exists. */
static int durable_write(int dirfd, const char *name, const struct text *text, struct error *err)
{
	CLEANUP(free_p) char *temporary = xasprintf("%s.new", name);

	unlinkat(dirfd, temporary, 0); /* of a build that was killed */
	CLEANUP(close_p) int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write_all(fd, text->data, text->len) < 0 || fsync(fd) < 0 ||
	    renameat(dirfd, temporary, dirfd, name) < 0 || fsync(dirfd) < 0)
		return error_errno(err, errno, "write %s", name);
	return 0;
}

static int read_sums(const struct artifacts *o, struct sha256sums *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (!exists(o->dirfd, ARTIFACTS_SUMS))
		return 0;
	if (file_read(o->dirfd, ARTIFACTS_SUMS, SHA256SUMS_SIZE_MAX, &text, err) < 0 ||
	    artifacts_check_others(o, &text, err) < 0)
		return -1;
	sha256sums_parse(text.data, ret);
	return 0;
}

/* Renames SHA256SUMS: the lines of other images stay, those of this image become what the journal says. *ret is its content. */
static int publish_sums(const struct artifacts *o, const struct rename_journal *j, struct text *ret, struct error *err)
{
	CLEANUP(sha256sums_done) struct sha256sums sums = { 0 };

	if (read_sums(o, &sums, err) < 0)
		return -1;
	for (size_t i = 0; artifacts_suffixes[i]; i++) {
		CLEANUP(free_p) char *name = xasprintf("%s.%s", o->name, artifacts_suffixes[i]);
		sha256sums_drop(&sums, name); /* also of a file that there is not */
	}
	for (size_t i = 0; i < j->step.n; i++) {
		const struct rename_journal_step *s = &j->step.at[i];
		if (s->action == RENAME_JOURNAL_RETIRE)
			sha256sums_drop(&sums, s->name);
		else
			sha256sums_set(&sums, s->name, s->sha256);
	}
	sha256sums_print(&sums, ret);
	if (durable_write(o->stagefd, SUMS_STAGED, ret, err) < 0)
		return -1;
	/* It signs the old file. */
	if (unlinkat(o->dirfd, SIGNATURE_FILE, 0) == 0)
		log_info("%s/%s: removed, as %s changes; `build --sign` signs it again", o->directory, SIGNATURE_FILE,
			 ARTIFACTS_SUMS);
	if (renameat(o->stagefd, SUMS_STAGED, o->dirfd, ARTIFACTS_SUMS) < 0)
		return error_errno(err, errno, "rename %s into place", ARTIFACTS_SUMS);
	return 0;
}

/* The rename of SHA256SUMS is the point of no return: nothing after it may fail. A journal that cannot
 * be removed, or whose removal might reach the disk before the renames do, stays; the next build then
 * repeats steps that are done already. */
static int execute(const struct artifacts *o, const struct rename_journal *j, struct text *ret_sums, struct error *err)
{
	if (rename_journal_forward(j, o->dirfd, o->stagefd, err) < 0 || publish_sums(o, j, ret_sums, err) < 0)
		return -1;
	if (fsync(o->dirfd) == 0)
		unlinkat(o->stagefd, JOURNAL, 0);
	return 0;
}

/* Plans one file. An existing entry of that name must be a file or symbolic link, because it is removed. */
static int plan_file(const struct artifacts *o, const struct artifact *file, struct rename_journal *ret,
		     struct error *err)
{
	struct stat st;

	if (fstatat(o->dirfd, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		rename_journal_add(ret, RENAME_JOURNAL_ADD, file->sha256, file->name);
		return 0;
	}
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return error_set(err, ERROR_FAILED, "%s exists and is not a file; move it elsewhere", file->name);
	rename_journal_add(ret, RENAME_JOURNAL_REPLACE, file->sha256, file->name);
	return 0;
}

static int plan_journal(const struct artifacts *o, struct rename_journal *ret, struct error *err)
{
	for (size_t i = 0; i < o->summed.n; i++)
		if (plan_file(o, &o->summed.at[i], ret, err) < 0)
			return -1;
	for (size_t i = 0; artifacts_suffixes[i]; i++) {
		CLEANUP(free_p) char *name = xasprintf("%s.%s", o->name, artifacts_suffixes[i]);
		if (!exists(o->stagefd, name) && exists(o->dirfd, name))
			rename_journal_add(ret, RENAME_JOURNAL_RETIRE, "", name);
	}
	return 0;
}

/* Restores the old state. Always returns -1 with the error that led here, to which a failure to restore is added. */
static int undo(const struct artifacts *o, const struct rename_journal *j, struct error *err)
{
	struct error second = { 0 };

	if (renameat(o->stagefd, JOURNAL, o->stagefd, JOURNAL_UNDO) < 0)
		return -1;
	if (rename_journal_back(j, o->dirfd, o->stagefd, &second) < 0)
		return error_wrap(err, "%s; the old artifacts are in %s, and the next build restores them", second.text,
				  o->stage);
	unlinkat(o->stagefd, JOURNAL_UNDO, 0);
	return -1;
}

static int publish_staged(struct artifacts *o, struct error *err)
{
	CLEANUP(rename_journal_done) struct rename_journal j = { 0 };
	CLEANUP(text_done) struct text text = { 0 };

	if (plan_journal(o, &j, err) < 0)
		return -1;
	rename_journal_print(&j, &text);
	if (durable_write(o->stagefd, JOURNAL, &text, err) < 0) {
		unlinkat(o->stagefd, JOURNAL, 0);
		return -1;
	}
	return execute(o, &j, &o->sums, err) < 0 ? undo(o, &j, err) : 0;
}

/* ---- what a killed build left ---- */

static int read_journal(const struct artifacts *o, const char *name, struct rename_journal *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (file_read(o->stagefd, name, JOURNAL_SIZE_MAX, &text, err) < 0)
		return -1;
	return rename_journal_parse(text.data, ret, err);
}

static int recover(const struct artifacts *o, struct error *err)
{
	CLEANUP(rename_journal_done) struct rename_journal j = { 0 };
	CLEANUP(text_done) struct text ignored = { 0 };

	if (exists(o->stagefd, JOURNAL_UNDO)) {
		if (read_journal(o, JOURNAL_UNDO, &j, err) < 0 ||
		    rename_journal_back(&j, o->dirfd, o->stagefd, err) < 0)
			return -1;
		unlinkat(o->stagefd, JOURNAL_UNDO, 0);
	} else if (exists(o->stagefd, JOURNAL)) {
		if (read_journal(o, JOURNAL, &j, err) < 0 || execute(o, &j, &ignored, err) < 0)
			return -1;
	}
	return tree_remove(o->dirfd, o->stage, err);
}

static int recover_locked(const struct artifacts *o, struct error *err)
{
	if (artifacts_lock(o, err) < 0)
		return -1;
	int rc = recover(o, err);
	flock(o->dirfd, LOCK_UN);
	if (rc < 0)
		return error_wrap(err, "complete an earlier build of %s that was killed (examine %s/%s, or remove it)",
				  o->name, o->directory, o->stage);
	return 0;
}

/* ---- the interface ---- */

/* Enters the staging directory; completes first what a killed build left in it. */
static int enter_staging(struct artifacts *o, struct error *err)
{
	bool made, busy;

	for (;;) {
		o->stagefd = staging_enter(o->dirfd, o->stage, &made, &busy, err);
		if (o->stagefd < 0 && busy)
			return error_set(err, ERROR_FAILED,
					 "another build is writing %s in %s; wait for it to end, or choose another "
					 "directory with --out",
					 o->name, o->directory);
		if (o->stagefd < 0)
			return error_wrap(err, "%s", o->directory);
		if (made)
			return 0;
		int rc = recover_locked(o, err);
		close(o->stagefd);
		o->stagefd = -1;
		if (rc < 0)
			return -1;
	}
}

int artifacts_open(const char *directory, const char *name, struct artifacts *ret, struct error *err)
{
	CLEANUP(artifacts_close) struct artifacts o = { .dirfd = -1, .stagefd = -1 };

	if (!*name || *name == '.' || strpbrk(name, "/\n\\"))
		return error_set(err, ERROR_USAGE,
				 "'%s' is not a valid image name; use letters, digits, '-', '_' and '.'", name);
	o.directory = xstrdup(directory);
	o.name = xstrdup(name);
	o.stage = xasprintf(".%s.stage", name);
	if (dir_make(AT_FDCWD, directory, 0755, err) < 0 || (o.dirfd = dir_open(AT_FDCWD, directory, err)) < 0 ||
	    file_check_own(o.dirfd, directory, S_IWOTH, err) < 0 || enter_staging(&o, err) < 0)
		return -1;
	*ret = TAKE(o);
	return 0;
}

int artifacts_file(const struct artifacts *o, const char *suffix, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.%s", o->name, suffix);
	int fd = openat(o->stagefd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return error_errno(err, errno, "create %s/%s/%s", o->directory, o->stage, name);
	return fd;
}

/* Removes the staging directory and its lock. A staging directory with a journal stays, because it may
 * hold the only copy of a file; the next artifacts_open() completes the journal. */
static void leave_staging(struct artifacts *o)
{
	struct error err = { 0 };

	if (o->stagefd < 0)
		return;
	/* Not a failure: the next build of the name removes what stays. */
	if (!exists(o->stagefd, JOURNAL) && !exists(o->stagefd, JOURNAL_UNDO) &&
	    tree_remove(o->dirfd, o->stage, &err) < 0)
		log_debug("%s", err.text);
	close(o->stagefd);
	o->stagefd = -1;
}

struct json *artifacts_json(const struct artifacts *o)
{
	struct json *list = json_array();

	for (size_t i = 0; i < o->summed.n; i++) {
		struct json *file = json_object();
		json_put_string(file, "file", o->summed.at[i].name);
		json_put_int(file, "size", (int64_t)o->summed.at[i].size);
		json_put_string(file, "sha256", o->summed.at[i].sha256);
		json_push(list, file);
	}
	return list;
}

int artifacts_publish(struct artifacts *o, struct error *err)
{
	if (artifacts_sum(o, err) < 0 || artifacts_lock(o, err) < 0)
		return error_wrap(err, "publish %s in %s", o->name, o->directory);
	int rc = publish_staged(o, err);
	flock(o->dirfd, LOCK_UN);
	leave_staging(o);
	return rc < 0 ? error_wrap(err, "publish %s in %s", o->name, o->directory) : 0;
}

void artifacts_close(struct artifacts *o)
{
	if (!o->name)
		return;
	leave_staging(o);
	for (size_t i = 0; i < o->summed.n; i++)
		free(o->summed.at[i].name);
	vec_done(&o->summed);
	close_p(&o->dirfd);
	text_done(&o->sums);
	free(o->keyring);
	free(o->stage);
	free(o->directory);
	free(o->name);
	*o = (struct artifacts){ .dirfd = -1, .stagefd = -1 };
}
