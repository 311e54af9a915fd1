/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A cluster member as Proxmox VE shows it: tags and one line in the guest's notes. Anybody with VM.Audit reads them, and PVE
 * writes both to syslog in clear: public facts only, never a token or key.
 *
 *	tags	k8s.cluster.lab  k8s.role.worker  k8s.state.ready
 *	notes	nodekiln: {"role":"init","state":"ready","cluster":"lab","since":"2026-11-22T10:00:00Z","node":"cp1",
 *		"version":"v1.34.1","endpoint":"10.0.0.10:6443","claim":"init","mark":"5f3c9a12","error":"...",
 *		"vmid":101,"ca":["sha256:..."]}		(on one line)
 *
 * Everything else in tags and notes belongs to people and stays as it is. PVE lower-cases, sorts and de-duplicates tags, and
 * trims the notes' end: compare after parsing, never as text.
 */
#include <stdint.h>

#include "lib/error.h"
#include "lib/node_config.h"
#include "lib/text.h"

#define NODE_RECORD_NOTES_MAX 8192 /* characters that PVE takes as description */
#define NODE_RECORD_NOTES_PREFIX "nodekiln: {"

enum node_record_state {
	NODE_RECORD_UNKNOWN,
	NODE_RECORD_BOOTING,
	NODE_RECORD_JOINING,
	NODE_RECORD_READY,
	NODE_RECORD_FAILED
};

/* All pointers are owned; NULL = not said. */
struct node_record {
	char *cluster;
	int role; /* enum node_role, -1 = not said */
	enum node_record_state state;
	char *since;       /* RFC 3339, UTC */
	int64_t vmid;      /* of the guest that wrote it: a clone inherits its parent's notes; 0 = not said */
	char *node;        /* Kubernetes' name of it */
	char *version;     /* "v1.34.1" */
	char *endpoint;    /* HOST:PORT; set once the control plane answers */
	struct strings ca; /* "sha256:..." */
	char *claim;       /* agent/election.h: "init" or "join" */
	char *mark;        /* of the write that this stands in: agent/election.h */
	char *error;       /* one sentence of ASCII, with state failed */
};

const char *node_record_state_name(enum node_record_state state);
/* From the tag list (any of ; , space between) and notes of a guest; either may be NULL. Never fails: what cannot be read, or
 * has not the form that it must have, is not said. Where both say something, the notes win. */
void node_record_parse(const char *tags, const char *notes, struct node_record *ret);
/* tags with ours replaced, joined by ';'. */
char *node_record_tags(const struct node_record *m, const char *tags) MUST_CHECK;
/* As PVE compares them: order, case and repetition carry nothing. Either may be NULL. */
bool node_record_tags_same(const char *a, const char *b);
/* notes with our line replaced in place, or added at the end after an empty line. ERROR_SPACE when it would exceed
 * NODE_RECORD_NOTES_MAX (the error sentence is cut first). */
int node_record_notes(const struct node_record *m, const char *notes, char **ret, struct error *err) MUST_CHECK;
bool node_record_same(const struct node_record *a, const struct node_record *b);
void node_record_done(struct node_record *m);
