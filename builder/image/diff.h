/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The changes from one list of entries to another. An entry is a path and facts about it ("mode 0755", "version 1.2");
 * both lists are sorted by path and merged as comm(1) does. Pure: diff_read.c makes such lists from images and
 * manifests.
 */
#include <stdbool.h>

#include "builder/image/image_reader.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/vec.h"

struct diff_fact {
	char *name, *value; /* owned */
};

struct diff_entry {
	char *path; /* owned */
	VEC(struct diff_fact) facts;
};

struct diff_list {
	VEC(struct diff_entry) entries;
};

void diff_add(struct diff_list *list, char *path); /* takes ownership of path */
/* Adds a fact to the entry that was added last. */
void diff_fact(struct diff_list *list, const char *name, const char *fmt, ...) PRINTF(3, 4);
void diff_sort(struct diff_list *list);
void diff_list_done(struct diff_list *list);

enum diff_kind { DIFF_REMOVED, DIFF_ADDED, DIFF_CHANGED };

/* Everything is borrowed from the lists. */
struct diff_delta {
	const char *name, *from, *to; /* NULL = no such fact */
};

struct diff_change {
	enum diff_kind kind;
	const char *path;
	VEC(struct diff_delta) facts; /* those that differ */
};

struct diff {
	VEC(struct diff_change) changes;
};

/* Changes of content come first, in the order of their paths; then those of modes, owners and times alone. */
void diff_compare(const struct diff_list *before, const struct diff_list *after, struct diff *ret);
/* One line per change: "~ /etc/passwd: size 3 -> 4", "+ /new: mode 0644, ...", "- /old: ...". Of what has versions, not the paths,
 * sizes and digests that follow from them. */
void diff_print(const struct diff *diff, struct text *ret);
struct json *diff_json(const struct diff *diff) MUST_CHECK;
void diff_done(struct diff *diff);

/* diff_read.c: a disk image or tarball, or a JSON document such as a manifest. */
struct diff_source {
	const char *path;    /* borrowed */
	struct image *image; /* owned; NULL = a document */
	struct text text;    /* of the document */
	bool times;          /* by the caller: when files were changed, and a document was made, counts, too */
};
int diff_open(const char *path, struct diff_source *ret, struct error *err) MUST_CHECK;
/* Its entries: files and partitions, or the document's values without "timings", which say when and how fast it was made. Opens
 * nothing. */
int diff_load(struct diff_source *source, struct diff_list *ret, struct error *err) MUST_CHECK;
/* SHA-256 of an image's file, as it is. */
int diff_source_digest(const struct diff_source *source, char ret_hex[SHA256_HEX], struct error *err) MUST_CHECK;
void diff_source_done(struct diff_source *source);
