/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Looks at an overlay before it is copied: what is in it but hardly meant, and what belongs to its digest in addition to names, modes and
 * contents (digest_directory()).
 */
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/text.h"

/* Adds one sentence for each kind of oddity, with the first paths: rights for every user, links to places that no guest has. */
int overlay_survey_odd(const char *overlay, struct strings *ret, struct error *err) MUST_CHECK;
/* Adds extended attributes, hard links, and which files are sparse; nothing when there are none. */
int overlay_survey_digest(struct hash *h, const char *overlay, struct error *err) MUST_CHECK;
