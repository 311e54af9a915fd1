/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The node's secrets as bytes: hidden in what is printed, and found again wherever they were copied to, as they are, or inside
 * base64 (once or twice, at any of its three alignments, with line breaks). Token, certificate key and token secret are plain
 * ASCII, so JSON, YAML and URLs write them as they are.
 *
 * Hidden bytes are replaced in place by as many others of the same kind: a file keeps its length and stays what it is, be it YAML,
 * JSON, MIME or a Python pickle.
 */
#include "lib/node.h"
#include "lib/text.h"

/* No secret's copy is longer, line breaks included: windows over a file must overlap by as much. */
#define SECRETS_SPAN_MAX 512

struct secrets {
	struct strings plain;   /* "0123..." */
	struct strings encoded; /* the part of their base64 that does not depend on what is around */
};

void secrets_of(const struct node *node, struct secrets *ret);
/* For people: '*' over each secret in the line, over a long piece of one at either end of it (it may go on in the next line),
 * and over tokens and certificate keys that kubeadm made itself. */
void secrets_mask_line(const struct secrets *s, char *line);
/* For files: '0' over each (in base64 'A', which is zero bits). Returns how many there were. */
size_t secrets_zero(const struct secrets *s, char *data, size_t len);
/* Whether there is compressed data in it, as it is or in base64, in which nothing can be found. */
bool secrets_hidden_by_gzip(const char *data, size_t len);
/* Overwrites them first. */
void secrets_done(struct secrets *s);
