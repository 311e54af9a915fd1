/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Marks and identifies the objects that deploy makes in PVE. Pure.
 *
 *	guests	a line in their notes, present from their creation:
 *		nodekiln-deploy: {"cluster":"lab","node":"cp1","vmid":105,"kind":"vm","key":"0c9697bfab6d","mac":"5f0c.."}
 *	volumes	nodekiln_lab_cp1_0c9697bfab6d.iso
 *	tokens	USER@REALM!kiln_lab_cp1_0c9697bfab6d
 *
 * key is a digest of the key of the cluster's notes: it distinguishes two clusters with the same name, and is no secret.
 * mac proves that the line was written with that key (builder/pve/note.h). A clone of such a guest has the same line, but
 * another VMID than the line. '_' separates the parts because names of clusters and nodes cannot contain it.
 */
#include <stdbool.h>

#include "builder/pve/note.h"
#include "lib/pve_guest.h"
#include "lib/text.h"

#define DEPLOY_NOTES_KEY 12 /* hex digits */
#define DEPLOY_NOTES_WORD "nodekiln-deploy"
#define DEPLOY_NOTES_TAG "nodekiln.cluster." /* and the cluster's name */

struct deploy_notes {
	char *cluster, *node; /* owned */
	char key[DEPLOY_NOTES_KEY + 1];
	long vmid; /* in notes; 0 = from a name */
	enum pve_kind kind;
	char image[SHA256_HEX]; /* digest of the template that it was cloned from; "" = not known */
	bool good;              /* its mac is: not from a name */
};

void deploy_notes_key(const char *notes_key, char ret[DEPLOY_NOTES_KEY + 1]);
char *deploy_notes_token(const struct deploy_notes *d) MUST_CHECK;
/* suffix: ".iso", ".tar.zst" */
char *deploy_notes_volume(const struct deploy_notes *d, const char *suffix) MUST_CHECK;
char *deploy_notes_line(const struct deploy_notes *d, const char *notes_key) MUST_CHECK;
/* false: the notes have no such line, or an incomplete one. notes_key NULL: no mac is good. */
bool deploy_notes_parse(const char *notes, const char *notes_key, struct deploy_notes *ret);
/* From the name of a token, without USER@REALM!, or of a volume. */
bool deploy_notes_parse_token(const char *name, struct deploy_notes *ret);
bool deploy_notes_parse_volume(const char *name, struct deploy_notes *ret);
void deploy_notes_done(struct deploy_notes *d);
