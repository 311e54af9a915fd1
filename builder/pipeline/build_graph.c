/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a build and their dependencies: the diagram in build.h as a table. */
#include "builder/pipeline/build_graph.h"

#include "builder/pipeline/build_layers.h"
#include "lib/macro.h"

static int base(void *build, unsigned layer UNUSED, struct error *err)
{
	return build_layers_base(build, err);
}

static int compress(void *build, unsigned layer UNUSED, struct error *err)
{
	return build_chunks_make(build, err);
}

static int images(void *build, unsigned layer UNUSED, struct error *err)
{
	return build_layers_images(build, err);
}

static int unpack(void *build, unsigned layer, struct error *err)
{
	return build_layers_unpack(build, layer, err);
}

static int configure(void *build, unsigned layer, struct error *err)
{
	if (layer == LAYER_BASE)
		return build_layers_configure_base(build, err);
	return build_layers_configure(build, layer, err);
}

static int artifact(void *build, unsigned layer, struct error *err)
{
	if (layer == LAYER_VM)
		return build_artifact_vm(build, err);
	return build_artifact_lxc(build, err);
}

static int save(void *build, unsigned layer, struct error *err)
{
	return build_layers_save(build, layer, err);
}

/* A job runs if its layer is wanted and not in the cache. always: also if it is in the cache, because the result is an
 * artifact. */
static const struct {
	struct graph_job job;
	bool always;
} jobs[BUILD_JOBS] = {
	[BASE] = { .job = { base, LAYER_BASE, 0, false } },
	[CONFIGURE_BASE] = { .job = { configure, LAYER_BASE, JOB(BASE), false } },
	[COMPRESS] = { .job = { compress, LAYER_BASE, JOB(BASE), true } },
	[IMAGES] = { .job = { images, LAYER_IMAGES, JOB(BASE), false } },
	[UNPACK_VM] = { .job = { unpack, LAYER_VM, JOB(BASE), false } },
	[UNPACK_LXC] = { .job = { unpack, LAYER_LXC, JOB(BASE), false } },
	[UNPACK_EXTRA_VM] = { .job = { unpack, LAYER_EXTRA_VM, JOB(BASE), false } },
	[UNPACK_EXTRA_LXC] = { .job = { unpack, LAYER_EXTRA_LXC, JOB(BASE), false } },
	[CONFIGURE_VM] = { .job = { configure, LAYER_VM, JOB(CONFIGURE_BASE) | JOB(UNPACK_VM), false } },
	[CONFIGURE_LXC] = { .job = { configure, LAYER_LXC, JOB(CONFIGURE_BASE) | JOB(UNPACK_LXC), false } },
	[CONFIGURE_EXTRA_VM] = { .job = { configure, LAYER_EXTRA_VM, JOB(CONFIGURE_VM) | JOB(UNPACK_EXTRA_VM),
					  false } },
	[CONFIGURE_EXTRA_LXC] = { .job = { configure, LAYER_EXTRA_LXC, JOB(CONFIGURE_LXC) | JOB(UNPACK_EXTRA_LXC),
					   false } },
	[ARTIFACT_VM] = { .job = { artifact, LAYER_VM, JOB(CONFIGURE_EXTRA_VM) | JOB(COMPRESS) | JOB(IMAGES), false },
			  .always = true },
	[ARTIFACT_LXC] = { .job = { artifact, LAYER_LXC, JOB(CONFIGURE_EXTRA_LXC) | JOB(COMPRESS) | JOB(IMAGES), true },
			   .always = true },
	[SAVE_BASE] = { .job = { save, LAYER_BASE, JOB(CONFIGURE_BASE) | JOB(COMPRESS), true } },
	[SAVE_IMAGES] = { .job = { save, LAYER_IMAGES, JOB(IMAGES), true } },
	[SAVE_VM] = { .job = { save, LAYER_VM, JOB(CONFIGURE_VM), true } },
	[SAVE_LXC] = { .job = { save, LAYER_LXC, JOB(CONFIGURE_LXC), true } },
	[SAVE_EXTRA_VM] = { .job = { save, LAYER_EXTRA_VM, JOB(CONFIGURE_EXTRA_VM), true } },
	[SAVE_EXTRA_LXC] = { .job = { save, LAYER_EXTRA_LXC, JOB(CONFIGURE_EXTRA_LXC), true } },
};

void build_graph_select(const struct build *b, struct graph_job ret[BUILD_JOBS])
{
	for (size_t i = 0; i < BUILD_JOBS; i++) {
		const struct build_tree *t = &b->layer[jobs[i].job.what];
		ret[i] = jobs[i].job;
		if (!t->wanted || (t->cached && !jobs[i].always))
			ret[i].run = NULL;
	}
}

int build_graph_run(struct build *b, struct error *err)
{
	struct graph_job selected[BUILD_JOBS];

	build_graph_select(b, selected);
	return job_graph_run(selected, BUILD_JOBS, b, err);
}
