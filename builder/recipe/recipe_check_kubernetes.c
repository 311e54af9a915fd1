/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that Kubernetes, its runtime and its images fit together. */
#include <string.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"
#include "lib/validate.h"

#define DOCKERSHIM_LAST_MINOR 23 /* from 1.24 on kubelet needs cri-dockerd to use Docker */

static int check_version(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;
	const char *version = r->kubernetes.version;
	int major, minor, patch;

	if (!version)
		return recipe_wrong(j, "kubernetes", "kubernetes.version is missing; kubernetes.source %s needs it",
				    kubernetes_source_names[r->kubernetes.source]);
	if (!kubernetes_release_parse(version, &major, &minor, &patch))
		return recipe_wrong(
			j, "kubernetes.version",
			"kubernetes.version is '%s'; allowed: 1.34.1, and for source packages also a minor, 1.34",
			version);
	if (patch < 0 && r->kubernetes.source != KUBERNETES_PACKAGES)
		return recipe_wrong(j, "kubernetes.version",
				    "kubernetes.version is '%s'; source %s needs all three numbers", version,
				    kubernetes_source_names[r->kubernetes.source]);
	return 0;
}

static int check_binary(const struct recipe_checker *j, size_t i)
{
	const struct binary *b = &j->recipe->kubernetes.binaries.at[i];
	CLEANUP(free_p) char *path = xasprintf("kubernetes.binaries.%zu", i), *url_path = xasprintf("%s.url", path);

	if (!b->url || !b->sha256 || !b->path)
		return recipe_wrong(j, path, "%s needs url, sha256 and path", path);
	if (!hex_is_valid(b->sha256, 64))
		return recipe_wrong(j, path, "%s.sha256 is '%s'; allowed: 64 hex digits", path, b->sha256);
	if (!path_is_normalized(b->path))
		return recipe_wrong(j, path, "%s.path is '%s'; allowed: an absolute path without . or ..", path,
				    b->path);
	if (b->member && b->archive)
		return recipe_wrong(j, path, "%s has both member and archive; allowed: one of them", path);
	return recipe_check_url(j, url_path, b->url);
}

/* Also called before the paths were checked, so path may be NULL. */
static bool installs(const struct recipe *r, const char *program)
{
	for (size_t i = 0; i < r->kubernetes.binaries.n; i++) {
		const char *path = r->kubernetes.binaries.at[i].path, *slash = path ? strrchr(path, '/') : NULL;

		if (slash && strcmp(slash + 1, program) == 0)
			return true;
	}
	return false;
}

/* Also what a component brings: a program with a path, a file, or a package of the program's name. */
static bool has_program(const struct recipe *r, const char *program)
{
	for (size_t i = 0; i < r->components.n; i++) {
		const struct component *c = &r->components.at[i];

		for (size_t p = 0; component_is_compiled(c) && p < c->programs.n; p++)
			if (c->programs.at[p].path && strcmp(c->programs.at[p].name, program) == 0)
				return true;
		if (c->source == COMPONENT_PACKAGES &&
		    (strings_has(&c->packages.names, program) || strings_has(&c->packages.versioned, program)))
			return true;
	}
	return installs(r, program);
}

static int check_binaries(const struct recipe_checker *j)
{
	for (size_t i = 0; i < j->recipe->kubernetes.binaries.n; i++)
		if (check_binary(j, i) < 0)
			return -1;
	return 0;
}

/* Every node has these three programs. Archives may contain them and cannot be examined here. */
static int check_programs(const struct recipe_checker *j)
{
	static const char *const programs[] = { "kubelet", "kubeadm", "kubectl" };
	const struct recipe *r = j->recipe;

	for (size_t i = 0; i < r->kubernetes.binaries.n; i++)
		if (r->kubernetes.binaries.at[i].archive)
			return 0;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (!installs(r, programs[i]))
			return recipe_wrong(j, "kubernetes.binaries",
					    "kubernetes.binaries lacks %s; source binaries needs it", programs[i]);
	return 0;
}

static int check_packages(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;

	for (size_t i = 0; i < r->kubernetes.packages.n; i++)
		if (!debian_package_is_valid(r->kubernetes.packages.at[i]))
			return recipe_wrong(j, "kubernetes.packages",
					    "kubernetes.packages has '%s'; allowed: Debian package names",
					    r->kubernetes.packages.at[i]);
	if (r->repositories.n == 0)
		return recipe_wrong(
			j, "kubernetes.source",
			"kubernetes.source packages needs an entry in repositories that has kubelet and kubeadm");
	return 0;
}

/* Rejects keys that the chosen source would ignore. */
static int check_foreign_keys(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;
	/* Packages may lack something that is only released as a file, such as cri-dockerd. */
	bool with_packages = r->kubernetes.source == KUBERNETES_PACKAGES || r->components.n > 0;
	const struct {
		const char *path;
		bool given;
		enum kubernetes_source source;
	} keys[] = {
		{ "kubernetes.packages", r->kubernetes.packages.n > 0, KUBERNETES_PACKAGES },
		{ "kubernetes.binaries", r->kubernetes.binaries.n > 0 && !with_packages, KUBERNETES_BINARIES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].given && r->kubernetes.source != keys[i].source)
			return recipe_wrong(j, keys[i].path, "%s needs kubernetes.source %s; the source here is %s",
					    keys[i].path, kubernetes_source_names[keys[i].source],
					    kubernetes_source_names[r->kubernetes.source]);
	if (r->images.control_plane && !recipe_component(r, COMPONENT_KUBERNETES))
		return recipe_wrong(j, "images.control_plane",
				    "images.control_plane needs the component kubernetes, e.g. components: "
				    "{kubernetes: 1.37}");
	return 0;
}

static bool component_has_package(const struct recipe *r, const char *name)
{
	for (size_t i = 0; i < r->components.n; i++) {
		const struct component *c = &r->components.at[i];

		if (c->source == COMPONENT_PACKAGES &&
		    (strings_has(&c->packages.names, name) || strings_has(&c->packages.versioned, name)))
			return true;
	}
	return false;
}

static bool has_package(const struct recipe *r, const char *const *names)
{
	for (; *names; names++)
		if (strings_has(&r->packages[SET_BASE], *names) || strings_has(&r->kubernetes.packages, *names) ||
		    component_has_package(r, *names))
			return true;
	return false;
}

static int check_runtime(const struct recipe_checker *j)
{
	static const char *const containerd[] = { "containerd", "containerd.io", NULL };
	static const char *const docker[] = { "docker.io", "docker-ce", NULL };
	const struct recipe *r = j->recipe;

	if (r->runtime == RUNTIME_CONTAINERD && !has_package(r, containerd) && !has_program(r, "containerd"))
		return recipe_wrong(j, "runtime",
				    "runtime containerd needs the component containerd, or the package containerd or "
				    "containerd.io in packages.base");
	if (r->runtime == RUNTIME_DOCKER && !has_package(r, docker) && !has_program(r, "dockerd"))
		return recipe_wrong(j, "runtime",
				    "runtime docker needs the package docker.io or docker-ce in packages.base");
	if (r->runtime == RUNTIME_NONE && (r->images.control_plane || r->images.archives.n))
		return recipe_wrong(
			j, "images",
			"images are preloaded into the runtime's store; runtime must be containerd or docker");
	return 0;
}

static int check_cri_dockerd(const struct recipe_checker *j)
{
	static const char *const cri_dockerd[] = { "cri-dockerd", NULL };
	const struct recipe *r = j->recipe;
	const struct component *kubernetes = recipe_component(r, "kubernetes");
	const char *version = kubernetes ? kubernetes->version : r->kubernetes.version;
	int major, minor, patch;

	if (r->runtime != RUNTIME_DOCKER || !kubernetes_release_parse(version, &major, &minor, &patch) ||
	    minor <= DOCKERSHIM_LAST_MINOR || has_package(r, cri_dockerd) || has_program(r, "cri-dockerd"))
		return 0;
	return recipe_wrong(
		j, "runtime",
		"runtime docker with Kubernetes %s needs cri-dockerd; add the component cri-dockerd, or add "
		"it to packages.base or kubernetes.binaries",
		version);
}

/* The component replaces the keys of `kubernetes`. */
static int check_component(const struct recipe_checker *j)
{
	static const char *const programs[] = { "kubelet", "kubeadm", "kubectl" };
	const struct recipe *r = j->recipe;
	const struct component *c = recipe_component(r, "kubernetes");

	if (r->kubernetes.source != KUBERNETES_NONE || r->kubernetes.version)
		return recipe_wrong(j, "kubernetes",
				    "the component kubernetes chooses version and source; remove kubernetes.source and "
				    "kubernetes.version, and write components: {kubernetes: {version: %s, source: %s}}",
				    r->kubernetes.version ? r->kubernetes.version : c->version,
				    r->kubernetes.source == KUBERNETES_PACKAGES ? "packages" : "go-modules");
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (!has_program(r, programs[i]))
			return recipe_wrong(j, "components.kubernetes", "the component kubernetes lacks %s (%s)",
					    programs[i], c->file);
	return 0;
}

/* A file that is not listed cannot be fetched: its digest is not known. */
static int check_releases(const struct recipe_checker *j)
{
	for (size_t i = 0; i < j->recipe->components.n; i++) {
		const struct component *c = &j->recipe->components.at[i];
		CLEANUP(free_p) char *path = xasprintf("components.%s", c->name);
		bool listed = c->source != COMPONENT_BINARIES;

		for (size_t k = 0; k < c->binaries.n; k++)
			listed |= strcmp(c->binaries.at[k].version, c->version) == 0;
		if (!listed)
			return recipe_wrong(j, path,
					    "%s has no file of version %s in its section binaries; add one with its "
					    "sha256, or choose another version or source",
					    c->file, c->version);
	}
	return 0;
}

int recipe_check_kubernetes(const struct recipe_checker *j)
{
	const struct recipe *r = j->recipe;

	if (recipe_component(r, "kubernetes") && check_component(j) < 0)
		return -1;
	if (check_releases(j) < 0 || check_foreign_keys(j) < 0 || check_runtime(j) < 0)
		return -1;
	if (r->kubernetes.source == KUBERNETES_NONE && !recipe_component(r, "kubernetes"))
		return 0;
	if (r->kubernetes.source != KUBERNETES_NONE && check_version(j) < 0)
		return -1;
	if (r->runtime == RUNTIME_NONE)
		return recipe_wrong(j, "runtime", "Kubernetes needs a runtime; allowed: containerd, docker");
	if (check_binaries(j) < 0 || (r->kubernetes.source == KUBERNETES_BINARIES && check_programs(j) < 0))
		return -1;
	if (r->kubernetes.source == KUBERNETES_PACKAGES && check_packages(j) < 0)
		return -1;
	return check_cri_dockerd(j);
}
