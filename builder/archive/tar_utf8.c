/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/archive/tar_utf8.h"

locale_t tar_utf8_enter(void)
{
	static locale_t utf8;
	locale_t now = __atomic_load_n(&utf8, __ATOMIC_ACQUIRE);

	if (!now) {
		now = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
		__atomic_store_n(&utf8, now, __ATOMIC_RELEASE);
	}
	return now ? uselocale(now) : (locale_t)0;
}

void tar_utf8_leave(locale_t *old)
{
	if (*old)
		uselocale(*old);
}
