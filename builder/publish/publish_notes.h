/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a published image is called and says of itself in Proxmox VE. Pure.
 *
 *	name	debian-12-k8s-1.20.2-0c9697bfab6d           IMAGE-VERSION-HASH; "-uefi" behind it for that firmware
 *	tags	nodekiln  kiln.image.debian-12-k8s  kiln.version.1.20.2  kiln.sha.0c9697bfab6d  kiln.node.pve1  and the target's
 *	notes	words for people, and on a line of its own
 *		nodekiln-template: {"image":..,"version":..,"sha256":..,"firmware":"bios","vmid":9000,"state":"unfinished",..}
 *
 * A guest that was cloned from a template has the same tags and notes: the VMID in them tells the two apart. What has another
 * VMID than its notes say is somebody's guest and never touched.
 */
#include <stdint.h>

#include "lib/error.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/text.h"

#define PUBLISH_NOTES_TAG "nodekiln"
#define PUBLISH_NOTES_PREFIX "nodekiln-template: {"
#define PUBLISH_NOTES_HASH 12 /* hex digits in names and tags */

enum firmware { FIRMWARE_BIOS, FIRMWARE_UEFI };
extern const char *const firmware_names[]; /* NULL-ended */

/* All pointers are owned; NULL = not said. */
struct publish_notes {
	char *image, *version;
	char sha256[SHA256_HEX];
	enum firmware firmware;
	int64_t vmid;
	bool ready;      /* "state": unfinished from its first moment until it is a template in full */
	char *settings;  /* digest of what it was made with beside the image */
	int64_t source;  /* ctime of the volume that its disk came from, when that was read */
	char *published; /* RFC 3339, UTC; when it was made */
};

/* "IMAGE-VERSION-HASH" */
char *publish_notes_stem(const char *image, const char *version, const char *sha256) MUST_CHECK;
/* A guest's name: the stem and the firmware's suffix. */
char *publish_notes_name(const char *stem, enum firmware firmware) MUST_CHECK;
/* file is the stem of some version of image and the suffix. */
bool publish_notes_is_file(const char *file, const char *image, const char *suffix);
/* ';'-joined, more behind ours. */
char *publish_notes_tags(const struct publish_notes *p, const char *node, const struct strings *more) MUST_CHECK;
/* tags (of a guest) have all of wanted. */
bool publish_notes_tags_has(const char *tags, const char *wanted);
/* The machine's line, with PUBLISH_NOTES_PREFIX. */
char *publish_notes_line(const struct publish_notes *p) MUST_CHECK;
/* notes with that line in place of the one that is there, or behind. */
char *publish_notes_print(const struct publish_notes *p, const char *notes) MUST_CHECK;
/* false when the notes have no such line, or one that misses something. */
bool publish_notes_parse(const char *notes, struct publish_notes *ret);
void publish_notes_done(struct publish_notes *p);
