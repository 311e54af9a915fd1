/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Users and passwords of the servers that files are downloaded from. A URL may have them: "https://user:password@host/debian".
 * Where a URL enters the program (an option, a recipe, a component's file, a lock, the host's apt sources), login_split() takes
 * them off. So no code behind it can store or print them, and the same files have the same URL for every user.
 *
 * Of several for one URL the first counts: an option's, then the recipe's, then a lock's, then those of this host's apt
 * (apt_auth.conf(5)), which names machines.
 * They are in memory until the process ends, for the URL and all below it. lib/http.h sends them; builder/apt/apt.c gives them to apt in
 * a file that exists in memory only. All functions may be called by any thread.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

/* Replaces *url by the URL without user and password, and keeps these, percent-decoded. Does nothing when *url is NULL or has none. what
 * names the URL in messages; no message has the URL. ERROR_INPUT when they are not percent-encoded, or have a blank, a control
 * character or, in the user, a colon: apt and HTTP cannot send these. In a URL with {minor} or {version}, which are replaced
 * later, they are for the directory above. */
int login_split(char **url, const char *what, struct error *err) MUST_CHECK;
/* Whether there is a login for the URL, the one for its longest beginning. The strings live as long as the process. */
bool login_find(const char *url, const char **ret_user, const char **ret_password);
/* Adds the machines of a file in the form of apt_auth.conf(5); whatever else is in it is skipped, as apt does. */
void login_read_auth_conf(const char *text);
/* All in the form of apt_auth.conf(5), for the caller to text_wipe(); appends nothing when there are none. */
void login_auth_conf(struct text *ret);
/* ERROR_HOST when a proxy in the environment (http_proxy, ...) has a password and is not a URL: libcurl would show all of it. */
int login_check_proxies(struct error *err) MUST_CHECK;
