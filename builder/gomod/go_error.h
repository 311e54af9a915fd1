/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Why a go command failed. It exits with 1 whatever the reason is, so this looks for words of cmd/go and golang.org/x/mod (Go
 * 1.24 to 1.27) in what it prints: the first line that has some gives the sentence, the class and the advice. Pure.
 */
#include <stdbool.h>

#include "lib/error.h"

/* In front of the version in a line about a module that this Go is too old for. */
#define GO_ERROR_TOO_OLD "requires go >= "

struct go_error_kind;
struct go_error {
	bool network;        /* the command may ask proxies */
	const char *proxies; /* borrowed; GOPROXY, as goproxy_text() gives it; NULL: not known */
	char *line;          /* owned; NULL: nothing that is known */
	const struct go_error_kind *kind;
};

/* Lines that it prints, one or more. */
void go_error_add(struct go_error *e, const char *text);
/* Replaces the text and the class of err; leaves it as it is when no line is known. */
void go_error_explain(const struct go_error *e, struct error *err);
void go_error_done(struct go_error *e);
