/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The node's secrets as bytes: masked in output, and found in every copy, plain or inside base64 (once or
 * twice encoded, at any of the three alignments, with line breaks). Token, certificate key, token secret and private keys
 * are plain ASCII, so JSON, YAML and URLs contain them unescaped.
 *
 * In a file a secret is replaced in place by zeros of the same form ("000000.0000000000000000"), in base64 by
 * the encoding of these zeros: the file keeps its length and stays valid, be it YAML, JSON, MIME or a Python
 * pickle.
 */
#include "lib/node_config.h"
#include "lib/text.h"

/* The maximum length of a copy of a secret, line breaks included: windows over a file must overlap by as much. */
#define SECRETS_SPAN_MAX 512

struct secrets {
	/* One of the node's secrets is zeros: an earlier wipe was interrupted after it had wiped our own
	 * configuration, so the values to search for are unknown. */
	bool zeroed;
	struct strings plain;
	struct searches {
		struct base64_search *at; /* owned */
		size_t n, max;
	} encoded;
};

void secrets_of(const struct node_config *node, struct secrets *ret);
/* Replaces each occurrence by zeros. Returns how many there were. */
size_t secrets_zero(const struct secrets *s, char *data, size_t len);
/* Whether the data contain compressed data, plain or in base64, which cannot be searched. */
bool secrets_hidden_by_gzip(const char *data, size_t len);
/* Overwrites them before freeing. */
void secrets_done(struct secrets *s);

/* secrets_mask.c, for output: writes '*' over each secret in the line, over a long part of a secret at
 * either end of the line (the rest may be in another line), and over tokens and certificate keys that
 * kubeadm generated. */
void secrets_mask_line(const struct secrets *s, char *line);
