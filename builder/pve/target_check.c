/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/target_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder/progress/progress.h"
#include "builder/pve/pve_retry.h"

#define DISCARD_RIGHT "Datastore.Allocate"

void target_check_miss(struct target_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_p) char *sentence = xvasprintf(fmt, ap);
	va_end(ap);
	if (!strings_has(&c->missing, sentence))
		strings_add(&c->missing, sentence);
}

/* ---- version ---- */

const char *target_version_lacks(const char *version, bool images)
{
	int major = 0, minor = 0;

	if (!version || sscanf(version, "%d.%d", &major, &minor) < 1)
		return "it does not report its version; is this a Proxmox VE API?";
	if (major < 8)
		return "Proxmox VE 8 or later is needed";
	if (major == 8 && minor < 4 && images)
		return "qcow2 images can be uploaded to Proxmox VE 8.4 and later; upgrade it, or publish with --only "
		       "ct";
	return NULL;
}

int target_check_version(struct target_check *c, bool images, struct error *err)
{
	CLEANUP(json_free_p) struct json *data = NULL;

	if (pve_get_retry(c->pve, "/version", NULL, &data, err) < 0)
		return -1;
	const char *version = json_get_string(data, "version"), *lack = target_version_lacks(version, images);
	if (lack)
		target_check_miss(c, "%s is Proxmox VE %s: %s", c->target->url, version ? version : "?", lack);
	return 0;
}

/* ---- rights ---- */

/* Any value counts: 0 means that the privilege is held here, but not below. */
bool target_permitted(const struct json *permissions, const char *path, const char *privilege)
{
	return json_get(json_get(permissions, path), privilege) != NULL;
}

static int read_permissions(struct target_check *c, const char *path, struct json **ret, struct error *err)
{
	return pve_get_retry(c->pve, "/access/permissions",
			     (const struct pve_param[]){ { "path", path }, { NULL, NULL } }, ret, err);
}

/* Whether it was not reported before. */
static bool is_first(struct target_check *c, const char *path, const char *privilege)
{
	CLEANUP(free_p) char *both = xasprintf("%s %s", path, privilege);

	if (strings_has(&c->reported, both))
		return false;
	strings_add(&c->reported, both);
	return true;
}

int target_check_rights(struct target_check *c, const char *path, const char *needed, const struct role *role,
			struct error *err)
{
	CLEANUP(json_free_p) struct json *held = NULL;
	CLEANUP(text_done) struct text lack = { 0 };
	CLEANUP(free_p) char *words = xstrdup(needed), *grant = role_grant(c->target, path, role);
	char *rest = NULL;

	if (read_permissions(c, path, &held, err) < 0)
		return -1;
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!target_permitted(held, path, word) && is_first(c, path, word))
			text_addf(&lack, "%s%s", lack.len ? ", " : "", word);
	if (lack.len)
		target_check_miss(
			c, "the token %s lacks %s on %s; as root on a node: %s (`nodekiln roles %s` prints the role)",
			c->target->token_id, lack.data, path, grant, c->target->file);
	return 0;
}

int target_check_storage_rights(struct target_check *c, const char *storage, const struct role *role, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("/storage/%s", storage);

	return target_check_rights(c, path, role->privileges, role, err);
}

/* Many administrators do not grant this privilege; then uploaded files stay. */
int target_check_discard(struct target_check *c, const char *storage, bool *ret, struct error *err)
{
	CLEANUP(json_free_p) struct json *held = NULL;
	CLEANUP(free_p) char *path = xasprintf("/storage/%s", storage);

	if (read_permissions(c, path, &held, err) < 0)
		return -1;
	*ret = target_permitted(held, path, DISCARD_RIGHT);
	return 0;
}

/* ---- the end ---- */

int target_check_report(const struct target_check *c, const char *what, struct error *err)
{
	const struct strings *missing = &c->missing;
	CLEANUP(text_done) struct text before = { 0 };

	if (!missing->n)
		return 0;
	for (size_t i = 0; missing->n > 1 && i < missing->n; i++)
		progress_notice("missing: %s", missing->at[i]);
	if (missing->n > 1)
		text_addf(&before,
			  "the target cannot take %s; everything that is missing is listed above; first: ", what);
	return error_set(err, c->space == missing->n ? ERROR_SPACE : ERROR_TARGET, "%s%s",
			 before.len ? before.data : "", missing->at[0]);
}

void target_check_done(struct target_check *c)
{
	strings_done(&c->missing);
	strings_done(&c->reported);
	for (size_t i = 0; i < c->lacks.n; i++) {
		free(c->lacks.at[i].storage);
		free(c->lacks.at[i].content);
	}
	vec_done(&c->lacks);
}
