/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Source packages: which files one has, as the indices say, and whether the mirror serves them. An index may name files that
 * the mirror does not have (yet). A source that a build can do without (the agent's libcurl) is therefore fetched when it is
 * resolved, and when that fails, the reason is stored with apt's state: solutions/NAME.missing, one line. It holds until the
 * indices change or --update is given.
 */
#include <stdbool.h>

#include "builder/apt/apt.h"
#include "builder/lock/lock.h"
#include "lib/error.h"
#include "lib/text.h"

/* Asks apt for the files of a source package and adds it to the lock. request: NAME or NAME=VERSION. */
int apt_source_find(const struct apt *apt, char *request, struct lock *lock, struct error *err) MUST_CHECK;

/* True when the source was not served before: appends the reason to *ret_reason. */
bool apt_source_was_missing(const struct apt *apt, const char *name, struct text *ret_reason);
/* Stores the reason for apt_source_was_missing(); without it the mirror is only asked again. */
void apt_source_set_missing(const struct apt *apt, const char *name, const char *reason);
