/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A line of ours in a guest's notes, which every user with VM.Config.Options on that guest can write and every user
 * with VM.Audit can read. So the line proves nothing, but its last field does, under a key that only the builder has:
 *
 *	nodekiln-deploy: {"cluster":"lab","node":"cp1","vmid":105,"kind":"vm","mac":"5f0c..."}
 *
 * mac is the HMAC-SHA-256 of all bytes of the line before `,"mac":`, the word in front of the colon among them. A line with
 * a good mac that was copied to another guest still has a good mac: callers compare its fields with the guest that it was
 * found on. Pure.
 */
#include <stdbool.h>

#include "lib/hash.h"
#include "lib/json.h"

#define NOTE_LINE_MAX 4096 /* bytes of a line; longer ones are ignored */
#define NOTE_KEY_HEX 64    /* hex digits of a key, which is used as text */

struct note {
	struct json *fields;  /* owned */
	char *text;           /* owned; the bytes that mac covers, or the whole line when it has none */
	char mac[SHA256_HEX]; /* "" = none */
};

/* "WORD: {...,"mac":"..."}". fields: an object with at least one field and no "mac"; it is borrowed. */
char *note_make(const char *word, const struct json *fields, const char *key) MUST_CHECK;
/* The first line "WORD: {...}" of the notes, which any user may have written; false: there is none, or it is broken. notes may be NULL. */
bool note_parse(const char *notes, const char *word, struct note *ret);
/* The mac is good. key NULL: nothing is good. */
bool note_check(const struct note *note, const char *key);
/* The notes with `line` in place of their first line of that word, or below them when they have none. */
char *note_replace(const char *notes, const char *word, const char *line) MUST_CHECK;
void note_done(struct note *note);
