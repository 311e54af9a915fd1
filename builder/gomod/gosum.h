/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The text files of the main module that the build makes (https://go.dev/ref/mod#go-mod-file): go.sum as the modules of a lock,
 * and its go.mod made from that of the component. Pure.
 */
#include "builder/component/component.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/text.h"

#define GOSUM_MAIN "nodekiln" /* path of the main module */

/* Fills c->modules, sorted by path and version. A line that is no checksum is ERROR_FAILED. */
int gosum_parse(const char *text, struct lock_component *c, struct error *err) MUST_CHECK;
void gosum_print(const struct lock_component *c, struct text *ret);

/* The main module's go.mod. of_component: the text of the component's own go.mod: its go line, its godebug and exclude
 * directives and its replacements count, because those of a dependency are ignored. Its requirements are repeated: without
 * those that it calls indirect `go mod tidy` looks further, and may find a package in two modules. A replacement by a local folder is one by
 * the module of the same name in version released_with; without that, the required version is taken. */
int gosum_main_module(const struct component *c, const char *version, const char *of_component, struct text *ret,
		      struct error *err) MUST_CHECK;
/* The value of the go line, "1.26.0", borrowed up to the line's end; NULL without one. */
const char *gosum_go_line(const char *go_mod, size_t *ret_len);
