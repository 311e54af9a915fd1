/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "builder/artifacts/artifacts.h"
#include "builder/artifacts/signature.h"
#include "builder/cache/cache.h"
#include "builder/cmd/command.h"
#include "builder/cmd/interrupt.h"
#include "builder/cmd/progress_options.h"
#include "builder/pipeline/build.h"
#include "builder/recipe/recipe.h"
#include "builder/sandbox/rootless.h"
#include "builder/sandbox/sandbox.h"
#include "lib/alloc.h"
#include "lib/file.h"

#define TIMINGS_COLUMNS 120 /* when stdout is not a terminal */
#define TIDY_TRIES 30
#define TIDY_PAUSE 100000000 /* nanoseconds */

static struct build_options build = { .out = "out" };
static const char *scratch, *lock_file, *sign;
static bool locked, timings;
static struct progress_options shown;

static const struct option_spec options[] = {
	{ "--out", OPTION_VALUE, &build.out, "DIR", "directory of the artifacts (default: out)" },
	{ "--set", OPTION_LIST, &build.set, "KEY=VALUE", "override a key of the recipe, e.g. disk.size=20G" },
	{ "--mirror", OPTION_URL, &build.mirror.archive, "URL",
	  "the distribution's mirror (default: the recipe's, else the host's)" },
	{ "--security-mirror", OPTION_URL, &build.mirror.security, "URL",
	  "the mirror of its security updates (default: the recipe's, else next to --mirror, as URL-security)" },
	{ "--locked", OPTION_FLAG, &locked, NULL, "use exactly the packages that NAME.lock.json lists" },
	{ "--lock", OPTION_VALUE, &lock_file, "FILE", "like --locked, with this lock file" },
	{ "--update", OPTION_FLAG, &build.update, NULL, "refresh the package indices first" },
	{ "--offline", OPTION_FLAG, &build.offline, NULL, "use only the cache, in a process without a network" },
	{ "--force", OPTION_FLAG, &build.force, NULL, "build even when nothing changed" },
	{ "--scratch", OPTION_VALUE, &scratch, "auto|memory|disk",
	  "where the build works; auto (default): in memory when there is enough" },
	{ "--sign", OPTION_VALUE, &sign, "KEY",
	  "sign SHA256SUMS with this key of gpg: a fingerprint, a key id or a user id" },
	{ "--timings", OPTION_FLAG, &timings, NULL,
	  "print at the end when each phase ran, with its wall and CPU seconds" },
	PROGRESS_OPTIONS(shown, "print the output of dpkg and compilers too"),
	{ 0 },
};

static int read_scratch(struct error *err)
{
	for (int i = 0; scratch && scratch_names[i]; i++)
		if (text_same(scratch, scratch_names[i])) {
			build.scratch = (enum scratch_kind)i;
			return 0;
		}
	return scratch ? error_set(err, ERROR_USAGE, "--scratch %s: it must be auto, memory or disk", scratch) : 0;
}

/* Not with --json: the manifest has the timings. */
static void print_timings(void)
{
	CLEANUP(timings_done) struct timings waterfall = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct winsize size = { 0 };

	/* A terminal may not know its width. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		size.ws_col = TIMINGS_COLUMNS;
	progress_timings(&waterfall);
	timings_text(&waterfall, size.ws_col, &text);
	command_print(&text);
}

static int choose_lock(struct error *err)
{
	struct recipe recipe;

	build.lock = lock_file;
	if (!locked || lock_file)
		return 0;
	if (recipe_load_with(build.recipe, &build.set, &recipe, err) < 0)
		return -1;
	build.lock = lock_default_path(&recipe);
	recipe_done(&recipe);
	return 0;
}

/* job_fn */
static int build_image(void *context UNUSED, struct error *err)
{
	if (rootless_enter(err) < 0)
		return -1;
	if (build.offline && sandbox_no_network(err) < 0)
		return error_wrap(err, "--offline");
	if (choose_lock(err) < 0)
		return -1;
	progress_options_open(&shown);
	int rc = build_run(&build, err);
	if (rc < 0)
		progress_failure(err);
	else if (timings && !shown.json)
		print_timings();
	progress_close();
	fflush(stdout); /* a job ends without it */
	return rc;
}

static void signing_done(struct build_signing *signing)
{
	text_done(&signing->keyring);
	close_p(&signing->sums);
}

static int signing_begin(struct build_signing *signing, struct error *err)
{
	if (signature_keyring(sign, &signing->keyring, err) < 0)
		return -1;
	if ((signing->sums = memfd_create(ARTIFACTS_SUMS, MFD_CLOEXEC)) < 0)
		return error_errno(err, errno, "make a file in memory");
	build.signing = signing;
	return 0;
}

/* The bytes that the build wrote to SHA256SUMS, not what the file has now. */
static int sign_sums(int fd, struct error *err)
{
	CLEANUP(text_done) struct text sums = { 0 };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "read what is to be signed");
	if (!st.st_size)
		return 0;
	CLEANUP(free_p) char *bytes = xmalloc((size_t)st.st_size);
	if (pread_all(fd, bytes, (size_t)st.st_size, 0) < 0)
		return error_errno(err, errno, "read what is to be signed");
	text_addn(&sums, bytes, (size_t)st.st_size);
	return signature_make(build.out, sign, &sums, err);
}

/* What the beginning of a build does about one that was killed, whose processes may still be ending. context: whether the output
 * directory is to stay. job_fn */
static int tidy(void *context, struct error *err)
{
	const bool *stays = context;
	CLEANUP(recipe_done) struct recipe recipe = { 0 };
	CLEANUP(artifacts_close) struct artifacts outputs = { .dirfd = -1, .stagefd = -1 };
	CLEANUP(cache_close) struct cache cache = { .fd = -1 };
	int rc = -1;

	if (rootless_enter(err) < 0 || recipe_load_with(build.recipe, &build.set, &recipe, err) < 0)
		return -1;
	for (int i = 0; i < TIDY_TRIES && rc < 0; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = TIDY_PAUSE }, NULL);
		rc = artifacts_open(build.out, recipe.name, &outputs, err);
	}
	artifacts_close(&outputs);
	if (!*stays)
		rmdir(build.out); /* unless something is in it */
	return cache_open(&cache, err) < 0 ? -1 : rc;
}

/* The build is a job: it is ended as a whole when it is interrupted, and gpg and its agent run as the user outside of its
 * namespaces. */
static int build_in_job(struct error *err)
{
	static const char words[] =
		"the output directory is as it was, or has all new artifacts; nothing else is left of the build";
	CLEANUP(signing_done) struct build_signing signing = { .sums = -1 };
	bool there = access(build.out, F_OK) == 0;

	if (sign && signing_begin(&signing, err) < 0)
		return -1;
	if (interrupt_run(build_image, tidy, &there, words, err) < 0)
		return -1;
	return sign ? sign_sums(signing.sums, err) : 0;
}

static int check_options(struct error *err)
{
	struct stat st;

	if (read_scratch(err) < 0)
		return -1;
	if (build.offline && build.update)
		return error_set(err, ERROR_USAGE, "--offline and --update exclude each other");
	if (stat(build.out, &st) == 0 && !S_ISDIR(st.st_mode))
		return error_set(err, ERROR_USAGE, "--out %s: it is a file; the artifacts need a directory", build.out);
	return 0;
}

static int run(int argc, char **argv, struct error *err)
{
	build.recipe = argc ? argv[0] : RECIPE_DEFAULT;
	if (check_options(err) < 0)
		return -1;
	/* The modes of files in a tree do not depend on the caller's umask. */
	umask(022);
	int rc = build_in_job(err);
	strings_done(&build.set);
	return rc;
}

static const char *const examples[] = { "nodekiln build debian-13 --out images",
					"nodekiln build debian-13 --set kubernetes.version=1.34 --set disk.size=8G",
					"nodekiln build debian-13 --locked --offline",
					"nodekiln build debian-13 --sign builds@example.com", NULL };

const struct command command_build = {
	.name = "build",
	.arguments = "[RECIPE]",
	.summary = "make a recipe's VM template and LXC tarball",
	.description =
		"RECIPE (default: " RECIPE_DEFAULT
		") is the name of an installed recipe or a file; see nodekiln-recipe(5). All "
		"artifacts appear together in the output directory, or none does. A build that is interrupted leaves "
		"nothing that has to be cleaned up.\n"
		"Packages are downloaded into a cache, which also keeps the configured trees: a build that changes "
		"only an overlay starts from them, and one that changes nothing does nothing.\n"
		"root is not required: a normal user with subordinate ids builds the same bits in a user namespace.",
	.examples = examples,
	.options = options,
	.max = 1,
	.run = run,
};
