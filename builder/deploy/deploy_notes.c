/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/deploy/deploy_notes.h"

#include <string.h>

#include "lib/hash.h"
#include "lib/pve.h"
#include "lib/validate.h"

#define LINE_BYTES_MAX 1024 /* of our line; users can edit the notes */
#define TOKEN_PREFIX "kiln_"
#define VOLUME_PREFIX "nodekiln_"

static const char *const suffixes[] = { ".iso", ".tar.zst" };

void deploy_notes_key(const char *token, const char *certificate_key, char ret[DEPLOY_NOTES_KEY + 1])
{
	CLEANUP(hash_free_p) struct hash *hash = hash_new();
	char hex[SHA256_HEX];

	hash_field(hash, "token", token);
	hash_field(hash, "certificate-key", certificate_key);
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

char *deploy_notes_line(const struct deploy_notes *d)
{
	return xasprintf(DEPLOY_NOTES_PREFIX "\"cluster\":\"%s\",\"node\":\"%s\",\"vmid\":%ld,\"key\":\"%s\"}",
			 d->cluster, d->node, d->vmid, d->key);
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

static const char *find_line(const char *notes)
{
	for (const char *at = notes; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (text_starts(at, DEPLOY_NOTES_PREFIX))
			return at;
	}
	return NULL;
}

bool deploy_notes_parse(const char *notes, struct deploy_notes *ret)
{
	CLEANUP(json_free_p) struct json *object = NULL;
	const char *line = notes ? find_line(notes) : NULL;
	size_t len = line ? strcspn(line, "\r\n") : 0, prefix = strlen(DEPLOY_NOTES_PREFIX) - 1;
	struct error ignored = { 0 };
	int64_t vmid = 0;

	if (!line || len > LINE_BYTES_MAX || json_parse("notes", line + prefix, len - prefix, &object, &ignored) < 0 ||
	    !pve_get_int(object, "vmid", &vmid) || vmid <= 0)
		return false;
	return take(json_get_string(object, "cluster"), json_get_string(object, "node"), json_get_string(object, "key"),
		    (long)vmid, ret);
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
