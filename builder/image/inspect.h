/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lists the content of a finished artifact without running any of it: from the partition table,
 * from the build's /etc/nodekiln/image.json, from the guest's dpkg database, and from the build information of Go programs.
 */
#include "builder/golang/go_buildinfo.h"
#include "builder/image/image_reader.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/vec.h"

struct inspect_package {
	char *name, *version, *architecture; /* owned */
};

/* A program that Go linked, anywhere in the tree: the layers of preloaded images included. */
struct inspect_program {
	const struct image_entry *file; /* borrowed from the image */
	char *package;                  /* owned; the installed package that has it, NULL = none */
	struct go_buildinfo info;       /* owned; empty when there is a fault */
	char *fault;                    /* owned; why the information cannot be read; NULL = it was read */
};

struct inspection {
	const char *path;                     /* borrowed */
	struct image *image;                  /* owned */
	uint64_t file_size;                   /* of the artifact's file */
	struct json *about;                   /* owned; image.json; NULL for an image that nodekiln did not make */
	char *system;                         /* owned; os-release's PRETTY_NAME; may be NULL */
	char *kubernetes;                     /* owned; version; may be NULL */
	struct strings kernels;               /* releases in /boot */
	VEC(struct inspect_package) packages; /* installed ones */
	VEC(struct inspect_program) programs; /* sorted by file name, then by path */
	uint64_t entries, bytes;              /* of the tree */
};

/* Opens the artifact; inspect_load() reads it and opens nothing. */
int inspect_open(const char *path, struct inspection *ret, struct error *err) MUST_CHECK;
int inspect_load(struct inspection *i, struct error *err) MUST_CHECK;
void inspection_done(struct inspection *i);

/* Fills programs. */
int inspect_programs(struct inspection *i, struct error *err) MUST_CHECK;
/* The name of a program's file, borrowed. */
const char *inspect_program_name(const struct inspect_program *p);
/* "v1.37.2": of its main module, else of the module that a program of that name is made of, else as the linker stamped it,
 * else "(devel)"; owned by the caller. */
char *inspect_program_version(const struct inspect_program *p) MUST_CHECK;
struct json *inspect_programs_json(const struct inspection *i) MUST_CHECK;

struct json *inspection_json(const struct inspection *i) MUST_CHECK;
void inspection_print(const struct inspection *i, struct text *ret);
