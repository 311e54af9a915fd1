/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a recipe as a whole. Each function checks one area; the first fault is reported. */
#include <stdarg.h>
#include <string.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"
#include "lib/validate.h"

#define MIB (1024ull * 1024)
#define DISK_SIZE_MIN (2048 * MIB)  /* a kernel, a boot loader and a small Debian need about 1 GiB */
#define DISK_SIZE_MAX (16ull << 40) /* the limit of ext4 with 32-bit block numbers */
#define ZLIB_LEVEL_MAX 9

int recipe_wrong(const struct recipe_checker *j, const char *path, const char *fmt, ...)
{
	CLEANUP(free_p) char *what = NULL;
	const struct yaml *nearest;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	(void)recipe_node(j->tree, path, &nearest);
	return yaml_error(nearest, j->err, "%s", what);
}

int recipe_check_url(const struct recipe_checker *j, const char *path, const char *url)
{
	if (url && !url_is_valid(url))
		return recipe_wrong(j, path, "%s is '%s'; allowed: http://, https:// or file:/// and no spaces", path,
				    url);
	return 0;
}

static int check_name(const struct recipe_checker *j)
{
	if (!recipe_name_is_valid(j->recipe->name))
		return recipe_wrong(
			j, "name",
			"name is '%s'; allowed: up to 63 of a-z 0-9 - . with a letter or digit at both ends%s",
			j->recipe->name, validate_case_hint(recipe_name_is_valid, j->recipe->name));
	if (strcmp(j->recipe->architecture, "amd64") != 0)
		return recipe_wrong(j, "architecture",
				    "architecture is '%s'; allowed: amd64 (others are not supported yet)",
				    j->recipe->architecture);
	return 0;
}

static int check_distribution(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;

	if (!r->distribution.suite)
		return recipe_wrong(j, "distribution", "distribution.suite is missing; set it, e.g. to bookworm");
	if (!filename_is_valid(r->distribution.suite))
		return recipe_wrong(j, "distribution.suite",
				    "distribution.suite is '%s'; allowed: the name of a suite, e.g. bookworm",
				    r->distribution.suite);
	if (r->distribution.components.n == 0)
		return recipe_wrong(j, "distribution.components", "distribution.components is empty; main is needed");
	for (size_t i = 0; i < r->distribution.components.n; i++)
		if (!filename_is_valid(r->distribution.components.at[i]))
			return recipe_wrong(j, "distribution.components",
					    "distribution.components has '%s'; allowed: names such as main, contrib",
					    r->distribution.components.at[i]);
	if (recipe_check_url(j, "distribution.mirror", r->distribution.mirror) < 0)
		return -1;
	return recipe_check_url(j, "distribution.security_mirror", r->distribution.security_mirror);
}

static int check_repository_key(const struct recipe_checker *j, const char *path, const struct repository *r)
{
	if (!r->key_url == !r->keyring)
		return recipe_wrong(j, path, "%s must have key_url (an armored key) or keyring (a file), and not both",
				    path);
	if (!r->key_fingerprint && r->key_url)
		return recipe_wrong(
			j, path,
			"%s has a key_url but no key_fingerprint; pin the key by the 40 hex digits of its fingerprint",
			path);
	if (r->key_fingerprint && !hex_is_valid(r->key_fingerprint, 40))
		return recipe_wrong(j, path,
				    "%s.key_fingerprint is '%s'; allowed: 40 hex digits (short key ids can be forged)",
				    path, r->key_fingerprint);
	return 0;
}

static int check_repository(const struct recipe_checker *j, size_t i)
{
	const struct repository *r = &j->recipe->repositories.at[i];
	CLEANUP(free_p) char *path = xasprintf("repositories.%zu", i);
	CLEANUP(free_p) char *url_path = xasprintf("%s.url", path), *key_path = xasprintf("%s.key_url", path);
	bool flat = r->suite && text_ends(r->suite, "/");

	if (!r->url || !r->suite)
		return recipe_wrong(j, path, "%s needs url and suite (a flat repository has suite /)", path);
	if (recipe_check_url(j, url_path, r->url) < 0 || recipe_check_url(j, key_path, r->key_url) < 0)
		return -1;
	if (r->suite[strcspn(r->suite, " \t\n[]")])
		return recipe_wrong(j, path, "%s.suite is '%s'; allowed: one word", path, r->suite);
	for (size_t k = 0; k < r->components.n; k++)
		if (!filename_is_valid(r->components.at[k]))
			return recipe_wrong(j, path, "%s.components has '%s'; allowed: names such as main", path,
					    r->components.at[k]);
	if (flat != (r->components.n == 0))
		return recipe_wrong(
			j, path,
			"%s: a flat repository (suite ends in /) has no components, any other needs at least one",
			path);
	return check_repository_key(j, path, r);
}

static int check_repositories(const struct recipe_checker *j)
{
	for (size_t i = 0; i < j->recipe->repositories.n; i++)
		if (check_repository(j, i) < 0)
			return -1;
	return 0;
}

static bool is_overlay(const char *s)
{
	return strchr(s, '/') || filename_is_valid(s);
}

/* The lists of the three sets, and what each may contain. */
static const struct {
	const char *key;
	bool (*is)(const char *);
	const char *allowed;
} set_words[] = {
	{ "packages", debian_package_is_valid, "Debian package names, e.g. openssh-server" },
	{ "overlays", is_overlay, "names below rootfs-overlays/, or paths with a /" },
	{ "units", unit_name_is_valid, "systemd units, e.g. containerd.service" },
};

static int check_words(const struct recipe_checker *j, const struct strings *list, size_t kind, const char *set)
{
	CLEANUP(free_p) char *path = xasprintf("%s.%s", set_words[kind].key, set);

	for (size_t i = 0; i < list->n; i++)
		if (!set_words[kind].is(list->at[i]))
			return recipe_wrong(j, path, "%s has '%s'; allowed: %s", path, list->at[i],
					    set_words[kind].allowed);
	return 0;
}

static int check_sets(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;
	const struct strings *const lists[] = { r->packages, r->overlays, r->units };

	for (size_t i = 0; i < ARRAY_SIZE(set_words); i++)
		for (int set = 0; set < SETS; set++)
			if (check_words(j, &lists[i][set], i, set_names[set]) < 0)
				return -1;
	return check_words(j, &r->extra_packages, 0, "extra");
}

/* Of two kernels GRUB boots the one whose release sorts last, and the other one may be the one that was wanted. */
static int check_kernel(const struct recipe_checker *j)
{
	static const struct {
		const char *key;
		enum set set;
	} places[] = { { "packages.base", SET_BASE }, { "packages.vm", SET_VM }, { "packages.extra", SETS } };
	const struct recipe *r = j->recipe;

	for (size_t i = 0; r->kernel != KERNEL_NONE && i < ARRAY_SIZE(places); i++) {
		const struct strings *list = places[i].set == SETS ? &r->extra_packages : &r->packages[places[i].set];
		for (size_t k = 0; k < list->n; k++)
			if (text_starts(list->at[k], "linux-image-"))
				return recipe_wrong(
					j, places[i].key,
					"%s has the kernel %s, and 'kernel' is '%s', so the image would have two; "
					"remove the package, or set kernel: none",
					places[i].key, list->at[k], kernel_names[r->kernel]);
	}
	return 0;
}

static int check_disk(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;

	if (!r->outputs.qcow2)
		return 0;
	if (r->disk.size < DISK_SIZE_MIN || r->disk.size > DISK_SIZE_MAX)
		return recipe_wrong(j, "disk.size", "disk.size is %s; allowed: 2G to 16T", text_bytes(r->disk.size));
	if (r->disk.size % MIB)
		return recipe_wrong(j, "disk.size", "disk.size is %llu bytes; allowed: whole MiB", r->disk.size);
	if (strcmp(r->disk.filesystem, "ext4") != 0)
		return recipe_wrong(j, "disk.filesystem", "disk.filesystem is '%s'; allowed: ext4", r->disk.filesystem);
	if (!r->disk.bios && !r->disk.uefi)
		return recipe_wrong(j, "disk.firmware", "disk.firmware is empty; allowed: bios, uefi or both");
	return 0;
}

static int check_level(const struct recipe_checker *j, const char *path, enum compression compression, int level)
{
	if (compression == COMPRESSION_NONE && level)
		return recipe_wrong(j, path, "%s is %d, but there is no compression; leave it out", path, level);
	if (compression == COMPRESSION_ZLIB && level > ZLIB_LEVEL_MAX)
		return recipe_wrong(j, path, "%s is %d; zlib's highest is %d", path, level, ZLIB_LEVEL_MAX);
	return 0;
}

static int check_outputs(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;

	if (!r->outputs.qcow2 && !r->outputs.tarball)
		return recipe_wrong(j, "outputs", "outputs: both qcow2 and tarball are off; enable one");
	if (r->outputs.tarball_compression == COMPRESSION_ZLIB)
		return recipe_wrong(j, "outputs.tarball.compression",
				    "outputs.tarball.compression is 'zlib'; allowed: zstd, none");
	if (check_level(j, "outputs.qcow2.level", r->outputs.qcow2_compression, r->outputs.qcow2_level) < 0)
		return -1;
	return check_level(j, "outputs.tarball.level", r->outputs.tarball_compression, r->outputs.tarball_level);
}

static int check_guest_agent(const struct recipe_checker *j)
{
	const struct strings *allow = &j->recipe->guest_agent.allow;

	for (size_t i = 0; i < allow->n; i++) {
		const char *const *name = guest_agent_names;
		while (*name && strcmp(*name, allow->at[i]))
			name++;
		if (!*name)
			return recipe_wrong(j, "guest_agent.allow",
					    "guest_agent.allow has '%s'; allowed: exec, file, password", allow->at[i]);
	}
	return 0;
}

int recipe_check(const struct recipe *recipe, const struct yaml *tree, struct error *err)
{
	static int (*const checks[])(const struct recipe_checker *) = {
		check_name, check_distribution, check_repositories, check_sets, check_kernel, recipe_check_kubernetes,
		check_disk, check_outputs,      check_guest_agent,
	};
	const struct recipe_checker checker = { recipe, tree, err };

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i](&checker) < 0)
			return -1;
	return 0;
}
