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
#define FINGERPRINT_FIELD 10 /* of the fields of a record fpr, from 1 */
#define ARMOR "-----BEGIN PGP"

/* The fingerprints of the keys in gpg's list (doc/DETAILS of GnuPG): a record fpr follows each sec, and also each subkey. */
static void add_fingerprints(char *list, struct strings *ret)
{
	char *line, *rest = list, *field;
	bool is_primary = false;

	while ((line = strsep(&rest, "\n"))) {
		if (text_starts(line, "sec:"))
			is_primary = true;
		if (!is_primary || !text_starts(line, "fpr:"))
			continue;
		for (int i = 1; i < FINGERPRINT_FIELD && strsep(&line, ":"); i++)
			;
		field = strsep(&line, ":");
		if (field && *field)
			strings_add(ret, field);
		is_primary = false;
	}
}

int signature_keyring(const char *key, struct text *ret, struct error *err)
{
	char *list_argv[] = { (char *)"gpg",
			      (char *)"--batch",
			      (char *)"--with-colons",
			      (char *)"--list-secret-keys",
			      (char *)"--",
			      (char *)key,
			      NULL };
	CLEANUP(text_done) struct text list = { 0 };
	CLEANUP(strings_done) struct strings argv = { 0 };

	if (process_run(&(struct process){ .argv = list_argv, .output = &list, .failure = ERROR_TRUST }, err) < 0)
		return error_wrap(err, "--sign %s: gpg has no such secret key", key);
	strings_add_all(&argv, "gpg", "--batch", "--export", NULL);
	size_t fixed = argv.n;
	if (list.len)
		add_fingerprints(list.data, &argv);
	if (argv.n == fixed)
		return error_set(err, ERROR_TRUST, "--sign %s: gpg has no such secret key", key);
	if (process_run(&(struct process){ .argv = strings_argv(&argv),
					   .name = "gpg --export",
					   .output = ret,
					   .failure = ERROR_TRUST },
			err) < 0)
		return -1;
	return ret->len ? 0 : error_set(err, ERROR_TRUST, "--sign %s: gpg exports no public key for it", key);
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
int signature_make(const char *directory, const char *key, const struct text *sums, struct error *err)
{
	CLEANUP(close_p) int dirfd = dir_open(AT_FDCWD, directory, err);
	CLEANUP(text_done) struct text found = { 0 }, signature = { 0 };

	if (dirfd < 0)
		return -1;
	while (flock(dirfd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "lock %s", directory);
	if (file_read(dirfd, ARTIFACTS_SUMS, SHA256SUMS_SIZE_MAX, &found, err) < 0)
		return -1;
	if (found.len != sums->len || memcmp(found.data, sums->data, sums->len) != 0)
		return error_set(err, ERROR_TRUST,
				 "%s/" ARTIFACTS_SUMS " was changed after the build had written it, and is not signed; "
				 "build the image again",
				 directory);
	if (sign(key, sums, &signature, err) < 0)
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
