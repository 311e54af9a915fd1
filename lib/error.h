/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one error convention. A function that can fail returns int: 0 (or a count >= 0), or -1 with *err filled. The text
 * is one sentence without a final full stop: what failed, on what, why, what to do. Each layer may add its context in
 * front, once:
 *
 *	return error_set(err, ERROR_TRUST, "%s: sha256 is %s, the lock says %s; run `nodekiln lock`", name, got, want);
 *	return error_errno(err, errno, "open %s", path);
 *	return error_wrap(err, "recipe '%s'", name);
 *
 * The text is public: it may go into notes, the state file, a status that every user reads. What another program or a server
 * said is private, since anything can be in it: kubectl quotes Secrets, a proxy quotes passwords. error_quote() keeps it
 * apart; only error_full() shows it, to the user who ran the program or to a log that root reads.
 *
 * A function returns an error or logs it, never both. Errors are logged by main files, and where the program continues
 * in spite of one (a retry, a clean-up). A struct error owns nothing: declare it `struct error err = { 0 };`, copy it
 * freely.
 */
#include <stdbool.h>

#include "lib/macro.h"

/* The class of a failure is the program's exit code; builder/cmd/command.c describes them to users. */
enum error_class {
	ERROR_NONE = 0,
	ERROR_FAILED = 1,    /* anything not named below */
	ERROR_USAGE = 2,     /* the command line */
	ERROR_INPUT = 3,     /* a recipe, lock file or other input file is wrong */
	ERROR_HOST = 4,      /* the host lacks a program, a right or a kernel feature; `nodekiln doctor` checks these */
	ERROR_NETWORK = 5,   /* a server could not be reached or did not deliver */
	ERROR_TRUST = 6,     /* a signature, key or checksum is wrong */
	ERROR_SPACE = 7,     /* disk full, or an image larger than its disk */
	ERROR_COMMAND = 8,   /* a command inside the image failed (a maintainer script, a compiler) */
	ERROR_VERIFY = 9,    /* `verify` found a fault in the image */
	ERROR_TARGET = 10,   /* Proxmox VE refused, or lacks a privilege or a setting that is needed */
	ERROR_OUTDATED = 11, /* `lock --check`: the repositories have newer packages */
	ERROR_SECURITY_UPDATE = 12, /* `lock --check`: security updates are among these */
};

#define ERROR_TEXT_MAX 2048
#define ERROR_PRIVATE_MAX 1536

/* Texts are cut at their limits and always terminated; control characters in them are replaced (text_make_printable()). */
struct error {
	enum error_class class;
	char text[ERROR_TEXT_MAX]; /* public */
	struct error_private {
		char text[ERROR_PRIVATE_MAX]; /* "" = none */
	} private;
};

/* Each returns -1, so that `return error_...(...)` is the whole failure path. err may not be NULL. */
int error_set(struct error *err, enum error_class class, const char *fmt, ...) PRINTF(3, 4);
/* Appends ": " and errnum's text. The class is ERROR_SPACE for ENOSPC and EDQUOT, else ERROR_FAILED. */
int error_errno(struct error *err, int errnum, const char *fmt, ...) PRINTF(3, 4);
/* Puts "context: " in front of err->text; class and private text stay. */
int error_wrap(struct error *err, const char *fmt, ...) PRINTF(2, 3);
/* Sets the private text of an error that has been set: words of another program or of a server. */
int error_quote(struct error *err, const char *fmt, ...) PRINTF(2, 3);
/* "text: private text"; the caller frees it. */
char *error_full(const struct error *err) MUST_CHECK;
