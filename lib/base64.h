/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Base64 (RFC 4648, section 4), as cloud-config and kubeconfigs carry it: white space is allowed anywhere, the padding must be
 * right.
 */
#include <stdbool.h>

#include "lib/text.h"

/* Adds the bytes to *ret; false when text is not base64 (*ret may then hold a part). */
bool base64_decode(const char *text, struct text *ret);
/* Adds one line without white space to *ret. */
void base64_encode(const void *data, size_t len, struct text *ret);
