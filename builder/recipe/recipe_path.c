/* SPDX-License-Identifier: Apache-2.0 */
/* Finds recipes, their overlays and the data directory. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"
#include "lib/nearest.h"

#ifndef NODEKILN_PREFIX
#define NODEKILN_PREFIX "/usr/local"
#endif

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* In a checkout, programs are in out/, tests in out/tests/, and ASan builds of both in out/asan/. */
static bool find_checkout(char *path)
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (len <= 0)
		return false;
	path[len] = '\0';
	for (int up = 0; up < 4; up++) {
		CLEANUP(free_p) char *recipes = NULL, *overlays = NULL;
		char *slash = strrchr(path, '/');

		if (!slash || slash == path)
			return false;
		*slash = '\0';
		recipes = xasprintf("%s/recipes", path);
		overlays = xasprintf("%s/rootfs-overlays", path);
		if (is_directory(recipes) && is_directory(overlays))
			return true;
	}
	return false;
}

const char *data_directory(void)
{
	static char checkout[PATH_MAX];
	const char *named = getenv("NODEKILN_DATA");

	if (named && *named)
		return named;
	if (checkout[0] || find_checkout(checkout))
		return checkout;
	checkout[0] = '\0';
	return NODEKILN_PREFIX "/share/nodekiln";
}

void recipe_names(struct strings *ret)
{
	CLEANUP(free_p) char *directory = xasprintf("%s/recipes", data_directory());
	CLEANUP(closedir_p) DIR *dir = opendir(directory);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (text_ends(entry->d_name, ".yaml"))
			strings_own(ret, xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".yaml")));
	strings_sort(ret);
}

static bool is_path(const char *name)
{
	return strchr(name, '/') || text_ends(name, ".yaml") || text_ends(name, ".yml");
}

/* "mine" for ./mine.yaml */
static bool find_near(const char *name, struct text *ret)
{
	static const char *const suffixes[] = { ".yaml", ".yml", "" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		CLEANUP(free_p) char *path = xasprintf("./%s%s", name, suffixes[i]);
		if (access(path, F_OK) == 0 && !is_directory(path)) {
			text_addf(ret, "; did you mean %s?", path);
			return true;
		}
	}
	return false;
}

static int unknown_recipe(const char *name, const char *directory, struct error *err)
{
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text list = { 0 }, near = { 0 };

	recipe_names(&names);
	text_add_list(&list, &names);
	if (!find_near(name, &near))
		nearest_add(name, &names, &near);
	return error_set(err, ERROR_INPUT,
			 "no recipe '%s' in %s%s; available: %s; a path must contain / or end in .yaml", name,
			 directory, near.len ? near.data : "", names.n ? list.data : "none");
}

int recipe_find(const char *name_or_path, char **ret_file, struct error *err)
{
	CLEANUP(free_p) char *directory = NULL, *file = NULL;

	if (is_path(name_or_path)) {
		*ret_file = xstrdup(name_or_path);
		return 0;
	}
	directory = xasprintf("%s/recipes", data_directory());
	file = xasprintf("%s/%s.yaml", directory, name_or_path);
	if (access(file, F_OK) < 0)
		return unknown_recipe(name_or_path, directory, err);
	*ret_file = TAKE(file);
	return 0;
}

/* Length of the directory part, the slash included; 0 when there is none. */
static size_t directory_length(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? (size_t)(slash - file) + 1 : 0;
}

char *recipe_resolve_path(const char *file, const char *name)
{
	if (name[0] == '/')
		return xstrdup(name);
	return xasprintf("%.*s%s", (int)directory_length(file), file, name);
}

const char *recipe_relative(const char *file, const char *path)
{
	size_t len = directory_length(file);

	return len && strncmp(file, path, len) == 0 ? path + len : path;
}

int recipe_overlay_path(const struct recipe *recipe, const char *overlay, char **ret, struct error *err)
{
	CLEANUP(free_p) char *path = NULL;

	path = strchr(overlay, '/') ? xstrdup(overlay) : xasprintf("%s/rootfs-overlays/%s", data_directory(), overlay);
	if (!is_directory(path))
		return error_set(err, ERROR_INPUT, "recipe '%s': overlay '%s': no directory %s", recipe->name, overlay,
				 path);
	*ret = TAKE(path);
	return 0;
}
