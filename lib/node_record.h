/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A cluster member as Proxmox VE shows it: tags and one line in the guest's notes. Every user with VM.Audit can read them, and
 * PVE writes both to syslog: they hold public facts only, never a token or key.
 *
 *	tags	k8s.cluster.lab  k8s.role.worker  k8s.state.ready
 *	notes	nodekiln: {"role":"init","state":"ready","cluster":"lab","since":"2026-11-22T10:00:00Z","node":"cp1",
 *		"version":"v1.34.1","endpoint":"10.0.0.10:6443","claim":"init","mark":"5f3c9a12","mac":"..",
 *		"error":"...","vmid":101,"ca":["sha256:..."]}		(on one line)
 *
 * Everything else in tags and notes belongs to the users and stays unchanged. PVE lower-cases, sorts and de-duplicates tags,
 * and trims the end of the notes: compare parsed records, never the texts.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/hash.h"
#include "lib/macro.h"
#include "lib/node_config.h"
#include "lib/text.h"

#define NODE_RECORD_NOTES_MAX 8192 /* characters; PVE's limit of a description */
#define NODE_RECORD_NOTES_PREFIX "nodekiln: {"

enum node_record_state {
	NODE_RECORD_UNKNOWN,
	NODE_RECORD_BOOTING,
	NODE_RECORD_JOINING,
	NODE_RECORD_READY,
	NODE_RECORD_FAILED
};

/* All pointers are owned; NULL = unknown. */
struct node_record {
	char *cluster;
	int role; /* enum node_role; -1 = unknown */
	enum node_record_state state;
	char *since;       /* RFC 3339, UTC */
	int64_t vmid;      /* of the guest that wrote it, since a clone inherits its parent's notes; 0 = unknown */
	char *node;        /* the name of the Kubernetes node */
	char *version;     /* "v1.34.1" */
	char *endpoint;    /* HOST:PORT; set once the control plane answers */
	struct strings ca; /* "sha256:..." */
	char *claim;       /* agent/election.h: "init" or "join" */
	char *mark;        /* identifies the write (agent/election.h) */
	char *mac;         /* node_record_mac(); NULL = the writer has no key */
	char *error;       /* one sentence of ASCII, with state failed */
};

const char *node_record_state_name(enum node_record_state state);
/* Parses the tag list (separated by any of ; , and white space) and notes of a guest; either may be NULL. Never fails: a value
 * that is not valid counts as unknown. The notes win over the tags. */
void node_record_parse(const char *tags, const char *notes, struct node_record *ret);
/* tags with the record's tags replaced, joined by ';'. Owned by the caller. */
char *node_record_tags(const struct node_record *m, const char *tags) MUST_CHECK;
/* As PVE compares them: order, case and repetition do not count. Either may be NULL. */
bool node_record_tags_same(const char *a, const char *b);
/* notes with the record's line replaced in place, or appended after an empty line. ERROR_SPACE when the result exceeds
 * NODE_RECORD_NOTES_MAX although the error sentence was cut. */
int node_record_notes(const struct node_record *m, const char *notes, char **ret, struct error *err) MUST_CHECK;
/* HMAC-SHA-256 over what makes other nodes act: cluster, VMID, node, endpoint, claim and mark. */
void node_record_mac(const struct node_record *m, const char *key, char ret_hex[SHA256_HEX]);
bool node_record_same(const struct node_record *a, const struct node_record *b);
void node_record_done(struct node_record *m);
