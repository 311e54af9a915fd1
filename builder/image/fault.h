/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `verify` finds in an image. Each finding is of a kind; the table of kinds (fault_kinds.c) says how severe a kind is. An image
 * passes when it has no finding of severity "error" but those that the user accepts.
 */
#include <stdbool.h>

#include "lib/json.h"
#include "lib/text.h"
#include "lib/vec.h"

enum fault_severity { FAULT_WARNING, FAULT_ERROR };
extern const char *const fault_severity_names[]; /* as in SARIF: "warning", "error" */

enum fault_id {
	FAULT_CHECKSUM,
	FAULT_SIGNATURE,
	FAULT_PACKING,
	FAULT_ORIGIN,
	FAULT_LEFTOVER,
	FAULT_PASSWORD,
	FAULT_ROOT_ACCOUNT,
	FAULT_PRIVILEGED_GROUP,
	FAULT_AUTHORIZED_KEY,
	FAULT_PRIVATE_KEY,
	FAULT_CREDENTIAL,
	FAULT_SETUID,
	FAULT_CAPABILITY,
	FAULT_PRELOAD,
	FAULT_WRITABLE,
	FAULT_CHANGED_FILE,
	FAULT_UNKNOWN_PROGRAM,
	FAULT_UNKNOWN_FILE,
	FAULT_UNIT,
	FAULT_PROGRAM,
	FAULT_CONTAINER_IMAGE,
	FAULT_KINDS
};

struct fault_kind {
	const char *name; /* "root-account": never renamed, as users accept findings by it */
	enum fault_severity severity;
	const char *about; /* one sentence: what is checked */
};
extern const struct fault_kind fault_kinds[FAULT_KINDS];

struct fault {
	enum fault_id id;
	char *path; /* owned; in the image; NULL = the artifact itself */
	char *text; /* owned; a sentence */
	bool accepted;
};

#define FAULTS_MAX 100 /* of one kind that are kept; an image that is entirely wrong would fill the screen */

struct faults {
	VEC(struct fault) list;
	size_t count[2][FAULT_KINDS]; /* accepted ones last */
	const struct strings *accept; /* borrowed; "KIND:PATH" with a shell pattern as PATH; NULL = none */
};

void faults_add(struct faults *f, enum fault_id id, const char *path, const char *fmt, ...) PRINTF(4, 5);
/* Adds how many were not kept. */
void faults_end(struct faults *f);
/* Whether the path has a finding already, which is not accepted, or is in a directory that must not exist. */
bool faults_has(const struct faults *f, const char *path);
/* The number of errors that are not accepted. */
size_t faults_errors(const struct faults *f);
/* NULL when the argument is KIND:PATTERN with a known kind, else what is wrong with it. */
const char *fault_accept_error(const char *argument);

/* [{"kind": "setuid", "severity": "error", "path": "/x", "message": "..", "accepted": false}, ...] */
struct json *faults_json(const struct faults *f) MUST_CHECK;
void faults_done(struct faults *f);

/* SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0): the results of one artifact are added to an array, and a whole log is made of
 * it. faults_sarif_log() takes ownership of results. */
void faults_sarif_results(const struct faults *f, const char *file, struct json *results);
struct json *faults_sarif_log(struct json *results) MUST_CHECK;
