/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by the files of the validators; not for other files. */
#include <stdbool.h>
#include <stddef.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define ALNUM LOWER UPPER DIGIT
#define HEX DIGIT "abcdefABCDEF"
#define LABEL_MAX 63

/* validate.c */
bool validate_chars_n(const char *s, size_t n, const char *allowed); /* at least one, and all of allowed */
bool validate_chars(const char *s, const char *allowed);
bool validate_alnum(char c);
bool validate_dns_name_n(const char *s, size_t n);
