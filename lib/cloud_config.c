/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cloud_config.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/cloud_keys.h"
#include "lib/nearest.h"

static const char *const stage_keys[CLOUD_STAGES] = { "cloud_init_modules", "cloud_config_modules",
						      "cloud_final_modules" };

/* "write_files", "cc_write_files" and "write-files" are one module. Owned by the caller. */
static char *module_name(const char *written)
{
	char *name = xstrdup(written + (text_starts(written, "cc_") ? strlen("cc_") : 0));

	for (char *c = name; *c; c++)
		*c = *c == '_' ? '-' : *c;
	return name;
}

/* An item is a name, or [name, frequency, ...], or {name: ..., frequency: ...}. */
static const struct yaml *name_of(const struct yaml *item)
{
	if (item->kind == YAML_LIST)
		item = item->children ? item->child[0] : NULL;
	else if (item->kind == YAML_MAP)
		item = yaml_find(item, "name");
	return item && item->kind == YAML_SCALAR ? item : NULL;
}

void cloud_modules_read(const struct yaml *document, struct cloud_modules *ret)
{
	for (size_t s = 0; s < CLOUD_STAGES; s++) {
		const struct yaml *list = yaml_find(document, stage_keys[s]);

		if (!list)
			continue;
		strings_done(&ret->stage[s]);
		ret->known = true;
		for (size_t i = 0; i < list->children; i++) {
			const struct yaml *name = name_of(list->child[i]);
			if (name)
				strings_own(&ret->stage[s], module_name(name->value));
		}
	}
}

void cloud_modules_done(struct cloud_modules *modules)
{
	for (size_t s = 0; s < CLOUD_STAGES; s++)
		strings_done(&modules->stage[s]);
	modules->known = false;
}

static bool runs(const struct cloud_modules *modules, const char *name)
{
	bool found = false;

	for (size_t s = 0; s < CLOUD_STAGES; s++)
		found |= strings_has(&modules->stage[s], name);
	return found;
}

/* As PyYAML reads it: YAML 1.1 has more words for false. */
static bool asks_for_nothing(const struct yaml *value)
{
	static const char *const words[] = { "", "null", "false", "no", "off" };

	for (size_t i = 0; value->kind == YAML_SCALAR && value->plain && i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(value->value, words[i]))
			return true;
	return value->kind != YAML_SCALAR && !value->children;
}

static const struct cloud_key *find_key(const char *name)
{
	CLEANUP(free_p) char *underscores = xstrdup(name);

	for (char *c = underscores; *c; c++)
		*c = *c == '-' ? '_' : *c;
	for (const struct cloud_key *k = cloud_keys; k->name; k++)
		if (!strcmp(k->name, underscores))
			return k;
	return NULL;
}

static void check_key(const struct yaml *at, const struct cloud_modules *modules, struct cloud_findings *ret)
{
	const struct cloud_key *key = find_key(at->key);

	if (!key) {
		vec_push(&ret->list, (struct cloud_finding){ at, CLOUD_UNKNOWN, "" });
		return;
	}
	if (!key->module || asks_for_nothing(at))
		return;
	if (!runs(modules, key->module))
		vec_push(&ret->list, (struct cloud_finding){ at, CLOUD_IGNORED, key->advice });
	else if (key->harmful)
		vec_push(&ret->list, (struct cloud_finding){ at, CLOUD_HARMFUL, key->advice });
}

void cloud_config_check(const struct yaml *config, const struct cloud_modules *modules, struct cloud_findings *ret)
{
	for (size_t i = 0; config->kind == YAML_MAP && i < config->children; i++)
		check_key(config->child[i], modules, ret);
}

void cloud_findings_done(struct cloud_findings *findings)
{
	vec_done(&findings->list);
}

static void add_nearest(const char *word, struct text *ret)
{
	CLEANUP(strings_done) struct strings names = { 0 };

	for (const struct cloud_key *k = cloud_keys; k->name; k++)
		strings_add(&names, k->name);
	nearest_add(word, &names, ret);
}

void cloud_finding_text(const struct cloud_finding *f, struct text *ret)
{
	static const char *const says[] = {
		[CLOUD_IGNORED] = "is not carried out by cloud-init in these images",
		[CLOUD_UNKNOWN] = "is no key of cloud-init, and does nothing",
		[CLOUD_HARMFUL] = "hinders a node",
	};

	text_addf(ret, "'%s' %s%s%s", f->at->key, says[f->fault], *f->advice ? ": " : "", f->advice);
	if (f->fault == CLOUD_UNKNOWN)
		add_nearest(f->at->key, ret);
}
