/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The node's secrets as bytes: hidden in what is printed, and found again wherever they were copied to, as they are, or inside
 * base64 (once or twice, at any of its three alignments, with line breaks). Token, certificate key and token secret are plain
 * ASCII, so JSON, YAML and URLs write them as they are.
 *
 * In a file a secret is replaced in place by zeros that have its form ("000000.0000000000000000"), in base64 by what these zeros
 * are there: a file keeps its length and stays what it is, be it YAML, JSON, MIME or a Python pickle.
 */
#include "lib/node_config.h"
#include "lib/text.h"

/* No secret's copy is longer, line breaks included: windows over a file must overlap by as much. */
#define SECRETS_SPAN_MAX 512

struct secrets {
	bool zeroed; /* one of the node's was: a wipe was cut off after our own configuration, so what to look for is unknown */
	struct strings plain;
	struct searches {
		struct base64_search *at; /* owned */
		size_t n, max;
	} encoded;
};

void secrets_of(const struct node_config *node, struct secrets *ret);
/* Zeros over each. Returns how many there were. */
size_t secrets_zero(const struct secrets *s, char *data, size_t len);
/* Whether there is compressed data in it, as it is or in base64, in which nothing can be found. */
bool secrets_hidden_by_gzip(const char *data, size_t len);
/* Overwrites them first. */
void secrets_done(struct secrets *s);

/* secrets_mask.c: for people. '*' over each secret in the line, over a long piece of one at either end of it (it may go on in the
 * next line), and over tokens and certificate keys that kubeadm made itself. */
void secrets_mask_line(const struct secrets *s, char *line);
