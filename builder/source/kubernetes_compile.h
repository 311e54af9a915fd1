/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compiles Kubernetes from Debian's source package, in a toolchain tree. The steps, in this order:
 *
 *	unpack		by dpkg-source, which applies Debian's patches
 *	replace		a vendored library that does not work with this Go is replaced by Debian's package of it
 *	generate	the OpenAPI definitions, which the source leaves out (kubernetes_compile_openapi.c)
 *	programs	one `go install` for all of them, static; pause with the C compiler
 *	check		every program is run: some faults show only then (kubernetes_compile_check.c)
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/lock/lock.h"
#include "builder/toolchain/toolchain.h"
#include "lib/error.h"
#include "lib/text.h"

/* Paths in the work directory, which is TOOLCHAIN_WORK in the sandbox. */
#define COMPILE_SOURCE "go/src/k8s.io/kubernetes"
#define COMPILE_BIN "bin"

/* The programs of a node, and of the control plane; NULL-ended. */
extern const char *const kubernetes_compile_node_programs[];
extern const char *const kubernetes_compile_control_plane_programs[];

struct kubernetes_compile {
	const struct toolchain *toolchain; /* borrowed */
	const struct lock *lock;           /* borrowed */
	const struct lock_source *source;  /* borrowed; of the lock */
	bool control_plane;                /* its programs and pause as well */
	char *work;                        /* owned; absolute path of the work directory */
	int workfd;                        /* owned */
	struct strings environment;        /* of Go */
	struct strings references;         /* after kubernetes_compile_run(): the images that this kubeadm uses */
	int64_t epoch;                     /* date of the source package's last changelog entry */
};

int kubernetes_compile_open(struct kubernetes_compile *c, struct error *err) MUST_CHECK;
int kubernetes_compile_run(struct kubernetes_compile *c, struct error *err) MUST_CHECK;
void kubernetes_compile_close(struct kubernetes_compile *c);

/* Steps in other files. */
int kubernetes_compile_openapi(const struct kubernetes_compile *c, struct error *err) MUST_CHECK;
int kubernetes_compile_check(struct kubernetes_compile *c, struct error *err) MUST_CHECK;

/* Runs a program of the toolchain tree in a directory of the work directory. output: gets its stdout; NULL: goes to
 * toolchain->line. */
int kubernetes_compile_step(const struct kubernetes_compile *c, const char *directory, struct text *output,
			    const struct strings *argv, struct error *err) MUST_CHECK;

/* Pure. files: the files with an openapi-gen tag, one a line. Adds the Go packages that upstream generates definitions from. */
void kubernetes_compile_openapi_packages(const char *files, struct strings *ret);
