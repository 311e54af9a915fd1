/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Names, tags and notes of a published image in PVE. Pure.
 *
 *	name	debian-12-k8s-1.20.2-0c9697bfab6d           IMAGE-VERSION-HASH; suffix "-uefi" for that firmware
 *	tags	nodekiln  kiln.image.debian-12-k8s  kiln.version.1.20.2  kiln.sha.0c9697bfab6d  kiln.node.pve1  and the target's tags
 *	notes	text for users, and on a line of its own
 *		nodekiln-template: {"image":..,"version":..,"sha256":..,"firmware":"bios","node":"pve1",..,"vmid":9000,
 *		"state":"unfinished",..,"mac":".."}
 *
 * Name, tags and notes can be written by every user who may change the guest's options: a guest is a template of ours only
 * when the line is signed with the target's key (builder/pve/note.h), and about this guest: node, VMID and SMBIOS UUID. A
 * clone of a template has the template's tags and notes, but another VMID and UUID; it belongs to a user and is never
 * changed.
 */
#include <stdint.h>

#include "builder/pve/note.h"
#include "lib/error.h"
#include "lib/text.h"

#define PUBLISH_NOTES_TAG "nodekiln"
#define PUBLISH_NOTES_WORD "nodekiln-template"
#define PUBLISH_NOTES_HASH 12 /* hex digits in names and tags */

enum firmware { FIRMWARE_BIOS, FIRMWARE_UEFI };
extern const char *const firmware_names[]; /* NULL-ended */

/* All pointers are owned; NULL = not given. */
struct publish_notes {
	char *image, *version;
	char sha256[SHA256_HEX];
	enum firmware firmware;
	int64_t vmid;
	bool ready;               /* "state": "unfinished" from its creation until it is a complete template */
	char *settings;           /* digest of everything but the image that it was made from: publish_settings() */
	int64_t source;           /* ctime of the upload that its disk was imported from */
	char *published;          /* RFC 3339, UTC; time of creation */
	char *node, *pool, *uuid; /* of Proxmox VE; where it was made, and its SMBIOS UUID */
	char ct[SHA256_HEX];      /* digest of the container's tarball of the same build; "" = not known */
	bool good;                /* its mac is */
};

/* "IMAGE-VERSION-HASH" */
char *publish_notes_stem(const char *image, const char *version, const char *sha256) MUST_CHECK;
/* A guest's name: the stem and the firmware's suffix. */
char *publish_notes_name(const char *stem, enum firmware firmware) MUST_CHECK;
/* file is STEM + suffix for some version of image. */
bool publish_notes_is_file(const char *file, const char *image, const char *suffix);
/* Such a file's name has this digest; "" = none. */
bool publish_notes_is_file_of(const char *file, const char *suffix, const char *sha256);
/* Joined by ';': ours, then more. */
char *publish_notes_tags(const struct publish_notes *p, const char *node, const struct strings *more) MUST_CHECK;
char *publish_notes_line(const struct publish_notes *p, const char *key) MUST_CHECK;
/* notes with that line replaced, or appended when there was none. */
char *publish_notes_print(const struct publish_notes *p, const char *key, const char *notes) MUST_CHECK;
/* false: the notes have no such line, or an incomplete one. key NULL: no mac is good. */
bool publish_notes_parse(const char *notes, const char *key, struct publish_notes *ret);
/* The line is signed, and about the guest with this configuration. */
bool publish_notes_prove(const struct publish_notes *p, long vmid, const char *node, const struct json *config);
void publish_notes_done(struct publish_notes *p);
