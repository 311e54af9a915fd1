/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one artifact from the layers: customizes the tree, seals it (sysprep.h), then writes it in the
 * artifact's format. Each artifact is a job of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/archive/tarball.h"
#include "builder/disk/disk.h"
#include "builder/disk/qcow2.h"
#include "builder/image/sysprep.h"
#include "builder/pipeline/build_layers.h"
#include "builder/pipeline/customize.h"
#include "builder/progress/progress.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/macro.h"
#include "lib/text.h"

static int make_guest(struct build *b, enum set set, char **ret_root, struct error *err)
{
	CLEANUP(free_p) char *root = NULL;

	if (build_chunks_open(b, err) < 0 ||
	    build_layers_guest(b, set == SET_VM ? LAYER_VM : LAYER_LXC, &root, err) < 0 ||
	    build_layers_pause_image(b, root, err) < 0)
		return -1;
	struct customize guest = { .recipe = &b->recipe,
				   .lock = &b->lock,
				   .cache = &b->cache,
				   .sources = &b->sources,
				   .images = &b->images,
				   .agent = b->agent,
				   .pause_image = b->pause_image,
				   .key = b->key,
				   .set = set };

	if (customize_tree(&guest, root, err) < 0)
		return -1;
	*ret_root = TAKE(root);
	return 0;
}

static void qcow2_bytes(void *context UNUSED, uint64_t done, uint64_t total)
{
	progress_update("qcow2", done, total);
}

static int write_qcow2(struct build *b, int raw, const struct chunks_map *map, struct error *err)
{
	CLEANUP(close_p) int out = artifacts_file(&b->outputs, "qcow2", err);
	struct qcow2_options options = { .compression = b->recipe.outputs.qcow2_compression,
					 .level = b->recipe.outputs.qcow2_level,
					 .progress = qcow2_bytes,
					 .map = map };
	struct stat st;

	progress_begin("qcow2", "%s", b->recipe.name);
	if (out < 0 || qcow2_write(raw, out, &options, err) < 0)
		return -1;
	if (fstat(out, &st) < 0)
		return error_errno(err, errno, "look at %s.qcow2", b->recipe.name);
	progress_end("qcow2", "%s", text_bytes((uint64_t)st.st_size));
	return 0;
}

static int write_raw(struct build *b, const struct disk_plan *plan, const char *root, const struct chunks_map *map,
		     int *ret_raw, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s/disk.raw", b->scratch.path);
	CLEANUP(close_p) int raw = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (raw < 0)
		return error_errno(err, errno, "create %s", path);
	progress_begin("disk", "%s", text_bytes(plan->size));
	if (disk_write(plan, root, raw, b->epoch, map, err) < 0)
		return -1;
	progress_end("disk", "%s", text_bytes(plan->size));
	*ret_raw = TAKE_FD(raw);
	return 0;
}

int build_artifact_vm(struct build *b, struct error *err)
{
	CLEANUP(free_p) char *root = NULL;
	CLEANUP(close_p) int raw = -1;
	struct disk_plan plan;

	if (disk_plan(&b->recipe, b->key, &plan, err) < 0 || make_guest(b, SET_VM, &root, err) < 0)
		return -1;
	progress_begin("seal-vm", "%s", b->recipe.name);
	if (disk_prepare(&plan, root, err) < 0 || sysprep_apply(root, err) < 0)
		return -1;
	progress_end("seal-vm", "%s", b->recipe.name);
	CLEANUP(free_p) struct chunks_piece *cluster = xcalloc(plan.size / CHUNK, sizeof *cluster);
	const struct recipe *r = &b->recipe;
	const struct chunks_map map = { build_chunks(b, r->outputs.qcow2_compression, r->outputs.qcow2_level),
					cluster };
	if (write_raw(b, &plan, root, &map, &raw, err) < 0)
		return -1;
	return write_qcow2(b, raw, &map, err);
}

static const char *tarball_suffix(enum compression compression)
{
	return compression == COMPRESSION_NONE ? "tar" : "tar.zst";
}

static int write_tarball(struct build *b, const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, root, err);
	CLEANUP(close_p)
	int out = artifacts_file(&b->outputs, tarball_suffix(b->recipe.outputs.tarball_compression), err);
	struct tarball tarball = { .rootfd = rootfd,
				   .compression = b->recipe.outputs.tarball_compression,
				   .level = b->recipe.outputs.tarball_level,
				   .newest = b->epoch,
				   .strict = true,
				   .chunks = build_chunks(b, b->recipe.outputs.tarball_compression,
							  b->recipe.outputs.tarball_level),
				   .leave_out = sysprep_container_lacks };
	uint64_t members;

	progress_begin("tarball", "%s", b->recipe.name);
	if (rootfd < 0 || out < 0 || tarball_write(&tarball, out, &members, err) < 0)
		return -1;
	progress_end("tarball", "%llu members", (unsigned long long)members);
	return 0;
}

int build_artifact_lxc(struct build *b, struct error *err)
{
	CLEANUP(free_p) char *root = NULL;

	if (make_guest(b, SET_LXC, &root, err) < 0 || sysprep_apply(root, err) < 0)
		return -1;
	return write_tarball(b, root, err);
}
