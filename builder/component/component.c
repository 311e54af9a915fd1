/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/component/component.h"

#include <stdlib.h>

#include "lib/macro.h"

const char *const component_source_names[COMPONENT_SOURCES + 1] = { [COMPONENT_GO_MODULES] = "go-modules",
								    [COMPONENT_PACKAGES] = "packages",
								    [COMPONENT_BINARIES] = "binaries",
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
	strings_done(&p->names);
	strings_done(&p->versioned);
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
	vec_done(&c->programs);
	vec_done(&c->images);
	vec_done(&c->binaries);
	vec_done(&c->minors);
	go_done(&c->go);
	packages_done(&c->packages);
	free(c->name);
	free(c->file);
	free(c->description);
	free(c->license);
	free(c->version);
	*c = (struct component){ 0 };
}
