/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a build and their dependencies: the diagram in build.h as a table. */
#include "builder/job/job_graph.h"
#include "builder/pipeline/build_layers.h"

enum {
	BASE,
	CONFIGURE_BASE,
	COMPRESS,
	IMAGES,
	UNPACK_VM,
	UNPACK_LXC,
	UNPACK_EXTRA_VM,
	UNPACK_EXTRA_LXC,
	CONFIGURE_VM,
	CONFIGURE_LXC,
	CONFIGURE_EXTRA_VM,
	CONFIGURE_EXTRA_LXC,
	ARTIFACT_VM,
	ARTIFACT_LXC,
	SAVE_BASE,
	SAVE_IMAGES,
	SAVE_VM,
	SAVE_LXC,
	SAVE_EXTRA_VM,
	SAVE_EXTRA_LXC,
	PLAN
};

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
	return layer == LAYER_BASE ? build_layers_configure_base(build, err)
				   : build_layers_configure(build, layer, err);
}

static int artifact(void *build, unsigned layer, struct error *err)
{
	return layer == LAYER_VM ? build_artifact_vm(build, err) : build_artifact_lxc(build, err);
}

static int save(void *build, unsigned layer, struct error *err)
{
	return build_layers_save(build, layer, err);
}

/* Each job is about a layer and runs only if the layer is wanted and, except for artifacts, was not found in the
 * cache. */
static const struct graph_job plan[PLAN] = {
	[BASE] = { base, LAYER_BASE, 0, false },
	[CONFIGURE_BASE] = { configure, LAYER_BASE, JOB(BASE), false },
	[COMPRESS] = { compress, LAYER_BASE, JOB(BASE), true },
	[IMAGES] = { images, LAYER_IMAGES, JOB(BASE), false },
	[UNPACK_VM] = { unpack, LAYER_VM, JOB(BASE), false },
	[UNPACK_LXC] = { unpack, LAYER_LXC, JOB(BASE), false },
	[UNPACK_EXTRA_VM] = { unpack, LAYER_EXTRA_VM, JOB(BASE), false },
	[UNPACK_EXTRA_LXC] = { unpack, LAYER_EXTRA_LXC, JOB(BASE), false },
	[CONFIGURE_VM] = { configure, LAYER_VM, JOB(CONFIGURE_BASE) | JOB(UNPACK_VM), false },
	[CONFIGURE_LXC] = { configure, LAYER_LXC, JOB(CONFIGURE_BASE) | JOB(UNPACK_LXC), false },
	[CONFIGURE_EXTRA_VM] = { configure, LAYER_EXTRA_VM, JOB(CONFIGURE_VM) | JOB(UNPACK_EXTRA_VM), false },
	[CONFIGURE_EXTRA_LXC] = { configure, LAYER_EXTRA_LXC, JOB(CONFIGURE_LXC) | JOB(UNPACK_EXTRA_LXC), false },
	[ARTIFACT_VM] = { artifact, LAYER_VM, JOB(CONFIGURE_EXTRA_VM) | JOB(COMPRESS) | JOB(IMAGES), false },
	[ARTIFACT_LXC] = { artifact, LAYER_LXC, JOB(CONFIGURE_EXTRA_LXC) | JOB(COMPRESS) | JOB(IMAGES), true },
	[SAVE_BASE] = { save, LAYER_BASE, JOB(CONFIGURE_BASE) | JOB(COMPRESS), true },
	[SAVE_IMAGES] = { save, LAYER_IMAGES, JOB(IMAGES), true },
	[SAVE_VM] = { save, LAYER_VM, JOB(CONFIGURE_VM), true },
	[SAVE_LXC] = { save, LAYER_LXC, JOB(CONFIGURE_LXC), true },
	[SAVE_EXTRA_VM] = { save, LAYER_EXTRA_VM, JOB(CONFIGURE_EXTRA_VM), true },
	[SAVE_EXTRA_LXC] = { save, LAYER_EXTRA_LXC, JOB(CONFIGURE_EXTRA_LXC), true },
};

int build_graph_run(struct build *b, struct error *err)
{
	struct graph_job errands[PLAN];

	for (size_t i = 0; i < PLAN; i++) {
		const struct build_tree *t = &b->layer[plan[i].what];
		errands[i] = plan[i];
		if (!t->wanted || (t->cached && plan[i].run != artifact))
			errands[i].run = NULL;
	}
	return job_graph_run(errands, PLAN, b, err);
}
