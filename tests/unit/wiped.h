/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * This program's own explicit_bzero(3): it keeps what it overwrites, so that a test can count how often a secret was wiped.
 */
#include <string.h>

static char wiped[1 << 20];
static size_t wiped_n;

void explicit_bzero(void *bytes, size_t n)
{
	if (n <= sizeof wiped - wiped_n) {
		memcpy(wiped + wiped_n, bytes, n);
		wiped_n += n;
	}
	memset(bytes, 0, n);
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

/* With _FORTIFY_SOURCE. */
void __explicit_bzero_chk(void *bytes, size_t n, size_t size);
void __explicit_bzero_chk(void *bytes, size_t n, size_t size)
{
	(void)size;
	explicit_bzero(bytes, n);
}

static inline unsigned wiped_times(const char *secret)
{
	unsigned times = 0;
	const char *end = wiped + wiped_n, *at = wiped;

	while ((at = memmem(at, (size_t)(end - at), secret, strlen(secret)))) {
		times++;
		at++;
	}
	return times;
}
