/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Growing arrays of a type.
 *
 *	VEC(struct package) packages = { 0 };
 *	vec_push(&packages, (struct package){ .name = name });
 *	for (size_t i = 0; i < packages.n; i++) use(&packages.at[i]);
 *	vec_done(&packages);			frees the array, not what the items own
 */
#include <stdlib.h>

#include "lib/alloc.h"

#define VEC(type)                                                                                                      \
	struct {                                                                                                       \
		type *at;                                                                                              \
		size_t n;                                                                                              \
		size_t max;                                                                                            \
	}

#define vec_push(v, ...)                                                                                               \
	do {                                                                                                           \
		if ((v)->n == (v)->max) {                                                                              \
			(v)->max = (v)->max ? (v)->max * 2 : 8;                                                        \
			(v)->at = xrealloc((v)->at, (v)->max, sizeof *(v)->at);                                        \
		}                                                                                                      \
		(v)->at[(v)->n++] = (__VA_ARGS__);                                                                     \
	} while (0)

#define vec_done(v)                                                                                                    \
	do {                                                                                                           \
		free((v)->at);                                                                                         \
		(v)->at = NULL;                                                                                        \
		(v)->n = (v)->max = 0;                                                                                 \
	} while (0)
