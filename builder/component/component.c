/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/component/component.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "builder/component/component_internal.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/input.h"
#include "lib/validate.h"

const char *const component_source_names[COMPONENT_SOURCES + 1] = { [COMPONENT_GO_MODULES] = "go-modules",
								    [COMPONENT_PACKAGES] = "packages",
								    [COMPONENT_BINARIES] = "binaries",
								    [COMPONENT_DEBIAN_SOURCE] = "debian-source",
								    [COMPONENT_C] = "c",
								    NULL };

static void program_done(struct component_program *p)
{
	free(p->name);
	free(p->package);
	free(p->path);
	free(p->output);
	strings_done(&p->tags);
	strings_done(&p->check);
}

static void image_done(struct component_image *i)
{
	free(i->name);
	free(i->program);
	free(i->path);
	strings_done(&i->packages);
}

static void binary_done(struct component_binary *b)
{
	free(b->version);
	free(b->url);
	free(b->sha256);
	free(b->member);
	free(b->path);
}

static void go_done(struct component_go *go)
{
	free(go->module);
	free(go->tag);
	free(go->released_with);
	free(go->main);
	strings_done(&go->modules);
	strings_done(&go->tags);
	strings_done(&go->variables);
	strings_done(&go->flags);
	strings_done(&go->packages);
}

static void packages_done(struct component_packages *p)
{
	free(p->url);
	free(p->suite);
	free(p->key_url);
	free(p->key_fingerprint);
	strings_done(&p->components);
	strings_done(&p->names);
	strings_done(&p->versioned);
}

static void fit_done(struct component_fit *f)
{
	free(f->component);
	free(f->minor);
	free(f->version);
}

void component_done(struct component *c)
{
	for (size_t i = 0; i < c->programs.n; i++)
		program_done(&c->programs.at[i]);
	for (size_t i = 0; i < c->images.n; i++)
		image_done(&c->images.at[i]);
	for (size_t i = 0; i < c->binaries.n; i++)
		binary_done(&c->binaries.at[i]);
	for (size_t i = 0; i < c->minors.n; i++)
		free(c->minors.at[i].minor);
	for (size_t i = 0; i < c->fits.n; i++)
		fit_done(&c->fits.at[i]);
	vec_done(&c->programs);
	vec_done(&c->images);
	vec_done(&c->binaries);
	vec_done(&c->minors);
	vec_done(&c->fits);
	go_done(&c->go);
	packages_done(&c->packages);
	free(c->debian.version);
	strings_done(&c->debian.packages);
	free(c->name);
	free(c->file);
	free(c->description);
	free(c->license);
	free(c->version);
	*c = (struct component){ 0 };
}

bool component_is_compiled(const struct component *c)
{
	return c->source == COMPONENT_GO_MODULES || c->source == COMPONENT_DEBIAN_SOURCE || c->source == COMPONENT_C;
}

bool component_url_is_archive(const char *url)
{
	static const char *const suffixes[] = { ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2" };

	for (size_t i = 0; url && i < ARRAY_SIZE(suffixes); i++)
		if (text_ends(url, suffixes[i]))
			return true;
	return false;
}

/* The names of the sources that the file has, for an error. */
static char *source_list(const struct component *c)
{
	struct text list = { 0 };

	for (int s = 0; s < COMPONENT_SOURCES; s++)
		if (c->has[s])
			text_addf(&list, "%s%s", list.len ? ", " : "", component_source_names[s]);
	return text_take(&list);
}

static bool version_is_valid(const struct component *c, const char *version)
{
	int major, minor, patch;

	if (strcmp(version, COMPONENT_AUTO) == 0)
		return c->fits.n > 0;
	return kubernetes_release_parse(version, &major, &minor, &patch);
}

/* The recipe's value is a version or a map. */
int component_choose(struct yaml *wanted, struct component *c, struct error *err)
{
	int source = (int)c->source;

	if (wanted->kind == YAML_SCALAR) {
		c->version = xstrdup(wanted->value);
	} else if (wanted->kind == YAML_LIST) {
		return yaml_error(wanted, err, "components: %s is a version, or a map with version and source",
				  c->name);
	} else if (yaml_take_string(wanted, "version", &c->version, err) < 0 ||
		   yaml_take_choice(wanted, "source", component_source_names, &source, err) < 0 ||
		   yaml_check_all_taken(wanted, err) < 0) {
		return -1;
	}
	if (!c->version)
		return yaml_error(wanted, err, "components: %s needs a version, e.g. 1.37", c->name);
	if (!version_is_valid(c, c->version))
		return yaml_error(wanted, err,
				  "components: the version of %s is '%s'; allowed: MAJOR.MINOR (its newest patch "
				  "release) or MAJOR.MINOR.PATCH%s",
				  c->name, c->version, c->fits.n > 0 ? ", or auto" : "");
	if (source < COMPONENT_SOURCES && !c->has[source]) {
		CLEANUP(free_p) char *sources = source_list(c);
		return yaml_error(wanted, err, "components: %s has no source %s; allowed: %s", c->name,
				  component_source_names[source], sources);
	}
	c->source = (enum component_source)source;
	return 0;
}

/* Moves the part of any source and that of the chosen one into a list, and frees the others. */
static struct yaml *choose_parts(const struct component *c, struct yaml *parts[1 + COMPONENT_SOURCES])
{
	struct yaml *list = yaml_new(YAML_LIST, c->file, 1);

	for (int i = 0; i < 1 + COMPONENT_SOURCES; i++) {
		if (!parts[i] || (i > 0 && i != 1 + (int)c->source))
			continue;
		free(parts[i]->key);
		parts[i]->key = NULL;
		yaml_add(list, NULL, TAKE(parts[i]));
	}
	return list;
}

static int parse_file(const char *file, struct yaml **ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	CLEANUP(text_done) struct text text = { 0 };

	if (input_read(file, YAML_SIZE_MAX, &text, err) < 0)
		return -1;
	if (yaml_parse(file, text.data ? text.data : "", text.len, &tree, err) < 0)
		return -1;
	if (tree->kind != YAML_MAP)
		return yaml_error(tree, err, "a component is a map of keys");
	*ret = TAKE(tree);
	return 0;
}

static void parts_done(struct yaml *(*parts)[1 + COMPONENT_SOURCES])
{
	for (int i = 0; i < 1 + COMPONENT_SOURCES; i++)
		yaml_node_free((*parts)[i]);
}

int component_load(const char *directory, const char *name, struct yaml *wanted, struct component *ret,
		   struct yaml **ret_parts, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	CLEANUP(component_done) struct component c = { 0 };
	CLEANUP(parts_done) struct yaml *parts[1 + COMPONENT_SOURCES] = { 0 };

	if (!filename_is_valid(name) || strlen(name) > COMPONENT_NAME_MAX)
		return yaml_error(wanted, err, "components has '%s'; allowed: the name of a file NAME.yaml", name);
	c.name = xstrdup(name);
	c.file = xasprintf("%s/%s.yaml", directory, name);
	if (parse_file(c.file, &tree, err) < 0 || component_read(tree, &c, parts, err) < 0 ||
	    component_check(&c, tree, err) < 0 || component_choose(wanted, &c, err) < 0)
		return -1;
	*ret_parts = choose_parts(&c, parts);
	*ret = TAKE(c);
	return 0;
}
