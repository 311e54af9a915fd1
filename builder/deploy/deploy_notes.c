/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_notes.h"

#include <string.h>

#include "lib/hash.h"
#include "lib/pve.h"
#include "lib/validate.h"

#define TOKEN_PREFIX "kiln_"
#define VOLUME_PREFIX "nodekiln_"

static const char *const suffixes[] = { ".iso", ".tar.zst" };

static const char *const kinds[] = { [PVE_QEMU] = "vm", [PVE_LXC] = "lxc" };

void deploy_notes_key(const char *notes_key, char ret[DEPLOY_NOTES_KEY + 1])
{
	CLEANUP(hash_free_p) struct hash *hash = hash_new();
	char hex[SHA256_HEX];

	hash_field(hash, "notes-key", notes_key);
	hash_hex(hash, hex);
	memcpy(ret, hex, DEPLOY_NOTES_KEY);
	ret[DEPLOY_NOTES_KEY] = '\0';
}

char *deploy_notes_token(const struct deploy_notes *d)
{
	return xasprintf(TOKEN_PREFIX "%s_%s_%s", d->cluster, d->node, d->key);
}

char *deploy_notes_volume(const struct deploy_notes *d, const char *suffix)
{
	return xasprintf(VOLUME_PREFIX "%s_%s_%s%s", d->cluster, d->node, d->key, suffix);
}

char *deploy_notes_line(const struct deploy_notes *d, const char *notes_key)
{
	CLEANUP(json_free_p) struct json *fields = json_object();

	json_put_string(fields, "cluster", d->cluster);
	json_put_string(fields, "node", d->node);
	json_put_int(fields, "vmid", d->vmid);
	json_put_string(fields, "kind", kinds[d->kind]);
	json_put_string(fields, "key", d->key);
	if (*d->image)
		json_put_string(fields, "image", d->image);
	return note_make(DEPLOY_NOTES_WORD, fields, notes_key);
}

static bool take(const char *cluster, const char *node, const char *key, long vmid, struct deploy_notes *ret)
{
	if (!cluster || !node || !key || !dns_label_is_valid(cluster) || !dns_label_is_valid(node) ||
	    !hex_is_valid(key, DEPLOY_NOTES_KEY))
		return false;
	*ret = (struct deploy_notes){ .cluster = xstrdup(cluster), .node = xstrdup(node), .vmid = vmid };
	memcpy(ret->key, key, DEPLOY_NOTES_KEY + 1);
	return true;
}

/* Lines of older versions have no kind. */
static void read_more(const struct json *fields, struct deploy_notes *ret)
{
	const char *image = json_get_string(fields, "image");

	ret->kind = text_same(json_get_string(fields, "kind"), kinds[PVE_LXC]) ? PVE_LXC : PVE_QEMU;
	if (image && hex_is_valid(image, SHA256_HEX - 1))
		memcpy(ret->image, image, SHA256_HEX);
}

bool deploy_notes_parse(const char *notes, const char *notes_key, struct deploy_notes *ret)
{
	CLEANUP(note_done) struct note note = { 0 };
	int64_t vmid = 0;

	if (!note_parse(notes, DEPLOY_NOTES_WORD, &note) || !pve_get_int(note.fields, "vmid", &vmid) || vmid <= 0 ||
	    !take(json_get_string(note.fields, "cluster"), json_get_string(note.fields, "node"),
		  json_get_string(note.fields, "key"), (long)vmid, ret))
		return false;
	read_more(note.fields, ret);
	ret->good = note_check(&note, notes_key);
	return true;
}

/* "CLUSTER_NODE_KEY" */
static bool parse_parts(const char *text, size_t len, struct deploy_notes *ret)
{
	CLEANUP(free_p) char *copy = xstrndup(text, len);
	char *node = strchr(copy, '_'), *key = node ? strchr(node + 1, '_') : NULL;

	if (!key)
		return false;
	*node++ = *key++ = '\0';
	return take(copy, node, key, 0, ret);
}

bool deploy_notes_parse_token(const char *name, struct deploy_notes *ret)
{
	size_t n = strlen(TOKEN_PREFIX);

	return text_starts(name, TOKEN_PREFIX) && parse_parts(name + n, strlen(name + n), ret);
}

bool deploy_notes_parse_volume(const char *name, struct deploy_notes *ret)
{
	size_t n = strlen(VOLUME_PREFIX);

	for (size_t i = 0; text_starts(name, VOLUME_PREFIX) && i < ARRAY_SIZE(suffixes); i++)
		if (text_ends(name, suffixes[i]))
			return parse_parts(name + n, strlen(name + n) - strlen(suffixes[i]), ret);
	return false;
}

void deploy_notes_done(struct deploy_notes *d)
{
	free(d->cluster);
	free(d->node);
	*d = (struct deploy_notes){ 0 };
}
