/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/build_layers.h"
#include "builder/pipeline/lock_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "builder/apt/apt_host.h"
#include "builder/archive/chunks.h"
#include "builder/cache/cache_prune.h"
#include "builder/gomod/gomod.h"
#include "builder/lock/lock_fetch.h"
#include "builder/oci/container_images.h"
#include "builder/pipeline/license.h"
#include "builder/pipeline/manifest.h"
#include "builder/pipeline/restricted_check.h"
#include "builder/progress/progress.h"
#include "builder/toolchain/toolchain.h"
#include "builder/tree/overlay_survey.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/job.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/macro.h"
#include "lib/text.h"

#define MANIFEST_MAX (64u << 20)
/* Scratch space in addition to twice the trees (the tree and its disk image): indices, boot files, reserve. */
#define NEED_FIXED (1ull << 30)
/* An image's archive is in the content store and unpacked in the snapshots, and both are in the disk image again. */
#define NEED_PER_ARCHIVE_BYTE 4
/* An overlay is in the VM's tree and its disk image, and in the container's tree. */
#define NEED_PER_OVERLAY_BYTE 3

void build_done(struct build *b)
{
	for (size_t i = 0; i < LAYERS; i++)
		free(b->layer[i].path);
	chunks_close_p(&b->chunks);
	scratch_close(&b->scratch);
	free(b->pause_image);
	strings_done(&b->images);
	strings_done(&b->archives);
	source_done(&b->sources);
	free(b->agent);
	lock_done(&b->lock);
	artifacts_close(&b->outputs);
	cache_close(&b->cache);
	recipe_done(&b->recipe);
}

/* SOURCE_DATE_EPOCH (reproducible-builds.org): decimal seconds, nothing else. */
static int read_epoch(struct build *b, struct error *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	b->started = b->epoch = time(NULL);
	if (!text)
		return 0;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < 0)
		return error_set(err, ERROR_USAGE, "SOURCE_DATE_EPOCH is '%s'; it must be seconds since 1970", text);
	/* Files made by this build must be later than the epoch, or their times would be kept. */
	if (n > b->started)
		return error_set(err, ERROR_USAGE, "SOURCE_DATE_EPOCH, %s, is in the future by this host's clock",
				 text);
	b->epoch = n;
	return 0;
}

static int survey_overlay(struct build *b, const char *name, struct error *err)
{
	CLEANUP(strings_done) struct strings odd = { 0 };
	CLEANUP(free_p) char *path = NULL;

	if (recipe_overlay_path(&b->recipe, name, &path, err) < 0 ||
	    tree_size(AT_FDCWD, path, &b->overlay_bytes, err) < 0 || overlay_survey_odd(path, &odd, err) < 0)
		return -1;
	for (size_t i = 0; i < odd.n; i++)
		log_warning("overlay '%s': %s", name, odd.at[i]);
	return 0;
}

/* Runs first, so that a missing overlay fails fast. */
static int survey_overlays(struct build *b, struct error *err)
{
	for (enum set set = 0; set < SETS; set++)
		for (size_t i = 0; i < b->recipe.overlays[set].n; i++)
			if (survey_overlay(b, b->recipe.overlays[set].at[i], err) < 0)
				return -1;
	return 0;
}

static int get_lock(struct build *b, struct error *err)
{
	const struct build_options *o = b->options;
	struct resolve_options options = { .mirror = o->mirror, .update = o->update };

	apt_host_read();
	progress_begin("resolve", "%s", o->lock ? o->lock : b->recipe.distribution.suite);
	int rc = o->lock ? lock_load(o->lock, &b->lock, err)
			 : lock_make(&b->recipe, &options, &b->cache, NULL, NULL, &b->lock, err);
	if (rc < 0)
		return -1;
	size_t packages = 0;
	for (enum lock_group g = 0; g < LOCK_GUEST_GROUPS; g++)
		packages += b->lock.group[g].n;
	const char *version = source_kubernetes_version(&b->lock);
	progress_end("resolve", "%zu packages%s%s", packages, version ? ", Kubernetes " : "", version ? version : "");
	return 0;
}

struct build_download {
	uint64_t done, total;
};

static void count_bytes(void *context, uint64_t bytes)
{
	struct build_download *d = context;

	d->done += bytes;
	progress_update("fetch", d->done, d->total);
}

static int fetch(struct build *b, struct error *err)
{
	CLEANUP(lock_wants_done) struct lock_wants wants = { 0 };

	for (enum lock_group g = 0; g < LOCK_GUEST_GROUPS; g++)
		lock_wants_packages(&b->lock, g, &wants);
	struct build_download d = { .total = wants.bytes };
	progress_begin("fetch", "%zu packages, %s", wants.list.n, text_bytes(d.total));
	int rc = cache_fetch(&b->cache, wants.list.at, wants.list.n, count_bytes, &d, err);
	if (rc == 0)
		progress_end("fetch", "%s downloaded", text_bytes(d.done));
	return rc;
}

static void compiler_line(void *context UNUSED, const char *line)
{
	log_debug("%s", line);
}

static int get_programs(struct build *b, struct error *err)
{
	progress_begin("programs", "the agent%s",
		       source_compiles(&b->recipe) ? ", components (compiling takes minutes, once)" : "");
	if (source_make(&b->recipe, &b->lock, &b->cache, compiler_line, NULL, &b->sources, err) < 0 ||
	    toolchain_agent(&b->lock, &b->cache, &b->agent, err) < 0)
		return -1;
	progress_end("programs", "ready");
	return 0;
}

/* The archives to preload, compiled ones and the recipe's, and the names of their images. */
static int list_images(struct build *b, struct error *err)
{
	strings_append(&b->archives, &b->sources.archives);
	strings_append(&b->archives, &b->recipe.images.archives);
	strings_append(&b->images, &b->sources.references);
	for (size_t i = 0; i < b->recipe.images.archives.n; i++)
		if (container_images_names(b->recipe.images.archives.at[i], b->recipe.runtime, &b->images, err) < 0)
			return -1;
	return 0;
}

/* True if the published artifacts were made from the same inputs and are still complete. */
static bool is_published(const struct build *b)
{
	CLEANUP(free_p) char *name = xasprintf("%s.manifest.json", b->recipe.name);
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(json_free_p) struct json *manifest = NULL;
	struct error err = { 0 };

	if (b->options->force || file_read(b->outputs.dirfd, name, MANIFEST_MAX, &text, &err) < 0 ||
	    json_parse(name, text.data, text.len, &manifest, &err) < 0 ||
	    !text_same(json_get_string(manifest, "key"), b->key))
		return false;
	if (b->options->signing && !artifacts_are_signed(&b->outputs))
		return false;
	const struct json *artifacts = json_get(manifest, "artifacts");
	for (size_t i = 0; i < json_count(artifacts); i++) {
		const char *file = json_get_string(json_at(artifacts, i), "file");
		int64_t size = -1;
		struct stat st;
		if (!file || !json_get_int(json_at(artifacts, i), "size", &size) ||
		    fstatat(b->outputs.dirfd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size != size)
			return false;
	}
	return json_count(artifacts) > 0;
}

/* Upper limit of the scratch space that this build uses, in bytes. */
static uint64_t scratch_need(const struct build *b)
{
	uint64_t need = NEED_FIXED + NEED_PER_OVERLAY_BYTE * b->overlay_bytes;
	struct stat st;

	for (enum lock_group g = 0; g < LOCK_GUEST_GROUPS; g++)
		for (size_t i = 0; i < b->lock.group[g].n; i++)
			need += 2 * b->lock.group[g].at[i].installed;
	for (size_t i = 0; i < b->archives.n; i++)
		if (stat(b->archives.at[i], &st) == 0)
			need += NEED_PER_ARCHIVE_BYTE * (uint64_t)st.st_size;
	return need;
}

/* The licences that were kept when the components were compiled. */
static int read_licenses(struct build *b, struct licenses *ret, struct error *err)
{
	for (size_t i = 0; i < b->lock.components.n; i++) {
		const struct lock_component *locked = &b->lock.components.at[i];
		const struct component *c = recipe_component(&b->recipe, locked->name);
		char key[SHA256_HEX];

		if (!c || locked->source != COMPONENT_GO_MODULES)
			continue;
		gomod_key(c, &b->lock, key);
		CLEANUP(free_p) char *path = xasprintf("%s/artifacts/%s/" GOMOD_LICENSES, b->cache.path, key);
		if (licenses_read(path, locked, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int write_metadata(struct build *b, struct error *err)
{
	CLEANUP(licenses_done) struct licenses licenses = { 0 };
	struct manifest m = {
		.recipe = &b->recipe,
		.lock = &b->lock,
		.sources = &b->sources,
		.images = &b->images,
		.licenses = &licenses,
		.key = b->key,
		.epoch = b->epoch,
	};

	if (read_licenses(b, &licenses, err) < 0)
		return -1;
	CLEANUP(timings_done) struct timings waterfall = { 0 };
	progress_timings(&waterfall);
	return manifest_write(&m, &b->outputs, timings_json(&waterfall), err);
}

/* --json: what there is now. */
static void report(const struct build *b, bool changed)
{
	CLEANUP(json_free_p) struct json *result = json_object();

	json_put_string(result, "name", b->recipe.name);
	json_put_string(result, "directory", b->outputs.directory);
	json_put_bool(result, "changed", changed);
	if (changed)
		json_put(result, "artifacts", artifacts_json(&b->outputs));
	progress_result(result);
	log_info("next: `nodekiln publish --target TARGET.yaml %s/%s` uploads it to Proxmox VE", b->outputs.directory,
		 b->recipe.name);
}

static int publish(struct build *b, struct error *err)
{
	progress_begin("outputs", "%s", b->outputs.directory);
	if (write_metadata(b, err) < 0 || artifacts_publish(&b->outputs, err) < 0)
		return -1;
	const struct text *sums = &b->outputs.sums;
	if (b->options->signing && write_all(b->options->signing->sums, sums->data, sums->len) < 0)
		return error_errno(err, errno, "keep " ARTIFACTS_SUMS " to sign it");
	progress_end("outputs", "%s/%s.*", b->outputs.directory, b->recipe.name);
	return 0;
}

/* Runs in a job, which closes the outputs first: otherwise they would stay locked after the build is killed, until the
 * memory is freed. */
static int remove_trees(void *build, struct error *err UNUSED)
{
	struct build *b = build;

	close_p(&b->outputs.stagefd);
	close_p(&b->outputs.dirfd);
	scratch_close(&b->scratch);
	return 0;
}

/* Removes the trees while the artifacts are published: freeing gigabytes of memory takes a while. */
static int make_and_publish(struct build *b, struct error *err)
{
	struct job remover = { 0 };
	struct error ignored = { 0 };

	if (scratch_open(&b->cache, b->options->scratch, scratch_need(b), &b->scratch, err) < 0 ||
	    build_layers_load(b, err) < 0 || build_graph_run(b, err) < 0)
		return -1;
	if (job_start(&remover, remove_trees, b, &ignored) == 0)
		scratch_forget(&b->scratch);
	int rc = publish(b, err);
	if (rc == 0)
		cache_trim(&b->cache);
	if (remover.pid && job_wait(&remover, &ignored) < 0)
		log_debug("%s", ignored.text); /* the next build removes it */
	if (rc == 0)
		report(b, true);
	return rc;
}

int build_finish(struct build *b, struct error *err)
{
	if (list_images(b, err) < 0 || build_keys(b, err) < 0)
		return -1;
	if (is_published(b)) {
		log_info("%s/%s.*: nothing changed, nothing to do (--force builds anyway)", b->options->out,
			 b->recipe.name);
		report(b, false);
		return 0;
	}
	if (fetch(b, err) < 0)
		return -1;
	return make_and_publish(b, err);
}

static void show_warnings(const struct build *b)
{
	CLEANUP(strings_done) struct strings warnings = { 0 };

	if (b->recipe.warning)
		progress_notice("%s", b->recipe.warning);
	recipe_life_warnings(&b->recipe, b->started, &warnings);
	for (size_t i = 0; i < warnings.n; i++)
		progress_notice("%s", warnings.at[i]);
}

static void show_seals(const struct cache *cache)
{
	CLEANUP(free_p) char *notice = seal_notice(cache);

	if (notice)
		progress_notice("%s", notice);
}

static int build_steps(struct build *b, struct error *err)
{
	const struct build_options *o = b->options;

	if (read_epoch(b, err) < 0 || recipe_load_with(o->recipe, &o->set, &b->recipe, err) < 0 ||
	    survey_overlays(b, err) < 0)
		return -1;
	show_warnings(b);
	if (artifacts_open(o->out, b->recipe.name, &b->outputs, err) < 0 || cache_open(&b->cache, err) < 0 ||
	    restricted_check(&b->recipe, &b->cache, err) < 0 ||
	    (o->signing && artifacts_sign(&b->outputs, &o->signing->keyring, err) < 0))
		return -1;
	show_seals(&b->cache);
	b->cache.offline = o->offline;
	if (get_lock(b, err) < 0 || (o->lock && lock_belongs(&b->lock, o->lock, &b->recipe, err) < 0) ||
	    get_programs(b, err) < 0)
		return -1;
	return build_finish(b, err);
}

int build_run(const struct build_options *options, struct error *err)
{
	CLEANUP(build_done) struct build b = { .options = options, BUILD_EMPTY };

	return build_steps(&b, err);
}
