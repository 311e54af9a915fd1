/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/note.h"

#include <stdlib.h>
#include <string.h>

#include "lib/hash.h"
#include "lib/text.h"
#include "lib/validate.h"

#define MAC_BEFORE ",\"mac\":\""
#define MAC_AFTER "\"}"
#define MAC_BYTES (sizeof MAC_BEFORE - 1 + SHA256_HEX - 1 + sizeof MAC_AFTER - 1)

char *note_make(const char *word, const struct json *fields, const char *key)
{
	CLEANUP(text_done) struct text line = { 0 };
	char mac[SHA256_HEX];

	text_addf(&line, "%s: ", word);
	json_print(fields, false, &line);
	line.data[--line.len] = '\0'; /* the brace; mac comes in front of it */
	hmac_sha256_hex(key, strlen(key), line.data, line.len, mac);
	text_addf(&line, MAC_BEFORE "%s" MAC_AFTER, mac);
	return text_take(&line);
}

/* The start of the line; NULL = none. */
static const char *find_line(const char *notes, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = notes; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, word, n) && text_starts(at + n, ": {"))
			return at;
	}
	return NULL;
}

/* Moves the mac at the line's end to ret; lines without one stay whole. */
static void split_mac(struct note *ret)
{
	size_t len = strlen(ret->text);
	char *from = ret->text + len - MAC_BYTES;

	if (len < MAC_BYTES || !text_starts(from, MAC_BEFORE) || !text_ends(from, MAC_AFTER))
		return;
	memcpy(ret->mac, from + sizeof MAC_BEFORE - 1, SHA256_HEX - 1);
	if (hex_is_valid(ret->mac, SHA256_HEX - 1))
		*from = '\0';
	else
		*ret->mac = '\0';
}

bool note_parse(const char *notes, const char *word, struct note *ret)
{
	CLEANUP(note_done) struct note note = { 0 };
	const char *line = find_line(notes, word);
	size_t len = line ? strcspn(line, "\r\n") : 0, before = strlen(word) + 2;
	struct error ignored = { 0 };

	if (!line || len > NOTE_LINE_MAX ||
	    json_parse("notes", line + before, len - before, &note.fields, &ignored) < 0)
		return false;
	note.text = xstrndup(line, len);
	split_mac(&note);
	*ret = TAKE(note);
	return true;
}

/* In constant time. */
bool note_check(const struct note *note, const char *key)
{
	char mac[SHA256_HEX];
	unsigned differs = 0;

	if (!key || !*note->mac)
		return false;
	hmac_sha256_hex(key, strlen(key), note->text, strlen(note->text), mac);
	for (size_t i = 0; i < SHA256_HEX - 1; i++)
		differs |= (unsigned)(mac[i] ^ note->mac[i]);
	return !differs;
}

char *note_replace(const char *notes, const char *word, const char *line)
{
	const char *old = find_line(notes, word);

	if (!old)
		return xasprintf("%s%s%s", notes, *notes ? "\n\n" : "", line);
	return xasprintf("%.*s%s%s", (int)(old - notes), notes, line, old + strcspn(old, "\r\n"));
}

void note_done(struct note *note)
{
	json_free(note->fields);
	free(note->text);
	*note = (struct note){ 0 };
}
