/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pipeline/build_graph.h"
#include "lib/text.h"
#include "tests/unit/check.h"

static const char *const names[BUILD_JOBS] = {
	[BASE] = "base",
	[CONFIGURE_BASE] = "configure-base",
	[COMPRESS] = "compress",
	[IMAGES] = "images",
	[UNPACK_VM] = "unpack-vm",
	[UNPACK_LXC] = "unpack-lxc",
	[UNPACK_EXTRA_VM] = "unpack-extra-vm",
	[UNPACK_EXTRA_LXC] = "unpack-extra-lxc",
	[CONFIGURE_VM] = "configure-vm",
	[CONFIGURE_LXC] = "configure-lxc",
	[CONFIGURE_EXTRA_VM] = "configure-extra-vm",
	[CONFIGURE_EXTRA_LXC] = "configure-extra-lxc",
	[ARTIFACT_VM] = "vm",
	[ARTIFACT_LXC] = "lxc",
	[SAVE_BASE] = "save-base",
	[SAVE_IMAGES] = "save-images",
	[SAVE_VM] = "save-vm",
	[SAVE_LXC] = "save-lxc",
	[SAVE_EXTRA_VM] = "save-extra-vm",
	[SAVE_EXTRA_LXC] = "save-extra-lxc",
};

#define L(layer) (1u << LAYER_##layer)
#define ALL (L(BASE) | L(VM) | L(LXC) | L(EXTRA_VM) | L(EXTRA_LXC) | L(IMAGES))

static const struct {
	unsigned wanted, cached;
	const char *jobs;
} builds[] = {
	{ L(BASE) | L(LXC), 0, "base configure-base compress unpack-lxc configure-lxc lxc save-base save-lxc" },
	{ L(BASE) | L(VM) | L(EXTRA_VM), L(BASE),
	  "unpack-vm unpack-extra-vm configure-vm configure-extra-vm vm save-vm save-extra-vm" },
	/* Artifacts are made even if every layer is in the cache. */
	{ ALL, ALL, "vm lxc" },
	{ ALL, ALL & ~L(IMAGES), "images vm lxc save-images" },
	{ L(BASE) | L(VM) | L(LXC), L(BASE) | L(VM), "unpack-lxc configure-lxc vm lxc save-lxc" },
};

static void select_jobs(size_t row, struct graph_job ret[BUILD_JOBS])
{
	struct build b = { 0 };

	for (unsigned layer = 0; layer < LAYERS; layer++) {
		b.layer[layer].wanted = builds[row].wanted & 1u << layer;
		b.layer[layer].cached = builds[row].cached & 1u << layer;
	}
	build_graph_select(&b, ret);
}

TEST(build_graph_select_by_layer)
{
	struct graph_job jobs[BUILD_JOBS];

	for (size_t row = 0; row < ARRAY_SIZE(builds); row++) {
		CLEANUP(text_done) struct text got = { 0 };
		select_jobs(row, jobs);
		for (size_t i = 0; i < BUILD_JOBS; i++)
			if (jobs[i].run)
				text_addf(&got, "%s%s", got.len ? " " : "", names[i]);
		CHECK_STR(got.data, builds[row].jobs);
	}
}

/* Every job's needs come before it, and none needs itself: the graph has no cycle. */
TEST(build_graph_select_has_no_cycle)
{
	struct graph_job jobs[BUILD_JOBS];
	unsigned order[BUILD_JOBS], n = 0, done = 0;

	select_jobs(0, jobs);
	for (unsigned round = 0; round < BUILD_JOBS; round++)
		for (unsigned i = 0; i < BUILD_JOBS; i++)
			if (!(done & JOB(i)) && !(jobs[i].needs & ~done)) {
				done |= JOB(i);
				order[n++] = i;
			}
	CHECK(n == BUILD_JOBS && order[0] == BASE);
	/* An artifact needs its whole side: all that its layers' files, chunks and images come from. */
	CHECK(jobs[ARTIFACT_VM].needs == (JOB(CONFIGURE_EXTRA_VM) | JOB(COMPRESS) | JOB(IMAGES)));
	CHECK(jobs[ARTIFACT_LXC].needs == (JOB(CONFIGURE_EXTRA_LXC) | JOB(COMPRESS) | JOB(IMAGES)));
}
