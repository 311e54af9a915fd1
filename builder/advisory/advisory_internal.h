/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by advisory.c and advisory_read.c.
 */
#include "builder/advisory/advisory.h"
#include "builder/golang/osv.h"

/* Adds to a->found what an entry concerns. */
void advisories_match(struct advisories *a, const struct osv *osv);
int advisories_read_directory(const char *path, struct advisories *a, struct error *err) MUST_CHECK;
int advisories_read_url(const char *url, struct cache *cache, time_t today, struct advisories *a, struct error *err)
	MUST_CHECK;
