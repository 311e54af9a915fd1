/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a component as a whole. Each function checks one section; the first fault is reported. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "builder/component/component_internal.h"
#include "lib/alloc.h"
#include "lib/validate.h"

#define ALLOWED_TEXT "{version}, {minor}, {major-number}, {minor-number}, {patch-number}, {date}"

struct component_checker {
	const struct component *c;
	const struct yaml *tree;
	struct error *err;
};

/* The error refers to the key's line, or to that of the list's item when i is its index. */
static int PRINTF(4, 5) wrong(const struct component_checker *j, const char *key, size_t i, const char *fmt, ...)
{
	const struct yaml *node = yaml_find(j->tree, key);
	CLEANUP(free_p) char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	if (node && node->kind == YAML_LIST && i < node->children)
		node = node->child[i];
	return yaml_error(node ? node : j->tree, j->err, "%s", what);
}

/* One word: it becomes an argument, and a line of a file that Go reads. */
static bool is_word(const char *s)
{
	for (const char *c = s; *c; c++)
		if (!isgraph((unsigned char)*c) || *c == '"' || *c == '\'' || *c == '\\' || *c == '`')
			return false;
	return *s && *s != '-';
}

/* A Go import path. */
static bool is_import_path(const char *s)
{
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._~/", *c))
			return false;
	return isalnum((unsigned char)*s) && !strstr(s, "..") && !strstr(s, "//") && !text_ends(s, "/");
}

/* An SPDX expression, by its characters. */
static bool is_license(const char *s)
{
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-.+() ", *c))
			return false;
	return isalnum((unsigned char)*s) || *s == '(';
}

/* A path below the directory of the component's file. */
static bool is_below(const char *s)
{
	CLEANUP(free_p) char *absolute = xasprintf("/%s", s);

	return path_is_normalized(absolute);
}

static bool is_flag(const char *s)
{
	for (const char *c = s; *c; c++)
		if (!isprint((unsigned char)*c) || *c == '"' || *c == '\'' || *c == '\\' || *c == '`')
			return false;
	return *s == '-';
}

static int check_list(const struct component_checker *j, const char *section, const char *key,
		      const struct strings *list, bool (*is)(const char *), const char *allowed)
{
	for (size_t i = 0; i < list->n; i++)
		if (!is(list->at[i]) || !component_text_is_valid(list->at[i]))
			return wrong(j, section, 0, "%s.%s has '%s'; allowed: %s", section, key, list->at[i], allowed);
	return 0;
}

static int check_text(const struct component_checker *j, const char *section, const char *key, const char *text)
{
	if (!text || component_text_is_valid(text))
		return 0;
	return wrong(j, section, 0, "%s.%s is '%s'; allowed in braces: " ALLOWED_TEXT, section, key, text);
}

static int check_file(const struct component_checker *j)
{
	const struct component *c = j->c;

	if (!c->description || !c->license)
		return yaml_error(j->tree, j->err, "a component needs description and license (an SPDX expression)");
	if (!is_license(c->license))
		return wrong(j, "license", 0, "license is '%s'; allowed: an SPDX expression, e.g. Apache-2.0",
			     c->license);
	if (c->source == COMPONENT_SOURCES)
		return yaml_error(
			j->tree, j->err,
			"a component needs one of the sections go-modules, packages, binaries, debian-source, c");
	return 0;
}

static int check_go(const struct component_checker *j)
{
	const struct component_go *go = &j->c->go;
	static const char s[] = "go-modules";

	if (!j->c->has[COMPONENT_GO_MODULES])
		return 0;
	if (!go->module || !is_import_path(go->module))
		return wrong(j, s, 0, "%s.module is '%s'; allowed: a module's path, e.g. k8s.io/kubernetes", s,
			     go->module ? go->module : "");
	if (go->main && !is_below(go->main))
		return wrong(j, s, 0, "%s.main is '%s'; allowed: a directory below that of this file", s, go->main);
	if (go->main && strchr(j->c->name, '.')) /* its directory has go.mod, too */
		return wrong(j, s, 0, "%s.main is the package nodekiln/%s; rename the component: allowed are no dots",
			     s, j->c->name);
	if (!is_word(go->tag) || (go->released_with && !is_word(go->released_with)))
		return wrong(j, s, 0, "%s.tag and released_with are versions, e.g. v{version}", s);
	if (check_text(j, s, "tag", go->tag) < 0 || check_text(j, s, "released_with", go->released_with) < 0 ||
	    check_list(j, s, "modules", &go->modules, is_import_path, "paths of modules") < 0 ||
	    check_list(j, s, "tags", &go->tags, is_word, "words") < 0 ||
	    check_list(j, s, "flags", &go->flags, is_flag, "flags of Go's linker, e.g. -linkmode external") < 0 ||
	    check_list(j, s, "packages", &go->packages, debian_package_is_valid, "Debian package names") < 0)
		return -1;
	for (size_t i = 0; i < go->variables.n; i++)
		if (!strchr(go->variables.at[i], '='))
			return wrong(j, s, 0, "%s.variables has '%s'; allowed: PACKAGE.NAME=VALUE", s,
				     go->variables.at[i]);
	return check_list(j, s, "variables", &go->variables, is_word,
			  "PACKAGE.NAME=VALUE without spaces or quotes; in braces: " ALLOWED_TEXT);
}

static int check_repository(const struct component_checker *j)
{
	const struct component_packages *p = &j->c->packages;
	static const char s[] = "packages";
	bool flat = p->suite && text_ends(p->suite, "/");

	if (!p->url) {
		if (!p->suite && !p->key_url && !p->key_fingerprint && p->components.n == 0)
			return 0;
		return wrong(j, s, 0, "packages.url is missing; suite, components and keys belong to a repository");
	}
	if (!url_is_valid(p->url) || (p->key_url && !url_is_valid(p->key_url)))
		return wrong(j, s, 0, "packages.url and key_url: allowed: http://, https:// or file:/// and no spaces");
	if (!p->suite || !is_word(p->suite) || !p->key_url || !p->key_fingerprint ||
	    !hex_is_valid(p->key_fingerprint, 40))
		return wrong(j, s, 0, "packages.url needs suite, key_url and key_fingerprint (40 hex digits)");
	if (flat != (p->components.n == 0))
		return wrong(j, s, 0,
			     "packages: a flat repository (suite ends in /) has no components, any other needs one");
	if (check_list(j, s, "components", &p->components, filename_is_valid, "names such as main") < 0 ||
	    check_text(j, s, "url", p->url) < 0)
		return -1;
	return check_text(j, s, "key_url", p->key_url);
}

static int check_packages(const struct component_checker *j)
{
	const struct component_packages *p = &j->c->packages;

	if (!j->c->has[COMPONENT_PACKAGES])
		return 0;
	if (p->names.n + p->versioned.n == 0)
		return wrong(j, "packages", 0, "packages needs names or versioned: the packages to install");
	if (check_list(j, "packages", "names", &p->names, debian_package_is_valid, "Debian package names") < 0 ||
	    check_list(j, "packages", "versioned", &p->versioned, debian_package_is_valid, "Debian package names") < 0)
		return -1;
	return check_repository(j);
}

static int check_binaries(const struct component_checker *j)
{
	int a, b, patch;

	if (j->c->has[COMPONENT_BINARIES] && j->c->binaries.n == 0)
		return wrong(j, "binaries", 0, "binaries.files is missing: the released files, by version");
	for (size_t i = 0; i < j->c->binaries.n; i++) {
		const struct component_binary *f = &j->c->binaries.at[i];

		if (!f->version || !f->url || !f->sha256 || !f->path)
			return wrong(j, "binaries", 0, "binaries.files: file %zu needs version, url, sha256 and path",
				     i + 1);
		if (!kubernetes_release_parse(f->version, &a, &b, &patch) || patch < 0)
			return wrong(j, "binaries", 0, "binaries.files: version '%s'; allowed: as 1.37.2", f->version);
		if (!url_is_valid(f->url) || !component_text_is_valid(f->url))
			return wrong(j, "binaries", 0, "binaries.files: url '%s'; allowed: http, https or file",
				     f->url);
		if (!hex_is_valid(f->sha256, 64) || !path_is_normalized(f->path) || (f->member && f->archive))
			return wrong(j, "binaries", 0,
				     "binaries.files: %s needs sha256 (64 hex digits), an absolute path, and not both "
				     "member and archive",
				     f->url);
	}
	return 0;
}

/* How it is compiled is not in the file (builder/source/debian_source.h). */
static int check_debian(const struct component_checker *j)
{
	const struct component_debian *d = &j->c->debian;
	static const char s[] = "debian-source";

	if (!j->c->has[COMPONENT_DEBIAN_SOURCE])
		return 0;
	if (strcmp(j->c->name, COMPONENT_KUBERNETES) != 0)
		return wrong(j, s, 0, "%s compiles the source package kubernetes only; remove the section from %s", s,
			     j->c->name);
	if (d->version && !debian_version_is_valid(d->version))
		return wrong(j, s, 0, "%s.version is '%s'; allowed: the version of a source package", s, d->version);
	return check_list(j, s, "packages", &d->packages, debian_package_is_valid, "Debian package names");
}

static int check_program(const struct component_checker *j, size_t i)
{
	const struct component_program *p = &j->c->programs.at[i];
	bool go = j->c->has[COMPONENT_GO_MODULES], c = j->c->has[COMPONENT_C];

	if (!p->name || !filename_is_valid(p->name))
		return wrong(j, "programs", i, "a program's name is '%s'; allowed: a file name",
			     p->name ? p->name : "");
	for (size_t k = 0; k < i; k++)
		if (strcmp(j->c->programs.at[k].name, p->name) == 0)
			return wrong(j, "programs", i, "two programs are called %s", p->name);
	if ((go && (!p->package || !is_import_path(p->package))) ||
	    (!go && c && (!p->package || !is_below(p->package))))
		return wrong(j, "programs", i, "program %s needs package: %s", p->name,
			     go ? "the import path of its main package" : "its C file, below this file's directory");
	if (p->path && !path_is_normalized(p->path))
		return wrong(j, "programs", i, "program %s has path '%s'; allowed: an absolute path without . or ..",
			     p->name, p->path);
	if (p->output && !component_text_is_valid(p->output))
		return wrong(j, "programs", i, "program %s has output '%s'; allowed in braces: " ALLOWED_TEXT, p->name,
			     p->output);
	for (size_t t = 0; t < p->tags.n; t++)
		if (!is_word(p->tags.at[t]))
			return wrong(j, "programs", i, "program %s has tag '%s'; allowed: words", p->name,
				     p->tags.at[t]);
	return 0;
}

/* With a '/' it is a whole repository: kubeadm does not know the image. */
static bool is_image_name(const char *s)
{
	return strchr(s, '/') ? is_import_path(s) : filename_is_valid(s);
}

static int check_image(const struct component_checker *j, size_t i)
{
	const struct component_image *m = &j->c->images.at[i];
	bool known = false;

	if (!m->name || !is_image_name(m->name))
		return wrong(j, "images", i,
			     "an image's name is '%s'; allowed: as in kubeadm config images list, or a repository such "
			     "as ghcr.io/kube-vip/kube-vip",
			     m->name ? m->name : "");
	for (size_t p = 0; m->program && p < j->c->programs.n; p++)
		known |= strcmp(j->c->programs.at[p].name, m->program) == 0;
	if (!known)
		return wrong(j, "images", i, "image %s has program '%s'; allowed: the name of one in programs", m->name,
			     m->program ? m->program : "");
	if (!m->path || !path_is_normalized(m->path))
		return wrong(j, "images", i, "image %s needs path: where the program is in it, an absolute path",
			     m->name);
	for (size_t p = 0; p < m->packages.n; p++)
		if (!debian_package_is_valid(m->packages.at[p]))
			return wrong(j, "images", i, "image %s has package '%s'; allowed: Debian package names",
				     m->name, m->packages.at[p]);
	return 0;
}

static int check_contents(const struct component_checker *j)
{
	if ((j->c->has[COMPONENT_GO_MODULES] || j->c->has[COMPONENT_C]) && j->c->programs.n == 0)
		return yaml_error(j->tree, j->err, "programs is missing: what is compiled, and where it goes");
	for (size_t i = 0; i < j->c->programs.n; i++)
		if (check_program(j, i) < 0)
			return -1;
	for (size_t i = 0; i < j->c->images.n; i++)
		if (check_image(j, i) < 0)
			return -1;
	return 0;
}

static bool is_minor(const char *s)
{
	int major, minor, patch;

	return kubernetes_release_parse(s, &major, &minor, &patch) && patch < 0;
}

static int check_versions(const struct component_checker *j)
{
	int major, minor, patch;

	for (size_t i = 0; i < j->c->minors.n; i++)
		if (!is_minor(j->c->minors.at[i].minor))
			return wrong(j, "minors", 0, "minors has '%s'; allowed: as \"1.37\"", j->c->minors.at[i].minor);
	for (size_t i = 0; i < j->c->fits.n; i++) {
		const struct component_fit *f = &j->c->fits.at[i];

		if (!filename_is_valid(f->component) || !is_minor(f->minor) || !f->version ||
		    !kubernetes_release_parse(f->version, &major, &minor, &patch))
			return wrong(j, "fits", 0, "fits: %s: '%s': %s; allowed: COMPONENT: {\"1.37\": VERSION}",
				     f->component, f->minor, f->version ? f->version : "");
	}
	return 0;
}

int component_check(const struct component *c, const struct yaml *tree, struct error *err)
{
	static int (*const checks[])(const struct component_checker *) = {
		check_file, check_go, check_packages, check_binaries, check_debian, check_contents, check_versions,
	};
	const struct component_checker checker = { c, tree, err };

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i](&checker) < 0)
			return -1;
	return 0;
}
