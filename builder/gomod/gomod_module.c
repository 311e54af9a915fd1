/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "builder/gomod/gomod_internal.h"
#include "builder/gomod/gosum.h"
#include "builder/tree/tree.h"
#include "lib/alloc.h"
#include "lib/file.h"

char *gomod_main_directory(const struct component *c)
{
	const char *slash = c->file ? strrchr(c->file, '/') : NULL;

	if (!c->go.main)
		return NULL;
	if (!slash || *c->go.main == '/')
		return xstrdup(c->go.main);
	return xasprintf("%.*s/%s", (int)(slash - c->file), c->file, c->go.main);
}

char *gomod_tag(const struct component *c, const char *version)
{
	return component_expand(c->go.tag ? c->go.tag : "v{version}", version, 0);
}

/* `go mod tidy` looks into files whatever their build tags, so that the programs' modules stay in go.mod. */
static void imports(const struct component *c, struct text *ret)
{
	text_add(ret, "//go:build nodekiln\n\npackage nodekiln\n\nimport (\n");
	for (size_t i = 0; i < c->programs.n; i++)
		if (c->programs.at[i].package && !text_starts(c->programs.at[i].package, GOSUM_MAIN "/"))
			text_addf(ret, "\t_ \"%s\"\n", c->programs.at[i].package);
	text_add(ret, ")\n");
}

int gomod_main_module(struct go_tree *g, const struct component *c, const char *go_mod, struct error *err)
{
	CLEANUP(free_p) char *own = gomod_main_directory(c);
	CLEANUP(free_p) char *file = xasprintf(GOMOD_MAIN "/%s/go.mod", c->name);
	CLEANUP(free_p) char *go = xasprintf(GOMOD_MAIN "/%s/programs.go", c->name);
	CLEANUP(free_p) char *copy = xasprintf(GOMOD_MAIN "/%s/%s", c->name, c->name);
	CLEANUP(text_done) struct text text = { 0 };

	imports(c, &text);
	if (file_write_in(g->workfd, file, go_mod, strlen(go_mod), 0644, err) < 0 ||
	    file_write_in(g->workfd, go, text.data, text.len, 0644, err) < 0)
		return -1;
	if (!own)
		return 0;
	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, own, err);
	if (fd < 0 || tree_overlay_in(fd, g->workfd, copy, err) < 0)
		return error_wrap(err, "the main package of component %s", c->name);
	return 0;
}
