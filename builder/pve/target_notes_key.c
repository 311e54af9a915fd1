/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs the notes of templates: a file next to the target's, or a variable of the environment. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "builder/pve/note.h"
#include "builder/pve/target.h"
#include "lib/file.h"
#include "lib/random.h"
#include "lib/validate.h"

#define FILE_MAX 4096

static const char *name_of(const struct target *t)
{
	return t->notes_key_file ? t->notes_key_file : TARGET_NOTES_KEY_FILE;
}

char *target_notes_key_place(const struct target *t)
{
	return t->notes_key_env ? xasprintf("the environment's %s", t->notes_key_env) : target_path_of(t, name_of(t));
}

static int take(struct target *t, char *text, const char *place, struct error *err)
{
	const char *word = text_trim(text);

	if (!hex_is_valid(word, NOTE_KEY_HEX))
		return error_set(err, ERROR_INPUT,
				 "%s is not a key of notes: 64 hex digits, as `openssl rand -hex 32` prints them",
				 place);
	t->notes_key = xstrdup(word);
	return 0;
}

static int read_env(struct target *t, const char *place, struct error *err)
{
	char *value = getenv(t->notes_key_env);

	if (!value || !*value)
		return error_set(
			err, ERROR_INPUT,
			"%s: the environment has no %s; it must hold the key that signs the notes of templates",
			t->file, t->notes_key_env);
	int rc = take(t, value, place, err);
	explicit_bzero(value, strlen(value));
	unsetenv(t->notes_key_env);
	return rc;
}

static int read_fd(struct target *t, int fd, const char *path, struct error *err)
{
	char text[FILE_MAX + 1] = { 0 };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "stat %s", path);
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)))
		return error_set(
			err, ERROR_USAGE,
			"%s can be read by others (mode %04o); chmod 0600 it, and if others are on this machine "
			"remove it and publish again",
			path, (unsigned)st.st_mode & 07777);
	if (st.st_size > FILE_MAX || pread_all(fd, text, (size_t)st.st_size, 0) < 0)
		return error_set(err, ERROR_INPUT, "%s cannot be read as a key of notes", path);
	int rc = take(t, text, path, err);
	explicit_bzero(text, sizeof text);
	return rc;
}

/* A link, so that of two publishers that make it at once, both read the one that was first. */
static int make_file(const char *path, bool *ret_made, struct error *err)
{
	CLEANUP(free_p) char *name = xasprintf("%s.XXXXXX", path);
	char line[NOTE_KEY_HEX + 2];
	CLEANUP(close_p) int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "make %s, the key that signs the notes of templates", path);
	random_word("0123456789abcdef", NOTE_KEY_HEX, line);
	memcpy(line + NOTE_KEY_HEX, "\n", 2);
	int rc = write_all(fd, line, NOTE_KEY_HEX + 1) < 0 || fsync(fd) < 0 ? -1 : link(name, path), why = errno;
	explicit_bzero(line, sizeof line);
	unlink(name);
	*ret_made = rc == 0;
	return rc == 0 || why == EEXIST ? 0 : error_errno(err, why, "make %s", path);
}

static int read_file(struct target *t, const char *path, bool make, bool *ret_made, struct error *err)
{
	for (;;) {
		CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			return read_fd(t, fd, path, err);
		if (errno != ENOENT)
			return error_errno(err, errno, "open %s", path);
		if (!make)
			return 0;
		if (make_file(path, ret_made, err) < 0)
			return -1;
	}
}

int target_open_notes_key(struct target *t, bool make, char **ret_made, struct error *err)
{
	CLEANUP(free_p) char *place = target_notes_key_place(t);
	bool made = false;

	*ret_made = NULL;
	if (t->notes_key_env)
		return read_env(t, place, err);
	if (read_file(t, place, make, &made, err) < 0)
		return -1;
	if (made)
		*ret_made = TAKE(place);
	return 0;
}
