/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * libarchive translates names between the archive's charset and the thread's locale. With UTF-8 on both sides
 * the bytes pass unchanged; otherwise a name such as "Főtanúsítvány.crt" in a pax header is lost.
 */
#include <locale.h>

#include "lib/macro.h"

/* UTF-8 for the calling thread, until the scope ends. */
#define UTF8_SCOPE CLEANUP(tar_utf8_leave) UNUSED locale_t utf8_scope_ = tar_utf8_enter()

locale_t tar_utf8_enter(void);
void tar_utf8_leave(locale_t *old);
