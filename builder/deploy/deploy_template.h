/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The template that a VM is cloned from. A clone gives its disk the cluster's secrets, so names, tags and notes are not
 * enough: a template counts when it has our tag, is in the target's range of VMIDs, is ready, and its notes are signed with
 * the target's key (publish_notes.h), which also prove its pool. Without a signature it counts when the user names its VMID and the
 * digest of its image (template_sha256), and it is in the target's pool.
 *
 *	template: 9000                   that VM
 *	template: debian-13-1.37.2-0c96  the VM of this name; two are an error
 *	template: debian-13              of the VMs of this image, the one that was published last
 *	none                             the same, when the templates are of one image
 */
#include "builder/deploy/deploy_plan.h"
#include "lib/pve.h"

struct deploy_template {
	long vmid;
	char *name, *published; /* owned */
	char sha256[SHA256_HEX];
	bool good; /* signed */
};

/* ERROR_TARGET: none, or more than one. The message names those that do not count, and why. */
int deploy_template_find(struct pve *pve, const struct deploy_order *o, const struct cluster_node *n,
			 const char *pve_node, struct deploy_template *ret, struct error *err) MUST_CHECK;
/* "VM 9000 debian-13-1.37.2-0c9697bfab6d, sha256 0c96.., published 2026-11-28T10:00:00Z" */
void deploy_template_text(const struct deploy_template *t, struct text *ret);
void deploy_template_done(struct deploy_template *t);
