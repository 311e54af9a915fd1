/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Answers of apt's solver, stored with the state whose indices they were made from. Private to resolve.c and resolve_go.c.
 */
#include "builder/apt/apt.h"
#include "builder/apt/resolve.h"

#define RESOLVE_SOLUTIONS "solutions"

/* 1, or 0 when there is none for this request. An unreadable file counts as none. */
int resolve_solution_load(const struct apt *apt, const char *digest, struct lock *ret);
/* A solution belongs to a request and not to a recipe, so recipe_digest holds the request's digest meanwhile. */
int resolve_solution_store(const struct apt *apt, const char *digest, struct lock *lock, struct error *err) MUST_CHECK;
