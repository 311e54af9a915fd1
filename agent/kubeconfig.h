/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The part of a kubeconfig that a node needs: the API server's URL, the CA that authenticates it, and the
 * client's credentials. Only the current context is read.
 */
#include "lib/error.h"

#define KUBECONFIG_SIZE_MAX (1 << 18)

/* Embedded text, or the name of the file that holds it; both NULL = not given. */
struct kubeconfig_part {
	char *text, *file; /* owned */
};

struct kubeconfig {
	char *server; /* owned; https://HOST:PORT */
	struct kubeconfig_part ca, certificate, key;
	char *token; /* owned; NULL = none */
};

/* Pure. ERROR_INPUT when it is truncated, or lacks a server, a CA or credentials. */
int kubeconfig_parse(const char *file, const char *text, size_t len, struct kubeconfig *ret, struct error *err)
	MUST_CHECK;
/* The same from a file below rootfd; the files that it refers to are read into the parts' text. */
int kubeconfig_load(int rootfd, const char *path, struct kubeconfig *ret, struct error *err) MUST_CHECK;
/* Overwrites secrets before freeing them. */
void kubeconfig_done(struct kubeconfig *k);
