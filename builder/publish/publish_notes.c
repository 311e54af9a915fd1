/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_notes.h"

#include <ctype.h>
#include <string.h>

#include "builder/pve/pve_identity.h"
#include "lib/pve.h"
#include "lib/validate.h"

const char *const firmware_names[] = { "bios", "uefi", NULL };

char *publish_notes_stem(const char *image, const char *version, const char *sha256)
{
	return xasprintf("%s-%s-%.*s", image, version, PUBLISH_NOTES_HASH, sha256);
}

char *publish_notes_name(const char *stem, enum firmware firmware)
{
	return xasprintf("%s%s", stem, firmware == FIRMWARE_UEFI ? "-uefi" : "");
}

/* IMAGE-VERSION-HASH.SUFFIX. One image's name may be a prefix of another's; a version contains no '-'. */
bool publish_notes_is_file(const char *file, const char *image, const char *suffix)
{
	size_t n = strlen(image);

	if (!text_starts(file, image) || file[n] != '-' || !text_ends(file, suffix))
		return false;
	const char *version = file + n + 1, *dash = strchr(version, '-'), *end = file + strlen(file) - strlen(suffix);
	if (!dash || dash == version || end - dash != 1 + PUBLISH_NOTES_HASH)
		return false;
	CLEANUP(free_p) char *hash = xstrndup(dash + 1, PUBLISH_NOTES_HASH);
	return hex_is_valid(hash, PUBLISH_NOTES_HASH);
}

bool publish_notes_is_file_of(const char *file, const char *suffix, const char *sha256)
{
	CLEANUP(free_p) char *end = xasprintf("-%.*s%s", PUBLISH_NOTES_HASH, sha256, suffix);

	return *sha256 && text_ends(file, end);
}

char *publish_notes_tags(const struct publish_notes *p, const char *node, const struct strings *more)
{
	struct text t = { 0 };

	text_addf(&t, PUBLISH_NOTES_TAG ";kiln.image.%s;kiln.version.%s;kiln.sha.%.*s;kiln.node.%s", p->image,
		  p->version, PUBLISH_NOTES_HASH, p->sha256, node);
	for (size_t i = 0; more && i < more->n; i++)
		text_addf(&t, ";%s", more->at[i]);
	for (char *c = t.data; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return text_take(&t);
}

static void put(struct json *object, const char *key, const char *value)
{
	if (value && *value)
		json_put_string(object, key, value);
}

char *publish_notes_line(const struct publish_notes *p, const char *key)
{
	CLEANUP(json_free_p) struct json *object = json_object();

	json_put_string(object, "image", p->image);
	json_put_string(object, "version", p->version);
	json_put_string(object, "sha256", p->sha256);
	json_put_string(object, "firmware", firmware_names[p->firmware]);
	put(object, "node", p->node);
	put(object, "pool", p->pool);
	put(object, "uuid", p->uuid);
	put(object, "ct", p->ct);
	json_put_int(object, "vmid", p->vmid);
	json_put_string(object, "state", p->ready ? "ready" : "unfinished");
	json_put_string(object, "settings", p->settings);
	json_put_int(object, "source", p->source);
	json_put_string(object, "published", p->published);
	return note_make(PUBLISH_NOTES_WORD, object, key);
}

char *publish_notes_print(const struct publish_notes *p, const char *key, const char *notes)
{
	CLEANUP(free_p) char *line = publish_notes_line(p, key);

	return note_replace(notes, PUBLISH_NOTES_WORD, line);
}

static char *copy(const struct json *object, const char *key)
{
	const char *s = json_get_string(object, key);

	return xstrdup_or_null(s);
}

static bool read_firmware(const struct json *object, enum firmware *ret)
{
	const char *name = json_get_string(object, "firmware");

	for (int i = 0; firmware_names[i]; i++)
		if (text_same(name, firmware_names[i])) {
			*ret = (enum firmware)i;
			return true;
		}
	return false;
}

static bool read_object(const struct json *object, struct publish_notes *p)
{
	const char *sha256 = json_get_string(object, "sha256");

	if (!sha256 || !hex_is_valid(sha256, SHA256_HEX - 1) || !read_firmware(object, &p->firmware) ||
	    !pve_get_int(object, "vmid", &p->vmid))
		return false;
	memcpy(p->sha256, sha256, SHA256_HEX);
	if (!pve_get_int(object, "source", &p->source))
		p->source = 0;
	p->ready = text_same(json_get_string(object, "state"), "ready");
	p->image = copy(object, "image");
	p->version = copy(object, "version");
	p->settings = copy(object, "settings");
	p->published = copy(object, "published");
	p->node = copy(object, "node");
	p->pool = copy(object, "pool");
	p->uuid = copy(object, "uuid");
	const char *ct = json_get_string(object, "ct");
	if (ct && hex_is_valid(ct, SHA256_HEX - 1))
		memcpy(p->ct, ct, SHA256_HEX);
	return p->image && p->version && p->settings && p->published;
}

bool publish_notes_parse(const char *notes, const char *key, struct publish_notes *ret)
{
	CLEANUP(publish_notes_done) struct publish_notes p = { 0 };
	CLEANUP(note_done) struct note note = { 0 };

	if (!note_parse(notes, PUBLISH_NOTES_WORD, &note) || !read_object(note.fields, &p))
		return false;
	p.good = note_check(&note, key);
	*ret = TAKE(p);
	return true;
}

bool publish_notes_prove(const struct publish_notes *p, long vmid, const char *node, const struct json *config)
{
	CLEANUP(free_p) char *uuid = pve_identity(config, PVE_QEMU);

	return p->good && p->vmid == vmid && text_same(p->node, node) && p->uuid && text_same(p->uuid, uuid);
}

void publish_notes_done(struct publish_notes *p)
{
	free(p->image);
	free(p->version);
	free(p->settings);
	free(p->published);
	free(p->node);
	free(p->pool);
	free(p->uuid);
	*p = (struct publish_notes){ 0 };
}
