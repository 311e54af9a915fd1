/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which of the host's apt sources can be the distribution's mirror. Pure. apt says for each source its suite, component, origin,
 * architecture and URL; other vendors use Debian's codenames and the component `main`, too, so that several can fit.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/vec.h"

struct mirror_wanted {
	const char *id;           /* "debian" */
	const char *codename;     /* "bookworm" */
	const char *suffix;       /* of the suite: "" or "-security" */
	const char *architecture; /* "amd64" */
};

struct mirror_candidate {
	char *url, *suite; /* owned; url without a slash at the end */
	size_t suites;     /* how many suites the host takes from this URL */
	bool known;        /* the host's package lists say that it is the distribution's */
};

struct mirror_candidates {
	VEC(struct mirror_candidate)
	list;          /* the likeliest first: known, then those with more suites, then as in the sources */
	char *skipped; /* owned; a source that fits and that nothing but apt can read (cdrom:), or NULL */
};

/* targets: lines "SUITE\tCOMPONENT\tORIGIN\tARCHITECTURE\tURL"; ORIGIN may be empty. Other lines are skipped. */
void mirror_candidates_read(const char *targets, const struct mirror_wanted *wanted, struct mirror_candidates *ret);
void mirror_candidates_done(struct mirror_candidates *candidates);
