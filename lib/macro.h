/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Attributes and cleanup helpers that are used everywhere.
 *
 *	CLEANUP(free_p) char *name = xstrdup("x");	freed when the scope ends, on every path
 *	return TAKE(name);				moved to the caller instead
 */
#include <stddef.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Moves a pointer or a struct: evaluates to its value and leaves NULL, or a zeroed struct, behind. */
#define TAKE(value)                                                                                                    \
	({                                                                                                             \
		__typeof__(value) *from_ = &(value), taken_ = *from_;                                                  \
		*from_ = (__typeof__(value)){ 0 };                                                                     \
		taken_;                                                                                                \
	})

/* Moves a file descriptor and leaves -1 behind. */
#define TAKE_FD(fd)                                                                                                    \
	({                                                                                                             \
		int taken_ = fd;                                                                                       \
		(fd) = -1;                                                                                             \
		taken_;                                                                                                \
	})

/* For CLEANUP(): each accepts the empty value (NULL, -1) and keeps errno. */
void free_p(void *pointer_to_pointer);
void close_p(int *fd);
void fclose_p(void *pointer_to_file);
void closedir_p(void *pointer_to_dir);
