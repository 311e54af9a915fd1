/* SPDX-License-Identifier: Apache-2.0 */
/* What `build --sign` may sign: the lines of the image that it made, and those that the same key has signed before. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "builder/artifacts/artifacts_internal.h"
#include "builder/artifacts/sha256sums.h"
#include "builder/artifacts/signature.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/hash.h"
#include "lib/log.h"

#define KEYRING ".keyring" /* hidden: no artifact */

static bool is_own(const struct artifacts *o, const char *name)
{
	size_t n = strlen(o->name);

	if (strncmp(name, o->name, n) != 0 || name[n] != '.')
		return false;
	for (size_t i = 0; artifacts_suffixes[i]; i++)
		if (!strcmp(name + n + 1, artifacts_suffixes[i]))
			return true;
	return false;
}

static const char *line_of_another(const struct artifacts *o, const struct sha256sums *sums)
{
	for (size_t i = 0; i < sums->line.n; i++)
		if (!is_own(o, sums->line.at[i].name))
			return sums->line.at[i].name;
	return NULL;
}

int artifacts_check_others(const struct artifacts *o, const struct text *text, struct error *err)
{
	CLEANUP(sha256sums_done) struct sha256sums sums = { 0 };
	struct error reason = { 0 };

	if (!o->keyring || !text->len)
		return 0;
	sha256sums_parse(text->data, &sums);
	const char *other = line_of_another(o, &sums);
	if (!other || signature_check(o->directory, o->keyring, text->data, text->len, &reason) == 0)
		return 0;
	log_debug("%s", reason.text);
	return error_set(
		err, ERROR_TRUST,
		"--sign: %s/" ARTIFACTS_SUMS " has a line for %s, which is of another image, and no good signature "
		"by this key covers it; build %s into a directory of its own (--out), or remove the lines of other "
		"images and build those again with --sign, too",
		o->directory, other, o->name);
}

static int read_sums(const struct artifacts *o, struct text *ret, struct error *err)
{
	if (faccessat(o->dirfd, ARTIFACTS_SUMS, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return file_read(o->dirfd, ARTIFACTS_SUMS, SHA256SUMS_SIZE_MAX, ret, err);
}

/* Early: a build takes minutes. */
int artifacts_sign(struct artifacts *o, const struct text *keyring, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (file_write(o->stagefd, KEYRING, keyring->data, keyring->len, 0600, err) < 0 || artifacts_lock(o, err) < 0)
		return -1;
	free(o->keyring);
	o->keyring = xasprintf("%s/%s/" KEYRING, o->directory, o->stage);
	int rc = read_sums(o, &text, err);
	if (rc == 0)
		rc = artifacts_check_others(o, &text, err);
	flock(o->dirfd, LOCK_UN);
	return rc;
}

/* A file without a line is as wrong as one with another digest. */
static bool has_digest(const struct artifacts *o, const char *name, const char *sha256)
{
	CLEANUP(close_p) int fd = openat(o->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct error ignored = { 0 };
	char got[SHA256_HEX];

	if (fd < 0)
		return errno == ENOENT && !sha256;
	return sha256 && sha256_fd(fd, got, &ignored) == 0 && !strcmp(got, sha256);
}

bool artifacts_are_signed(const struct artifacts *o)
{
	CLEANUP(sha256sums_done) struct sha256sums sums = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error reason = { 0 };

	if (artifacts_lock(o, &reason) < 0)
		return false;
	bool is_good = read_sums(o, &text, &reason) == 0 &&
		       signature_check(o->directory, o->keyring, text.len ? text.data : "", text.len, &reason) == 0;
	flock(o->dirfd, LOCK_UN);
	if (!is_good)
		log_debug("%s", reason.text);
	sha256sums_parse(text.len ? text.data : "", &sums);
	for (size_t i = 0; is_good && artifacts_suffixes[i]; i++) {
		CLEANUP(free_p) char *name = xasprintf("%s.%s", o->name, artifacts_suffixes[i]);
		is_good = has_digest(o, name, sha256sums_find(&sums, name));
	}
	return is_good;
}
