/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What Go writes into the programs that it links (package debug/buildinfo, `go version -m`): the version of Go, the main module, and
 * every module that is linked, with versions and hashes. It stays in stripped programs.
 *
 * The section .go.buildinfo of an ELF file, or the beginning of the first writable segment where there are no sections, has
 * at a multiple of 16 bytes (Go 1.18 and later; cmd/link/internal/ld/data.go, buildinfo):
 *
 *	"\xff Go buildinf:", a byte, a byte with flags, 16 bytes; Go's version; the modules
 *
 * both as texts that follow their length (a varint). The modules are between two markers of 16 bytes, a line each, its fields
 * separated by tabs: `path PACKAGE`, `mod PATH VERSION SUM`, `dep PATH VERSION SUM`, `=> PATH VERSION SUM` (replaces the module of
 * the line before), `build NAME=VALUE`.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/text.h"
#include "lib/vec.h"

/* A file that is read in parts: programs have 100 MiB. Appends len bytes from byte `from` on to *ret, or fewer where it ends. */
struct go_file {
	int (*read)(void *context, uint64_t from, size_t len, struct text *ret, struct error *err);
	void *context;
};

struct go_module {
	char *path, *version; /* owned; version: "v1.2.3", "(devel)" or "" */
	char *sum;            /* owned; "h1:BASE64="; NULL = unknown, as of a main module that is a folder */
};

struct go_linked {
	struct go_module module;
	struct go_module replaced_by; /* what was linked in its place; path NULL = nothing */
};

struct go_buildinfo {
	char *go;                     /* owned; "go1.26.8" */
	char *package;                /* owned; path of the main package; NULL when it was linked without modules */
	struct go_linked main;        /* the module of that package; path NULL = none */
	VEC(struct go_linked) linked; /* sorted by path, as Go writes them */
	struct strings settings;      /* "-tags=selinux" "GOARCH=amd64" ... */
};

/* 1: *ret is set; 0: the file is not an ELF program (64 bit, little endian) with build information; -1: reading failed, or the
 * information is broken. */
int go_buildinfo_read(const struct go_file *file, struct go_buildinfo *ret, struct error *err) MUST_CHECK;
void go_buildinfo_done(struct go_buildinfo *b);
/* The version that a program is linked with of the module at this path, its main module included; NULL when it has none. */
const char *go_buildinfo_version(const struct go_buildinfo *b, const char *path);
