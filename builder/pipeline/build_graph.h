/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The jobs of a build and which of them run. For build_graph.c and its test.
 */
#include "builder/job/job_graph.h"
#include "builder/pipeline/build.h"

enum build_job {
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
	BUILD_JOBS
};

/* Pure: the jobs with their dependencies; run is NULL for those that this build does not need. */
void build_graph_select(const struct build *b, struct graph_job ret[BUILD_JOBS]);
