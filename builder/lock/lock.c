/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock.h"

#include <stdlib.h>
#include <string.h>

#include "builder/lock/lock_component.h"
#include "lib/hash.h"

const char *const lock_group_names[LOCK_GROUPS + 1] = {
	[LOCK_BASE] = "base",
	[LOCK_VM] = "vm",
	[LOCK_LXC] = "lxc",
	[LOCK_EXTRA_VM] = "extra-vm",
	[LOCK_EXTRA_LXC] = "extra-lxc",
	[LOCK_TOOLCHAIN] = "toolchain",
	[LOCK_IMAGE] = "image",
	[LOCK_GO] = "go",
	NULL,
};

static const struct {
	enum lock_group parent; /* LOCK_GROUPS: the group is on top of nothing */
	bool extra;             /* of packages.extra */
} groups[LOCK_GROUPS] = {
	[LOCK_BASE] = { LOCK_GROUPS, false },  [LOCK_VM] = { LOCK_BASE, false },
	[LOCK_LXC] = { LOCK_BASE, false },     [LOCK_EXTRA_VM] = { LOCK_VM, true },
	[LOCK_EXTRA_LXC] = { LOCK_LXC, true }, [LOCK_TOOLCHAIN] = { LOCK_GROUPS, false },
	[LOCK_IMAGE] = { LOCK_GROUPS, false }, [LOCK_GO] = { LOCK_GROUPS, false },
};

enum lock_group lock_group_parent(enum lock_group group)
{
	return group < LOCK_GROUPS ? groups[group].parent : LOCK_GROUPS;
}

bool lock_group_is_parent(enum lock_group group)
{
	for (enum lock_group g = 0; g < LOCK_GROUPS; g++)
		if (group < LOCK_GROUPS && groups[g].parent == group)
			return true;
	return false;
}

bool lock_group_is_extra(enum lock_group group)
{
	return group < LOCK_GROUPS && groups[group].extra;
}

char *lock_default_path(const struct recipe *recipe)
{
	return xasprintf("%s.lock.json", recipe->name);
}

int lock_belongs(const struct lock *lock, const char *file, const struct recipe *recipe, struct error *err)
{
	CLEANUP(json_free_p) struct json *json = recipe_json(recipe);
	CLEANUP(text_done) struct text text = { 0 };
	char digest[SHA256_HEX];

	json_print(json, false, &text);
	sha256_hex(text.data, text.len, digest);
	if (text_same(lock->recipe_digest, digest))
		return 0;
	return error_set(err, ERROR_INPUT, "%s was made for another state of recipe '%s'; run `nodekiln lock` again",
			 file, recipe->name);
}

const struct lock_package *lock_find(const struct lock *lock, enum lock_group group, const char *name)
{
	for (size_t i = 0; i < lock->group[group].n; i++)
		if (strcmp(lock->group[group].at[i].name, name) == 0)
			return &lock->group[group].at[i];
	return NULL;
}

const struct lock_component *lock_component(const struct lock *lock, const char *name)
{
	for (size_t i = 0; i < lock->components.n; i++)
		if (strcmp(lock->components.at[i].name, name) == 0)
			return &lock->components.at[i];
	return NULL;
}

const struct lock_source *lock_source(const struct lock *lock, const char *name)
{
	for (size_t i = 0; i < lock->sources.n; i++)
		if (strcmp(lock->sources.at[i].name, name) == 0)
			return &lock->sources.at[i];
	return NULL;
}

/* The sha256 alone would identify the bytes; names and versions are hashed as well to make the key readable. */
void lock_group_digest(const struct lock *lock, enum lock_group group, char ret_hex[65])
{
	CLEANUP(hash_free_p) struct hash *h = hash_new();

	for (size_t i = 0; i < lock->group[group].n; i++) {
		const struct lock_package *p = &lock->group[group].at[i];

		hash_field(h, "name", p->name);
		hash_field(h, "version", p->version);
		hash_field(h, "architecture", p->architecture);
		hash_field(h, "sha256", p->sha256);
	}
	hash_hex(h, ret_hex);
}

static void lock_package_done(struct lock_package *p)
{
	free(p->name);
	free(p->version);
	free(p->architecture);
	free(p->url);
	free(p->sha256);
	*p = (struct lock_package){ 0 };
}

static void lock_file_done(struct lock_file *f)
{
	free(f->name);
	free(f->url);
	free(f->sha256);
	*f = (struct lock_file){ 0 };
}

static void lock_files_done(struct lock_files *files)
{
	for (size_t i = 0; i < files->list.n; i++)
		lock_file_done(&files->list.at[i]);
	vec_done(&files->list);
}

static void lock_source_done(struct lock_source *s)
{
	free(s->name);
	free(s->version);
	lock_files_done(&s->files);
	*s = (struct lock_source){ 0 };
}

void lock_done(struct lock *lock)
{
	for (size_t i = 0; i < lock->components.n; i++)
		lock_component_done(&lock->components.at[i]);
	vec_done(&lock->components);
	for (int group = 0; group < LOCK_GROUPS; group++) {
		for (size_t i = 0; i < lock->group[group].n; i++)
			lock_package_done(&lock->group[group].at[i]);
		vec_done(&lock->group[group]);
	}
	for (size_t i = 0; i < lock->sources.n; i++)
		lock_source_done(&lock->sources.at[i]);
	vec_done(&lock->sources);
	lock_files_done(&lock->binaries);
	free(lock->kubernetes_version);
	free(lock->recipe_digest);
	*lock = (struct lock){ 0 };
}
