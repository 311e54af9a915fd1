/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Secrets out of files. They are overwritten in place, with as many bytes that mean nothing: so no old block of the file is left
 * behind on the disk, and whoever reads the file (cloud-init at its next boot) finds it as valid as before.
 *
 * A copy of user-data in which nothing can be found, because it is compressed or because nobody knows the secrets any more, is
 * overwritten as a whole and emptied. cloud-init takes an empty one for none, and makes it again as long as its source is there.
 */
#include "agent/secrets.h"
#include "lib/error.h"

#define SECRET_WIPE_DEPTH_MAX 24
#define SECRET_WIPE_FILES_MAX 20000

struct secret_wipe {
	const struct secrets *secrets; /* borrowed; once they are zeroed, copies of user-data are emptied unseen */
	bool only_look;                /* change nothing: a secret that is found is an error */
	size_t files, changed;         /* out: seen, and overwritten */
};

/* A file, or a directory with all below it; links are not followed, and nothing there is fine. */
int secret_wipe_path(int rootfd, const char *path, struct secret_wipe *w, struct error *err) MUST_CHECK;
/* The entries of a directory whose names begin with prefix. */
int secret_wipe_prefix(int rootfd, const char *directory, const char *prefix, struct secret_wipe *w, struct error *err)
	MUST_CHECK;
