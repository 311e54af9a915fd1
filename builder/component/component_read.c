/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the struct from the tree, key by key. component_schema.c explains the keys. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "builder/component/component_internal.h"
#include "lib/alloc.h"

static int need_map(const struct yaml *node, const char *what, struct error *err)
{
	return node->kind == YAML_MAP ? 0 : yaml_error(node, err, "%s", what);
}

/* The `recipe` of the file or of a section; the caller owns it. */
static int take_part(struct yaml *map, struct yaml **ret, struct error *err)
{
	struct yaml *part;

	if (yaml_take_map(map, "recipe", &part, err) < 0)
		return -1;
	*ret = part ? yaml_remove(map, "recipe") : NULL;
	return 0;
}

static int read_go(struct yaml *map, struct component_go *go, struct yaml **ret_part, struct error *err)
{
	if (yaml_take_string(map, "module", &go->module, err) < 0 || yaml_take_string(map, "tag", &go->tag, err) < 0 ||
	    yaml_take_string(map, "released_with", &go->released_with, err) < 0 ||
	    yaml_take_strings(map, "modules", &go->modules, err) < 0 ||
	    yaml_take_strings(map, "tags", &go->tags, err) < 0 ||
	    yaml_take_strings(map, "variables", &go->variables, err) < 0 ||
	    yaml_take_strings(map, "flags", &go->flags, err) < 0 || yaml_take_bool(map, "cgo", &go->cgo, err) < 0 ||
	    yaml_take_strings(map, "packages", &go->packages, err) < 0 ||
	    yaml_take_string(map, "main", &go->main, err) < 0)
		return -1;
	if (!go->tag)
		go->tag = xstrdup("v{version}");
	return take_part(map, ret_part, err);
}

/* Upper case and without the spaces that gpg prints between groups of digits. */
static void squeeze_fingerprint(char *s)
{
	char *to = s;

	for (; s && *s; s++)
		if (*s != ' ')
			*to++ = (char)toupper((unsigned char)*s);
	if (to)
		*to = '\0';
}

static int read_packages(struct yaml *map, struct component_packages *p, struct yaml **ret_part, struct error *err)
{
	if (yaml_take_url(map, "url", &p->url, err) < 0 || yaml_take_string(map, "suite", &p->suite, err) < 0 ||
	    yaml_take_strings(map, "components", &p->components, err) < 0 ||
	    yaml_take_url(map, "key_url", &p->key_url, err) < 0 ||
	    yaml_take_string(map, "key_fingerprint", &p->key_fingerprint, err) < 0 ||
	    yaml_take_strings(map, "names", &p->names, err) < 0 ||
	    yaml_take_strings(map, "versioned", &p->versioned, err) < 0)
		return -1;
	squeeze_fingerprint(p->key_fingerprint);
	return take_part(map, ret_part, err);
}

static int read_binary(struct yaml *map, struct component_binary *b, struct error *err)
{
	if (need_map(map, "a file is a map with version, url, sha256, path, member, archive", err) < 0 ||
	    yaml_take_string(map, "version", &b->version, err) < 0 || yaml_take_url(map, "url", &b->url, err) < 0 ||
	    yaml_take_string(map, "sha256", &b->sha256, err) < 0 ||
	    yaml_take_string(map, "member", &b->member, err) < 0 || yaml_take_string(map, "path", &b->path, err) < 0)
		return -1;
	b->archive = !b->member && component_url_is_archive(b->url);
	for (char *c = b->sha256; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return yaml_take_bool(map, "archive", &b->archive, err);
}

static int read_binaries(struct yaml *map, struct component *c, struct yaml **ret_part, struct error *err)
{
	struct yaml *list;

	if (yaml_take_list(map, "files", &list, err) < 0)
		return -1;
	for (size_t i = 0; list && i < list->children; i++) {
		vec_push(&c->binaries, (struct component_binary){ 0 });
		if (read_binary(list->child[i], &c->binaries.at[i], err) < 0)
			return -1;
	}
	return take_part(map, ret_part, err);
}

static int read_debian(struct yaml *map, struct component_debian *d, struct yaml **ret_part, struct error *err)
{
	if (yaml_take_string(map, "version", &d->version, err) < 0 ||
	    yaml_take_strings(map, "packages", &d->packages, err) < 0)
		return -1;
	return take_part(map, ret_part, err);
}

/* The sections of the sources, in the file's order: the first one is the default. */
static int read_sources(struct yaml *tree, struct component *c, struct yaml *parts[COMPONENT_SOURCES],
			struct error *err)
{
	struct yaml *section[COMPONENT_SOURCES];

	for (int s = 0; s < COMPONENT_SOURCES; s++) {
		if (yaml_take_map(tree, component_source_names[s], &section[s], err) < 0)
			return -1;
		c->has[s] = section[s] != NULL;
	}
	c->source = COMPONENT_SOURCES;
	for (size_t i = 0; i < tree->children && c->source == COMPONENT_SOURCES; i++)
		for (int s = 0; s < COMPONENT_SOURCES; s++)
			if (tree->child[i] == section[s])
				c->source = (enum component_source)s;
	if (read_go(section[COMPONENT_GO_MODULES], &c->go, &parts[COMPONENT_GO_MODULES], err) < 0 ||
	    read_packages(section[COMPONENT_PACKAGES], &c->packages, &parts[COMPONENT_PACKAGES], err) < 0 ||
	    read_binaries(section[COMPONENT_BINARIES], c, &parts[COMPONENT_BINARIES], err) < 0 ||
	    read_debian(section[COMPONENT_DEBIAN_SOURCE], &c->debian, &parts[COMPONENT_DEBIAN_SOURCE], err) < 0)
		return -1;
	return take_part(section[COMPONENT_C], &parts[COMPONENT_C], err);
}

static int read_program(struct yaml *map, struct component_program *p, struct error *err)
{
	if (need_map(map, "a program is a map with name, package, path, tags, check, output", err) < 0 ||
	    yaml_take_string(map, "name", &p->name, err) < 0 ||
	    yaml_take_string(map, "package", &p->package, err) < 0 ||
	    yaml_take_string(map, "path", &p->path, err) < 0 || yaml_take_strings(map, "tags", &p->tags, err) < 0 ||
	    yaml_take_strings(map, "check", &p->check, err) < 0)
		return -1;
	return yaml_take_string(map, "output", &p->output, err);
}

static int read_image(struct yaml *map, struct component_image *i, struct error *err)
{
	if (need_map(map, "an image is a map with name, program, path, entrypoint, packages", err) < 0 ||
	    yaml_take_string(map, "name", &i->name, err) < 0 ||
	    yaml_take_string(map, "program", &i->program, err) < 0 ||
	    yaml_take_string(map, "path", &i->path, err) < 0 ||
	    yaml_take_bool(map, "entrypoint", &i->entrypoint, err) < 0)
		return -1;
	return yaml_take_strings(map, "packages", &i->packages, err);
}

static int read_contents(struct yaml *tree, struct component *c, struct error *err)
{
	struct yaml *programs, *images;

	if (yaml_take_list(tree, "programs", &programs, err) < 0 || yaml_take_list(tree, "images", &images, err) < 0)
		return -1;
	for (size_t i = 0; programs && i < programs->children; i++) {
		vec_push(&c->programs, (struct component_program){ 0 });
		if (read_program(programs->child[i], &c->programs.at[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; images && i < images->children; i++) {
		vec_push(&c->images, (struct component_image){ 0 });
		if (read_image(images->child[i], &c->images.at[i], err) < 0)
			return -1;
	}
	return 0;
}

/* "2027-02-28", or "unknown" for a minor without a date. */
static bool parse_date(const char *s, int64_t *ret)
{
	struct tm tm = { 0 };
	char again[sizeof "2027-02-28"];
	const char *end = strptime(s, "%Y-%m-%d", &tm);

	if (strcmp(s, "unknown") == 0) {
		*ret = 0;
		return true;
	}
	if (!end || *end)
		return false;
	*ret = timegm(&tm);
	/* refuses 2027-2-28 and 2027-02-30, which timegm() takes for 2027-03-02 */
	return *ret > 0 && strftime(again, sizeof again, "%Y-%m-%d", &tm) && strcmp(again, s) == 0;
}

static int read_minors(struct yaml *tree, struct component *c, struct error *err)
{
	struct yaml *map;

	if (yaml_take_map(tree, "minors", &map, err) < 0)
		return -1;
	for (size_t i = 0; map && i < map->children; i++) {
		const char *minor = map->child[i]->key;
		CLEANUP(free_p) char *date = NULL;
		int64_t end = 0;

		if (yaml_take_string(map, minor, &date, err) < 0)
			return -1;
		if (!date || !parse_date(date, &end))
			return yaml_error(map->child[i], err, "minors: %s is '%s'; allowed: 2027-02-28, unknown", minor,
					  date ? date : "");
		vec_push(&c->minors, (struct component_minor){ xstrdup(minor), end });
	}
	return 0;
}

static int read_fit(struct yaml *map, struct component *c, struct error *err)
{
	for (size_t i = 0; i < map->children; i++) {
		const char *minor = map->child[i]->key;

		vec_push(&c->fits, (struct component_fit){ xstrdup(map->key), xstrdup(minor), NULL });
		if (yaml_take_string(map, minor, &c->fits.at[c->fits.n - 1].version, err) < 0)
			return -1;
	}
	return 0;
}

static int read_fits(struct yaml *tree, struct component *c, struct error *err)
{
	struct yaml *map, *other;

	if (yaml_take_map(tree, "fits", &map, err) < 0)
		return -1;
	for (size_t i = 0; map && i < map->children; i++)
		if (yaml_take_map(map, map->child[i]->key, &other, err) < 0 || read_fit(other, c, err) < 0)
			return -1;
	return 0;
}

int component_read(struct yaml *tree, struct component *ret, struct yaml *ret_parts[1 + COMPONENT_SOURCES],
		   struct error *err)
{
	if (yaml_take_string(tree, "description", &ret->description, err) < 0 ||
	    yaml_take_string(tree, "license", &ret->license, err) < 0 ||
	    read_sources(tree, ret, ret_parts + 1, err) < 0 || read_contents(tree, ret, err) < 0 ||
	    read_minors(tree, ret, err) < 0 || read_fits(tree, ret, err) < 0 || take_part(tree, &ret_parts[0], err) < 0)
		return -1;
	return yaml_check_all_taken(tree, err);
}
