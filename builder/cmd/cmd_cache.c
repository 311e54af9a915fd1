/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "builder/cache/cache_prune.h"
#include "builder/cmd/command.h"
#include "builder/sandbox/rootless.h"
#include "lib/json.h"

static const char *max;
static bool as_json;

static const struct option_spec options[] = {
	{ "--max", OPTION_VALUE, &max, "SIZE",
	  "prune: the size to keep, e.g. 2G; 0 removes everything (default: $NODEKILN_CACHE_MAX, else 30G)" },
	{ "--json", OPTION_FLAG, &as_json, NULL, "print one JSON object" },
	{ 0 },
};

static int read_limit(uint64_t *ret, struct error *err)
{
	unsigned long long bytes;

	if (!max)
		return cache_limit(ret, err);
	if (!text_size(max, &bytes))
		return error_set(err, ERROR_USAGE, "--max %s: it must be a size, such as 2G or 0", max);
	*ret = bytes;
	return 0;
}

static void print_text(const struct cache *cache, const struct cache_usage *usage, uint64_t limit, uint64_t removed)
{
	size_t count;

	for (const char *const *kind = cache_kinds; *kind; kind++) {
		uint64_t bytes = cache_usage_bytes(usage, *kind, &count);
		printf("%-10s %10s  %zu\n", *kind, text_bytes(bytes), count);
	}
	printf("%-10s %10s  in %s, at most %s\n", "total", text_bytes(cache_usage_bytes(usage, NULL, &count)),
	       cache->path, text_bytes(limit));
	if (removed)
		printf("%-10s %10s\n", "removed", text_bytes(removed));
}

static void print_json(const struct cache *cache, const struct cache_usage *usage, uint64_t limit, uint64_t removed)
{
	CLEANUP(json_free_p) struct json *all = json_object();
	CLEANUP(text_done) struct text text = { 0 };
	size_t count;

	json_put_string(all, "path", cache->path);
	json_put_int(all, "bytes", (int64_t)cache_usage_bytes(usage, NULL, &count));
	json_put_int(all, "limit", (int64_t)limit);
	json_put_int(all, "removed", (int64_t)removed);
	for (const char *const *kind = cache_kinds; *kind; kind++) {
		struct json *one = json_object();
		json_put_int(one, "bytes", (int64_t)cache_usage_bytes(usage, *kind, &count));
		json_put_int(one, "entries", (int64_t)count);
		json_put(all, *kind, one);
	}
	json_print(all, true, &text);
	command_print(&text);
}

static int prune(struct cache *cache, uint64_t limit, uint64_t *ret_removed, struct error *err)
{
	int rc = cache_prune(cache, limit, ret_removed, err);

	if (rc == 0)
		return error_set(err, ERROR_FAILED,
				 "another nodekiln process uses the cache %s, so nothing was removed; try again when "
				 "it has ended",
				 cache->path);
	return rc < 0 ? rc : 0;
}

static int run(int argc, char **argv, struct error *err)
{
	CLEANUP(cache_close) struct cache cache = { .fd = -1 };
	CLEANUP(cache_usage_done) struct cache_usage usage = { 0 };
	struct error ignored = { 0 };
	uint64_t limit, removed = 0;

	if (argc && strcmp(argv[0], "prune"))
		return error_set(err, ERROR_USAGE, "cache %s: the only argument is prune", argv[0]);
	/* Files of a build without root may belong to subordinate ids, which only their user namespace can remove. */
	if (rootless_subordinate(&ignored) && rootless_enter(err) < 0)
		return -1;
	if (read_limit(&limit, err) < 0 || cache_open(&cache, err) < 0 ||
	    (argc && prune(&cache, limit, &removed, err) < 0) || cache_usage_read(&cache, &usage, err) < 0)
		return -1;
	if (as_json)
		print_json(&cache, &usage, limit, removed);
	else
		print_text(&cache, &usage, limit, removed);
	return 0;
}

static const char *const examples[] = { "nodekiln cache", "nodekiln cache prune --max 2G", NULL };

const struct command command_cache = {
	.name = "cache",
	.arguments = "[prune]",
	.summary = "show what the cache holds; prune: remove the least recently used entries",
	.description =
		"Without an argument it prints the size and the number of entries of each kind. `prune` removes the "
		"least recently used entries; it is safe at any time, and removes nothing while another build runs.",
	.examples = examples,
	.options = options,
	.max = 1,
	.run = run,
};
