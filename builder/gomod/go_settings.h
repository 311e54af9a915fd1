/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The user's settings of Go that decide from where modules come and which database of checksums confirms them: as
 * `go help environment` says, an environment variable, else a line NAME=VALUE of the file $GOENV (default ~/.config/go/env;
 * "off": none). What neither sets stays unset, so that Go's own default counts.
 */
#include "lib/error.h"
#include "lib/text.h"

/* Adds NAME=VALUE for each setting that is set. An unreadable file is ERROR_INPUT. */
int go_settings_read(struct strings *ret, struct error *err) MUST_CHECK;
/* The value, borrowed from the list; NULL when it is not set. */
const char *go_settings_get(const struct strings *settings, const char *name);
/* Pure: adds the settings of a file's text that the list has not yet. */
void go_settings_parse(const char *text, struct strings *ret);
/* The user's netrc file, for credentials of proxies: $NETRC, else ~/.netrc. Owned by the caller; NULL when there is none. */
char *go_settings_netrc(void) MUST_CHECK;
