/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Marks and identifies the objects that deploy makes in PVE. Pure.
 *
 *	guests	a line in their notes, present from their creation:
 *		nodekiln-deploy: {"cluster":"lab","node":"cp1","vmid":105,"key":"0c9697bfab6d"}
 *	volumes	nodekiln_lab_cp1_0c9697bfab6d.iso
 *	tokens	USER@REALM!kiln_lab_cp1_0c9697bfab6d
 *
 * key is a digest of the cluster's secrets: it distinguishes two clusters with the same name. A clone of such
 * a guest has the same line, but another VMID than the line. '_' separates the parts because names of
 * clusters and nodes cannot contain it.
 */
#include <stdbool.h>

#include "lib/text.h"

#define DEPLOY_NOTES_KEY 12 /* hex digits */
#define DEPLOY_NOTES_PREFIX "nodekiln-deploy: {"
#define DEPLOY_NOTES_TAG "nodekiln.cluster." /* and the cluster's name */

struct deploy_notes {
	char *cluster, *node; /* owned */
	char key[DEPLOY_NOTES_KEY + 1];
	long vmid; /* in notes; 0 = from a name */
};

void deploy_notes_key(const char *token, const char *certificate_key, char ret[DEPLOY_NOTES_KEY + 1]);
char *deploy_notes_token(const struct deploy_notes *d) MUST_CHECK;
/* suffix: ".iso", ".tar.zst" */
char *deploy_notes_volume(const struct deploy_notes *d, const char *suffix) MUST_CHECK;
char *deploy_notes_line(const struct deploy_notes *d) MUST_CHECK;
/* false: the notes have no such line, or an incomplete one. */
bool deploy_notes_parse(const char *notes, struct deploy_notes *ret);
/* From the name of a token, without USER@REALM!, or of a volume. */
bool deploy_notes_parse_token(const char *name, struct deploy_notes *ret);
bool deploy_notes_parse_volume(const char *name, struct deploy_notes *ret);
void deploy_notes_done(struct deploy_notes *d);
