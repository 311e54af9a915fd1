/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the struct from the merged tree, key by key. Keys are the struct's field names; recipes/README.md shows all of them. */
#include <ctype.h>
#include <string.h>

#include "builder/recipe/recipe_internal.h"
#include "lib/alloc.h"
#include "lib/validate.h"

const char *const set_names[SETS + 1] = { [SET_BASE] = "base", [SET_VM] = "vm", [SET_LXC] = "lxc", NULL };
const char *const kubernetes_source_names[] = {
	[KUBERNETES_NONE] = "none", [KUBERNETES_PACKAGES] = "packages", [KUBERNETES_BINARIES] = "binaries", NULL
};
const char *const kernel_names[] = {
	[KERNEL_NONE] = "none", [KERNEL_CLOUD] = "cloud", [KERNEL_GENERIC] = "generic", NULL
};
const char *const runtime_names[] = {
	[RUNTIME_NONE] = "none", [RUNTIME_CONTAINERD] = "containerd", [RUNTIME_DOCKER] = "docker", NULL
};
const char *const guest_agent_names[] = { "exec", "file", "password", NULL };
const char *const agent_libcurl_names[] = { [AGENT_LIBCURL_AUTO] = "auto",
					    [AGENT_LIBCURL_COMPILED] = "compiled",
					    [AGENT_LIBCURL_PACKAGED] = "packaged",
					    NULL };
const char *const compression_names[] = {
	[COMPRESSION_ZSTD] = "zstd", [COMPRESSION_ZLIB] = "zlib", [COMPRESSION_NONE] = "none", NULL
};

static int read_names(struct yaml *tree, struct recipe *r, struct error *err)
{
	if (yaml_take_string(tree, "name", &r->name, err) < 0 ||
	    yaml_take_string(tree, "description", &r->description, err) < 0 ||
	    yaml_take_string(tree, "warning", &r->warning, err) < 0)
		return -1;
	/* recipe_tree.c has consumed these; taken here again so that the error about an unknown key lists them */
	yaml_take(tree, "include");
	yaml_take(tree, "override");
	return yaml_take_string(tree, "architecture", &r->architecture, err);
}

/* The key says what is checked, as apt's option does; the field what is not: nothing but this key makes it true. */
static int read_valid_until(struct yaml *map, bool *ret_expired, struct error *err)
{
	bool checked = !*ret_expired;

	if (yaml_take_bool(map, "check_valid_until", &checked, err) < 0)
		return -1;
	*ret_expired = !checked;
	return 0;
}

static int read_distribution(struct yaml *tree, struct recipe *r, struct error *err)
{
	static const char *const ids[] = { "debian", NULL };
	static const char *const variants[] = { "essential", "apt", "required", NULL };
	struct yaml *map;
	int id = 0, variant = 1;

	if (yaml_take_map(tree, "distribution", &map, err) < 0 || yaml_take_choice(map, "id", ids, &id, err) < 0 ||
	    yaml_take_string(map, "suite", &r->distribution.suite, err) < 0 ||
	    yaml_take_url(map, "mirror", &r->distribution.mirror, err) < 0 ||
	    yaml_take_url(map, "security_mirror", &r->distribution.security_mirror, err) < 0 ||
	    yaml_take_strings(map, "components", &r->distribution.components, err) < 0 ||
	    yaml_take_bool(map, "updates", &r->distribution.updates, err) < 0 ||
	    yaml_take_bool(map, "security", &r->distribution.security, err) < 0 ||
	    read_valid_until(map, &r->distribution.expired, err) < 0 ||
	    yaml_take_string(map, "keyring", &r->distribution.keyring, err) < 0 ||
	    yaml_take_choice(map, "variant", variants, &variant, err) < 0)
		return -1;
	r->distribution.id = xstrdup(ids[id]);
	r->distribution.variant = xstrdup(variants[variant]);
	return 0;
}

/* Removes the spaces between groups of four digits and converts to upper case: gpg prints fingerprints in several forms. */
static void squeeze_fingerprint(char *s)
{
	char *to = s;

	for (; s && *s; s++)
		if (*s != ' ')
			*to++ = (char)toupper((unsigned char)*s);
	if (to)
		*to = '\0';
}

static int read_repository(struct yaml *map, struct repository *to, struct error *err)
{
	if (map->kind != YAML_MAP)
		return yaml_error(
			map, err,
			"a repository is a map with url, suite, components, key_url, key_fingerprint, keyring, "
			"check_valid_until");
	if (yaml_take_url(map, "url", &to->url, err) < 0 || yaml_take_string(map, "suite", &to->suite, err) < 0 ||
	    yaml_take_strings(map, "components", &to->components, err) < 0 ||
	    yaml_take_url(map, "key_url", &to->key_url, err) < 0 ||
	    yaml_take_string(map, "key_fingerprint", &to->key_fingerprint, err) < 0 ||
	    yaml_take_string(map, "keyring", &to->keyring, err) < 0 || read_valid_until(map, &to->expired, err) < 0)
		return -1;
	squeeze_fingerprint(to->key_fingerprint);
	return 0;
}

static int read_repositories(struct yaml *tree, struct recipe *r, struct error *err)
{
	struct yaml *list;

	if (yaml_take_list(tree, "repositories", &list, err) < 0)
		return -1;
	for (size_t i = 0; list && i < list->children; i++) {
		vec_push(&r->repositories, (struct repository){ 0 });
		if (read_repository(list->child[i], &r->repositories.at[i], err) < 0)
			return -1;
	}
	return 0;
}

static int read_binary(struct yaml *map, struct binary *to, struct error *err)
{
	if (map->kind != YAML_MAP)
		return yaml_error(map, err, "a binary is a map with url, sha256, path, member, archive");
	if (yaml_take_url(map, "url", &to->url, err) < 0 || yaml_take_string(map, "sha256", &to->sha256, err) < 0 ||
	    yaml_take_string(map, "path", &to->path, err) < 0 || yaml_take_string(map, "member", &to->member, err) < 0)
		return -1;
	to->archive = !to->member && component_url_is_archive(to->url);
	for (char *c = to->sha256; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return yaml_take_bool(map, "archive", &to->archive, err);
}

/* recipe_components.c has loaded them; here every key is taken, so that the error about an unknown key lists those allowed. */
static int read_components(struct yaml *tree, struct error *err)
{
	struct yaml *map;

	if (yaml_take_map(tree, "components", &map, err) < 0)
		return -1;
	for (size_t i = 0; map && i < map->children; i++) {
		struct yaml *value = yaml_take(map, map->child[i]->key);

		yaml_take(value, "version");
		yaml_take(value, "source");
	}
	return 0;
}

/* It was a source of these keys before components had it. */
static int refuse_debian_source(const struct yaml *map, struct error *err)
{
	const struct yaml *source = yaml_find(map, "source"), *version = yaml_find(map, "version");
	const struct yaml *pinned = yaml_find(map, "source_version");

	if (source && source->kind == YAML_SCALAR &&
	    strcmp(source->value, component_source_names[COMPONENT_DEBIAN_SOURCE]) == 0)
		return yaml_error(source, err,
				  "debian-source is a source of the component kubernetes; remove the keys of "
				  "`kubernetes`, and write components: {kubernetes: {version: %s, source: "
				  "debian-source}}",
				  version && version->kind == YAML_SCALAR ? version->value : "1.20.2");
	if (pinned)
		return yaml_error(pinned, err,
				  "kubernetes.source_version is the key debian-source.version of the component's "
				  "file; remove it, and change components/kubernetes.yaml if its version is needed");
	return 0;
}

static int read_kubernetes(struct yaml *tree, struct recipe *r, struct error *err)
{
	struct yaml *map, *list;
	int source = KUBERNETES_NONE;

	if (yaml_take_map(tree, "kubernetes", &map, err) < 0 || refuse_debian_source(map, err) < 0 ||
	    yaml_take_choice(map, "source", kubernetes_source_names, &source, err) < 0 ||
	    yaml_take_string(map, "version", &r->kubernetes.version, err) < 0 ||
	    yaml_take_strings(map, "packages", &r->kubernetes.packages, err) < 0 ||
	    yaml_take_list(map, "binaries", &list, err) < 0)
		return -1;
	r->kubernetes.source = (enum kubernetes_source)source;
	for (size_t i = 0; list && i < list->children; i++) {
		vec_push(&r->kubernetes.binaries, (struct binary){ 0 });
		if (read_binary(list->child[i], &r->kubernetes.binaries.at[i], err) < 0)
			return -1;
	}
	return 0;
}

/* URLs may contain {minor} or {version}, so that `--set kubernetes.version=1.35` is enough to change the version. */
static void expand(char **s, const char *name, const char *value)
{
	CLEANUP(text_done) struct text t = { 0 };
	const char *rest = *s, *found;

	if (!rest || !strstr(rest, name))
		return;
	for (; (found = strstr(rest, name)); rest = found + strlen(name)) {
		text_addn(&t, rest, (size_t)(found - rest));
		text_add(&t, value);
	}
	text_add(&t, rest);
	free(*s);
	*s = text_take(&t);
}

static void expand_versions(struct recipe *r)
{
	const struct component *kubernetes = recipe_component(r, "kubernetes");
	const char *version = kubernetes ? kubernetes->version : r->kubernetes.version;
	CLEANUP(free_p) char *minor = NULL;
	int major, n, patch;

	if (!version || !kubernetes_release_parse(version, &major, &n, &patch))
		return;
	minor = xasprintf("%d.%d", major, n);
	for (size_t i = 0; i < r->repositories.n; i++) {
		expand(&r->repositories.at[i].url, "{minor}", minor);
		expand(&r->repositories.at[i].key_url, "{minor}", minor);
	}
	for (size_t i = 0; i < r->kubernetes.binaries.n; i++)
		expand(&r->kubernetes.binaries.at[i].url, "{version}", version);
}

/* Appends the suffix to names without a dot, as systemctl does (a bare name is a service), and removes duplicates. */
static void tidy(struct strings *list, const char *suffix)
{
	struct strings tidied = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		bool bare = suffix && !strchr(list->at[i], '.');
		CLEANUP(free_p) char *item = xasprintf("%s%s", list->at[i], bare ? suffix : "");

		if (!strings_has(&tidied, item))
			strings_own(&tidied, TAKE(item));
	}
	strings_done(list);
	*list = tidied;
}

static int read_set_lists(struct yaml *tree, const char *key, struct strings lists[SETS], const char *suffix,
			  struct error *err)
{
	struct yaml *map;

	if (yaml_take_map(tree, key, &map, err) < 0)
		return -1;
	for (int set = 0; set < SETS; set++) {
		if (yaml_take_strings(map, set_names[set], &lists[set], err) < 0)
			return -1;
		tidy(&lists[set], suffix);
	}
	return 0;
}

static int read_packages(struct yaml *tree, struct recipe *r, struct error *err)
{
	struct yaml *map;

	if (yaml_take_map(tree, "packages", &map, err) < 0 ||
	    yaml_take_strings(map, "extra", &r->extra_packages, err) < 0)
		return -1;
	tidy(&r->extra_packages, NULL);
	return read_set_lists(tree, "packages", r->packages, NULL, err);
}

static int read_agent(struct yaml *tree, struct recipe *r, struct error *err)
{
	struct yaml *map;
	int libcurl = AGENT_LIBCURL_AUTO;

	if (yaml_take_map(tree, "agent", &map, err) < 0 ||
	    yaml_take_choice(map, "libcurl", agent_libcurl_names, &libcurl, err) < 0)
		return -1;
	r->agent.libcurl = (enum agent_libcurl)libcurl;
	return 0;
}

static int read_guest_agent(struct yaml *tree, struct recipe *r, struct error *err)
{
	struct yaml *map;

	if (yaml_take_map(tree, "guest_agent", &map, err) < 0 ||
	    yaml_take_strings(map, "allow", &r->guest_agent.allow, err) < 0)
		return -1;
	tidy(&r->guest_agent.allow, NULL);
	return 0;
}

static int read_contents(struct yaml *tree, struct recipe *r, struct error *err)
{
	struct yaml *map;
	int kernel = KERNEL_NONE, runtime = RUNTIME_NONE;

	if (yaml_take_choice(tree, "kernel", kernel_names, &kernel, err) < 0 ||
	    yaml_take_choice(tree, "runtime", runtime_names, &runtime, err) < 0 || read_packages(tree, r, err) < 0 ||
	    read_set_lists(tree, "overlays", r->overlays, NULL, err) < 0 ||
	    read_set_lists(tree, "units", r->units, ".service", err) < 0 ||
	    yaml_take_map(tree, "images", &map, err) < 0 ||
	    yaml_take_bool(map, "control_plane", &r->images.control_plane, err) < 0)
		return -1;
	r->kernel = (enum kernel)kernel;
	r->runtime = (enum runtime)runtime;
	return yaml_take_strings(map, "archives", &r->images.archives, err);
}

static int read_disk(struct yaml *tree, struct recipe *r, struct error *err)
{
	CLEANUP(strings_done) struct strings firmware = { 0 };
	struct yaml *map;

	if (yaml_take_map(tree, "disk", &map, err) < 0 || yaml_take_size(map, "size", &r->disk.size, err) < 0 ||
	    yaml_take_string(map, "filesystem", &r->disk.filesystem, err) < 0 ||
	    yaml_take_strings(map, "firmware", &firmware, err) < 0)
		return -1;
	if (!yaml_find(map, "firmware"))
		return 0;
	r->disk.bios = strings_has(&firmware, "bios");
	r->disk.uefi = strings_has(&firmware, "uefi");
	for (size_t i = 0; i < firmware.n; i++)
		if (strcmp(firmware.at[i], "bios") != 0 && strcmp(firmware.at[i], "uefi") != 0)
			return yaml_error(yaml_find(map, "firmware"), err, "'firmware' has '%s'; allowed: bios, uefi",
					  firmware.at[i]);
	return 0;
}

static int read_output(struct yaml *outputs, const char *key, bool *enabled, enum compression *compression, int *level,
		       struct error *err)
{
	struct yaml *map;
	int chosen = (int)*compression;
	long n = *level;

	if (yaml_take_map(outputs, key, &map, err) < 0 || yaml_take_bool(map, "enabled", enabled, err) < 0 ||
	    yaml_take_choice(map, "compression", compression_names, &chosen, err) < 0 ||
	    yaml_take_int(map, "level", 0, 22, &n, err) < 0)
		return -1;
	*compression = (enum compression)chosen;
	*level = (int)n;
	return 0;
}

static int read_outputs(struct yaml *tree, struct recipe *r, struct error *err)
{
	struct yaml *map;

	if (yaml_take_map(tree, "outputs", &map, err) < 0 ||
	    read_output(map, "qcow2", &r->outputs.qcow2, &r->outputs.qcow2_compression, &r->outputs.qcow2_level, err) <
		    0)
		return -1;
	return read_output(map, "tarball", &r->outputs.tarball, &r->outputs.tarball_compression,
			   &r->outputs.tarball_level, err);
}

int recipe_read(struct yaml *tree, struct recipe *ret, struct error *err)
{
	if (read_names(tree, ret, err) < 0 || read_distribution(tree, ret, err) < 0 || read_components(tree, err) < 0 ||
	    read_repositories(tree, ret, err) < 0 || read_kubernetes(tree, ret, err) < 0 ||
	    read_agent(tree, ret, err) < 0 || read_guest_agent(tree, ret, err) < 0 ||
	    read_contents(tree, ret, err) < 0 || read_disk(tree, ret, err) < 0 || read_outputs(tree, ret, err) < 0)
		return -1;
	expand_versions(ret);
	recipe_components_apply(ret);
	return yaml_check_all_taken(tree, err);
}
