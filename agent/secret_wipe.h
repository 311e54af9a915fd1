/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Wipes secrets from files. They are overwritten in place with as many meaningless bytes, so no old block of
 * the file is left on the disk, and a program that reads the file (cloud-init at its next boot) finds it as
 * valid as before.
 *
 * A copy of user-data that cannot be searched, because it is compressed or because the secrets are no longer
 * known, is overwritten as a whole and truncated. cloud-init treats an empty copy as a missing one, and
 * writes it again as long as its source is attached.
 */
#include "agent/secrets.h"
#include "lib/error.h"

#define SECRET_WIPE_DEPTH_MAX 24
#define SECRET_WIPE_FILES_MAX 20000

struct secret_wipe {
	/* Borrowed; once they are zeroed, copies of user-data are truncated without a search. */
	const struct secrets *secrets;
	bool only_look;        /* change nothing: a secret that is found is an error */
	size_t files, changed; /* out: number of files seen, and of files overwritten */
};

/* A file, or a directory with everything below it. Symlinks are not followed; it is not an error when path
 * does not exist. */
int secret_wipe_path(int rootfd, const char *path, struct secret_wipe *w, struct error *err) MUST_CHECK;
/* The entries of a directory whose names begin with prefix. */
int secret_wipe_prefix(int rootfd, const char *directory, const char *prefix, struct secret_wipe *w, struct error *err)
	MUST_CHECK;
