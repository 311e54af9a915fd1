/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A toolchain whose programs are not run: each step becomes a line "DIRECTORY: ARGUMENTS" of fake_steps, and gets what
 * fake_answer() says as its output.
 */
#include "builder/toolchain/toolchain.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/own_cache.h"

static struct text fake_steps;
/* Set by a test: appends the output of a command line, or fails. May be NULL. */
static int (*fake_answer)(const struct toolchain_step *step, const char *line, struct error *err);

static int fake_run(const struct toolchain *t UNUSED, const struct toolchain_step *step, struct error *err)
{
	CLEANUP(text_done) struct text line = { 0 };

	for (size_t i = 0; i < step->argv->n; i++)
		text_addf(&line, "%s%s", i ? " " : "", step->argv->at[i]);
	text_addf(&fake_steps, "%s: %s\n", step->directory, line.data);
	return fake_answer ? fake_answer(step, line.data, err) : 0;
}

/* scratch: an existing directory. */
UNUSED static struct toolchain fake_toolchain(char *scratch, const struct lock *lock, struct cache *cache)
{
	text_done(&fake_steps);
	fake_steps = (struct text){ 0 };
	return (struct toolchain){
		.group = LOCK_TOOLCHAIN, .scratch = { .path = scratch }, .lock = lock, .cache = cache, .run = fake_run
	};
}

/* A file with this text in the cache, as a file of a lock. */
UNUSED static struct lock_file fake_cached(struct cache *cache, const char *root, const char *name, const char *text)
{
	struct lock_file file = { .name = xstrdup(name), .url = xasprintf("file://%s/%s", root, name) };
	CLEANUP(free_p) char *path = xasprintf("/%s", name);
	struct error err = { 0 };

	fake_put(root, path, text);
	file.sha256 = xcalloc(1, SHA256_HEX);
	sha256_hex(text, strlen(text), file.sha256);
	struct cache_want want = { file.name, file.url, file.sha256, 0, false };
	if (cache_fetch(cache, &want, 1, NULL, NULL, &err) < 0)
		printf("# %s\n", err.text);
	return file;
}
