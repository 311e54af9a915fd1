/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/toolchain/toolchain.h"

#include <stdlib.h>

#include "builder/lock/lock_fetch.h"
#include "builder/sandbox/sandbox.h"
#include "builder/tree/layer_cache.h"
#include "builder/tree/tree.h"
#include "lib/hash.h"

/* Raise when the same packages give another tree. */
#define TREE_FORMAT "1"

/* The cached tree is read only when something is compiled: speed before size. */
#define TOOLCHAIN_ZSTD_LEVEL 1

static void tree_key(const struct toolchain *t, char ret_hex[SHA256_HEX])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();
	char group[SHA256_HEX];

	lock_group_digest(t->lock, t->group, group);
	hash_field(h, "layer", lock_group_names[t->group]);
	hash_field(h, "format", TREE_FORMAT);
	hash_field(h, "packages", group);
	hash_hex(h, ret_hex);
}

static int make_tree(const struct toolchain *t, const char *key, struct error *err)
{
	struct tree_packages packages = { t->lock->group[t->group].at, t->lock->group[t->group].n };
	struct tree_configure configure = { .root = t->root, .line = t->line, .context = t->line_context };
	time_t started = time(NULL);

	if (lock_fetch_packages(t->lock, t->group, t->cache, err) < 0 ||
	    tree_unpack(t->root, packages, t->cache, false, 0, err) < 0 || tree_configure(&configure, err) < 0)
		return -1;
	return layer_cache_save(t->cache, key, t->root, started, TOOLCHAIN_ZSTD_LEVEL, NULL, err);
}

static uint64_t tree_need(const struct toolchain *t)
{
	uint64_t need = 0;

	for (size_t i = 0; i < t->lock->group[t->group].n; i++)
		need += t->lock->group[t->group].at[i].installed;
	return need + need / 4;
}

static int open_tree(struct toolchain *t, struct error *err)
{
	char key[SHA256_HEX];

	if (scratch_directory(&t->scratch, lock_group_names[t->group], &t->root, err) < 0)
		return -1;
	tree_key(t, key);
	int rc = layer_cache_load(t->cache, key, t->root, NULL, err);
	if (rc < 0)
		return -1;
	return rc ? 0 : make_tree(t, key, err);
}

int toolchain_open(struct toolchain *t, uint64_t need, struct error *err)
{
	t->scratch = (struct scratch){ .fd = -1 };
	if (scratch_open(t->cache, SCRATCH_AUTO, tree_need(t) + need, &t->scratch, err) < 0)
		return error_wrap(err, "the tree `%s` with the compilers", lock_group_names[t->group]);
	if (open_tree(t, err) < 0) {
		toolchain_close(t);
		return error_wrap(err, "the tree `%s` with the compilers", lock_group_names[t->group]);
	}
	return 0;
}

int toolchain_run(const struct toolchain *t, const struct toolchain_step *step, struct error *err)
{
	CLEANUP(sandbox_done)
	struct sandbox sandbox = { .root = t->root, .network = step->network, .unprivileged = step->unprivileged };
	CLEANUP(strings_done) struct strings argv = { 0 };
	struct process p = { .output = step->output, .line = t->line, .context = t->line_context };

	if (t->run)
		return t->run(t, step, err);
	if (step->directory) {
		strings_add_all(&argv, "env", "-C", NULL);
		strings_addf(&argv, TOOLCHAIN_WORK "/%s", step->directory);
	}
	strings_append(&argv, step->argv);
	p.argv = strings_argv(&argv);
	sandbox_binds_add(&sandbox.binds, step->work, TOOLCHAIN_WORK);
	if (step->binds)
		sandbox_binds_append(&sandbox.binds, step->binds);
	if (step->environment)
		strings_append(&sandbox.environment, step->environment);
	return sandbox_run(&sandbox, &p, err);
}

void toolchain_close(struct toolchain *t)
{
	scratch_close(&t->scratch);
	free(t->root);
	t->root = NULL;
}
