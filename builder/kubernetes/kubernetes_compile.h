/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Kubernetes compiled from Debian's source package, in a toolchain tree. The steps, in this order:
 *
 *	unpack		dpkg-source, so with Debian's patches
 *	mend		a vendored library that this Go cannot use is replaced by Debian's package of it
 *	generate	the OpenAPI definitions, which the source leaves out (kubernetes_compile_openapi.c)
 *	programs	one `go install` for all of them, static; pause with the C compiler
 *	check		every program is run: some mistakes show only then (kubernetes_compile_check.c)
 */
#include <stdbool.h>
#include <stdint.h>

#include "builder/kubernetes/toolchain.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/text.h"

/* Where things are in the work directory, which the sandbox shows as TOOLCHAIN_WORK. */
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
	struct strings references;         /* after the check: the images that this kubeadm asks for */
	int64_t epoch;                     /* date of the source package's last change */
};

int kubernetes_compile_open(struct kubernetes_compile *c, struct error *err) MUST_CHECK;
int kubernetes_compile_run(struct kubernetes_compile *c, struct error *err) MUST_CHECK;
void kubernetes_compile_close(struct kubernetes_compile *c);

/* The steps that have files of their own. */
int kubernetes_compile_openapi(const struct kubernetes_compile *c, struct error *err) MUST_CHECK;
int kubernetes_compile_check(struct kubernetes_compile *c, struct error *err) MUST_CHECK;

/* Runs a program of the toolchain tree in a directory of the work directory; the arguments end with NULL. output may be NULL. */
int kubernetes_compile_step(const struct kubernetes_compile *c, const char *directory, struct text *output,
			    const struct strings *argv, struct error *err) MUST_CHECK;

/* Pure. Files with an openapi-gen tag (one a line, as grep prints them) to the Go packages that upstream generates from. */
void compile_openapi_packages(const char *files, struct strings *ret);
/* Pure. The image with this name among "REGISTRY/NAME:TAG" references, NULL when there is none. */
const char *kubernetes_compile_reference(const struct strings *references, const char *name);
