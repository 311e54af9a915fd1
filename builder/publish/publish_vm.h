/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A template's hardware, as parameters for POST /nodes/N/qemu. Pure. Tags are set later: PVE 9 refuses them
 * there to a token whose rights come from the pool.
 */
#include "builder/publish/publish_plan.h"

#define PUBLISH_PARAMS_MAX 28

struct publish_params {
	struct pve_param at[PUBLISH_PARAMS_MAX]; /* ends with a NULL name */
	size_t n;
	struct strings values; /* owned; what at[] points to */
};

/* source: ctime of the upload. uuid: the guest's SMBIOS UUID, which the notes are signed with. The notes say
 * "unfinished". The target has its key. */
void publish_vm_params(const struct publish_order *o, long vmid, int64_t source, const char *uuid,
		       struct publish_params *ret);
void publish_params_done(struct publish_params *params);
