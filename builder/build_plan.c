/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be made, and what needs what: the drawing in build.h as a table. */
#include "builder/build.h"
#include "builder/errand.h"

/* Above 0, for what nobody waits for soon: on few cores dpkg and the disk have the way. */
#define BESIDE 10

enum {
	BASE,
	CONFIGURE_BASE,
	COMPRESS,
	IMAGES,
	UNPACK_VM,
	UNPACK_LXC,
	CONFIGURE_VM,
	CONFIGURE_LXC,
	ARTIFACT_VM,
	ARTIFACT_LXC,
	SAVE_BASE,
	SAVE_IMAGES,
	SAVE_VM,
	SAVE_LXC,
	PLAN
};

static int base(void *build, struct error *err)
{
	return build_layers_base(build, err);
}

static int configure_base(void *build, struct error *err)
{
	return build_layers_configure_base(build, err);
}

static int compress(void *build, struct error *err)
{
	return build_chunks_make(build, err);
}

static int images(void *build, struct error *err)
{
	return build_layers_images(build, err);
}

static int unpack_vm(void *build, struct error *err)
{
	return build_layers_unpack(build, LAYER_VM, err);
}

static int unpack_lxc(void *build, struct error *err)
{
	return build_layers_unpack(build, LAYER_LXC, err);
}

static int configure_vm(void *build, struct error *err)
{
	return build_layers_configure_side(build, SET_VM, err);
}

static int configure_lxc(void *build, struct error *err)
{
	return build_layers_configure_side(build, SET_LXC, err);
}

static int artifact_vm(void *build, struct error *err)
{
	return build_artifact_vm(build, err);
}

static int artifact_lxc(void *build, struct error *err)
{
	return build_artifact_lxc(build, err);
}

static int save_base(void *build, struct error *err)
{
	return build_layers_save(build, LAYER_BASE, err);
}

static int save_images(void *build, struct error *err)
{
	return build_layers_save(build, LAYER_IMAGES, err);
}

static int save_vm(void *build, struct error *err)
{
	return build_layers_save(build, LAYER_VM, err);
}

static int save_lxc(void *build, struct error *err)
{
	return build_layers_save(build, LAYER_LXC, err);
}

/* For each errand the layer whose state decides: what is not wanted is not made, nor again what came from the cache. */
static const struct {
	struct errand errand;
	enum build_layer layer;
	bool artifact; /* is made of cached layers, too */
} plan[PLAN] = {
	[BASE] = { { base, 0, 0 }, LAYER_BASE, false },
	[CONFIGURE_BASE] = { { configure_base, ERRAND(BASE), 0 }, LAYER_BASE, false },
	[COMPRESS] = { { compress, ERRAND(BASE), BESIDE }, LAYER_BASE, false },
	[IMAGES] = { { images, ERRAND(BASE), 0 }, LAYER_IMAGES, false },
	[UNPACK_VM] = { { unpack_vm, ERRAND(BASE), 0 }, LAYER_VM, false },
	[UNPACK_LXC] = { { unpack_lxc, ERRAND(BASE), 0 }, LAYER_LXC, false },
	[CONFIGURE_VM] = { { configure_vm, ERRAND(CONFIGURE_BASE) | ERRAND(UNPACK_VM), 0 }, LAYER_VM, false },
	[CONFIGURE_LXC] = { { configure_lxc, ERRAND(CONFIGURE_BASE) | ERRAND(UNPACK_LXC), 0 }, LAYER_LXC, false },
	[ARTIFACT_VM] = { { artifact_vm, ERRAND(CONFIGURE_VM) | ERRAND(COMPRESS) | ERRAND(IMAGES), 0 },
			  LAYER_VM,
			  true },
	[ARTIFACT_LXC] = { { artifact_lxc, ERRAND(CONFIGURE_LXC) | ERRAND(COMPRESS) | ERRAND(IMAGES), BESIDE },
			   LAYER_LXC,
			   true },
	[SAVE_BASE] = { { save_base, ERRAND(CONFIGURE_BASE) | ERRAND(COMPRESS), BESIDE }, LAYER_BASE, false },
	[SAVE_IMAGES] = { { save_images, ERRAND(IMAGES), BESIDE }, LAYER_IMAGES, false },
	[SAVE_VM] = { { save_vm, ERRAND(CONFIGURE_VM), BESIDE }, LAYER_VM, false },
	[SAVE_LXC] = { { save_lxc, ERRAND(CONFIGURE_LXC), BESIDE }, LAYER_LXC, false },
};

int build_plan_run(struct build *b, struct error *err)
{
	struct errand errands[PLAN];

	for (size_t i = 0; i < PLAN; i++) {
		const struct build_tree *t = &b->layer[plan[i].layer];
		errands[i] = plan[i].errand;
		if (!t->wanted || (t->cached && !plan[i].artifact))
			errands[i].run = NULL;
	}
	return errands_run(errands, PLAN, b, err);
}
