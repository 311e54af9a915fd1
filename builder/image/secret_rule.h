/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where secrets and ways to log in are found in an image: a table of places (secret_rule_table.c), each with what makes a file there a
 * finding. Pure: verify_secrets.c reads the files.
 */
#include <stdbool.h>
#include <stddef.h>

#include "builder/image/fault.h"

enum secret_match {
	SECRET_EXISTS, /* the file is not empty */
	SECRET_LINE,   /* a line that is neither empty nor a comment */
	SECRET_WORD,   /* a line, not a comment, with the word of the rule, whatever its case */
	SECRET_ASSIGNED, /* "NAME=VALUE" or "NAME: VALUE", where NAME ends as those of passwords, tokens and the like do */
	SECRET_URL,      /* a URL with a user: "https://USER:PASSWORD@HOST" */
	SECRET_KEY,      /* a private key as text: PEM, OpenSSH, PGP, age, also in base64 */
};

struct secret_rule {
	enum fault_id id;
	const char *pattern; /* fnmatch(3) without flags: `*` crosses slashes */
	enum secret_match match;
	const char *word; /* of SECRET_WORD */
	const char *what; /* "has a password for a repository" */
};
extern const struct secret_rule secret_rules[];
extern const size_t secret_rules_count;

/* Whether a file with this content violates the rule. The content may have any bytes. */
bool secret_rule_matches(const struct secret_rule *rule, const char *content, size_t len);
