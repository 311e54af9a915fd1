/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/artifacts/signature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "builder/artifacts/artifacts.h"
#include "builder/artifacts/sha256sums.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/process.h"

#define KEYRING_MAX (16 << 20)
#define ARMOR "-----BEGIN PGP"

int signature_key_check(const char *key, struct error *err)
{
	char *argv[] = {
		(char *)"gpg", (char *)"--batch", (char *)"--list-secret-keys", (char *)"--", (char *)key, NULL
	};
	CLEANUP(text_done) struct text ignored = { 0 };

	if (process_run(&(struct process){ .argv = argv, .output = &ignored, .failure = ERROR_TRUST }, err) < 0)
		return error_wrap(err, "--sign %s: gpg has no such secret key", key);
	return 0;
}

static int sign(const char *key, const struct text *sums, struct text *ret, struct error *err)
{
	char *argv[] = { (char *)"gpg",          (char *)"--quiet", (char *)"--batch",
			 (char *)"--local-user", (char *)key,       (char *)"--detach-sign",
			 (char *)"--output",     (char *)"-",       NULL };

	return process_run(&(struct process){ .argv = argv,
					      .name = "gpg (sign " ARTIFACTS_SUMS ")",
					      .input = sums->data,
					      .input_len = sums->len,
					      .output = ret,
					      .failure = ERROR_TRUST },
			   err);
}

/* The lock keeps other builds from changing SHA256SUMS until its signature is there. */
int signature_make(const char *directory, const char *key, struct error *err)
{
	CLEANUP(close_p) int dirfd = dir_open(AT_FDCWD, directory, err);
	CLEANUP(text_done) struct text sums = { 0 }, signature = { 0 };

	if (dirfd < 0)
		return -1;
	while (flock(dirfd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "lock %s", directory);
	if (file_read(dirfd, ARTIFACTS_SUMS, SHA256SUMS_SIZE_MAX, &sums, err) < 0 ||
	    sign(key, &sums, &signature, err) < 0)
		return -1;
	return file_write(dirfd, SIGNATURE_FILE, signature.data, signature.len, 0644, err);
}

/* gpgv takes an armored keyring for an empty one, and a name without a slash for a file in its home. */
static int find_keyring(const char *keyring, char **ret_path, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (input_read(keyring, KEYRING_MAX, &text, err) < 0)
		return error_wrap(err, "--keyring");
	if (text.len && text_starts(text.data, ARMOR))
		return error_set(err, ERROR_INPUT, "--keyring %s: it is armored; convert it with gpg --dearmor",
				 keyring);
	*ret_path = realpath(keyring, NULL);
	return *ret_path ? 0 : error_errno(err, errno, "--keyring %s", keyring);
}

/* By gpgv's status lines: of a key that has expired or was revoked it says EXPKEYSIG or REVKEYSIG instead. */
static bool is_good(const char *status)
{
	static const char good[] = "[GNUPG:] GOODSIG ";
	const char *found = strstr(status, good);

	return found && (found == status || found[-1] == '\n');
}

int signature_check(const char *directory, const char *keyring, const char *sums, size_t len, struct error *err)
{
	CLEANUP(free_p) char *path = NULL, *signature = xasprintf("%s/" SIGNATURE_FILE, directory);
	CLEANUP(text_done) struct text status = { 0 };

	if (find_keyring(keyring, &path, err) < 0)
		return -1;
	if (access(signature, R_OK) < 0)
		return error_set(err, ERROR_TRUST, ARTIFACTS_SUMS " is not signed: there is no %s", signature);
	char *argv[] = { (char *)"gpgv", (char *)"--status-fd", (char *)"1", (char *)"--keyring", path,
			 signature,      (char *)"-",           NULL };
	struct process gpgv = {
		.argv = argv, .input = sums, .input_len = len, .output = &status, .failure = ERROR_TRUST
	};
	if (process_run(&gpgv, err) < 0)
		return error_wrap(err, "the signature of " ARTIFACTS_SUMS " by %s is not good", keyring);
	if (!is_good(status.len ? status.data : ""))
		return error_set(err, ERROR_TRUST,
				 "the signature of " ARTIFACTS_SUMS
				 " is by a key of %s that has expired or was revoked",
				 keyring);
	return 0;
}
