/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The images that a kubeadm uses, as `kubeadm config images list` prints them: one reference a line, such as
 * "registry.k8s.io/coredns/coredns:v1.14.6".
 */
#include "builder/sandbox/sandbox.h"
#include "lib/error.h"
#include "lib/text.h"

/* Runs the kubeadm in the sandbox. program: its name or absolute path there; version: "1.37.2". Adds to *ret. */
int kubeadm_images_list(const struct sandbox *sandbox, const char *program, const char *version, struct strings *ret,
			struct error *err) MUST_CHECK;
/* Pure: the lines of its output. */
void kubeadm_images_parse(char *output, struct strings *ret);
/* Pure. The reference of form "REGISTRY/NAME:TAG" with this name, borrowed; NULL when there is none. */
const char *kubeadm_images_find(const struct strings *references, const char *name);
