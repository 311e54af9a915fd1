/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A kubeconfig, as far as a node needs it: where the API server is, by which CA to know it, and as whom to speak. Of contexts,
 * clusters and users the current one is taken.
 */
#include "lib/error.h"

#define KUBECONFIG_SIZE_MAX (1 << 18)

/* Embedded text, or the file that holds it; both NULL = not given. */
struct kubeconfig_part {
	char *text, *file; /* owned */
};

struct kubeconfig {
	char *server; /* owned; https://HOST:PORT */
	struct kubeconfig_part ca, certificate, key;
	char *token; /* owned; NULL = none */
};

/* Pure. ERROR_INPUT when it is cut off, or lacks a server, a CA, or anything to authenticate with. */
int kubeconfig_parse(const char *file, const char *text, size_t len, struct kubeconfig *ret, struct error *err)
	MUST_CHECK;
/* The same from a file below rootfd; files that it refers to are read into the parts' text. */
int kubeconfig_load(int rootfd, const char *path, struct kubeconfig *ret, struct error *err) MUST_CHECK;
/* Secrets are overwritten first. */
void kubeconfig_done(struct kubeconfig *k);
