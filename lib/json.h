/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON values (json-c). Objects keep the order in which keys were put. json-c counts references; here each value has ONE
 * owner: putting or pushing a value into another transfers it; what json_get() and json_at() return is borrowed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

#define JSON_SIZE_MAX (64 << 20)
#define JSON_DEPTH_MAX 32

struct json;

struct json *json_object(void) MUST_CHECK;
struct json *json_array(void) MUST_CHECK;
struct json *json_string(const char *s) MUST_CHECK; /* NULL gives null */

void json_put(struct json *object, const char *key, struct json *value);
void json_put_string(struct json *object, const char *key, const char *s); /* NULL puts null */
void json_put_stringf(struct json *object, const char *key, const char *fmt, ...) PRINTF(3, 4);
void json_put_int(struct json *object, const char *key, int64_t n);
void json_put_double(struct json *object, const char *key, double n);
void json_put_bool(struct json *object, const char *key, bool b);
void json_put_strings(struct json *object, const char *key, const struct strings *list);
void json_push(struct json *array, struct json *value);

bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
/* NULL when absent or of another type. */
const struct json *json_get(const struct json *object, const char *key);
const char *json_get_string(const struct json *object, const char *key);
/* The same, owned by the caller. */
char *json_dup_string(const struct json *object, const char *key) MUST_CHECK;
bool json_get_int(const struct json *object, const char *key, int64_t *ret);
bool json_get_bool(const struct json *object, const char *key, bool *ret);
/* The i-th key of an object, borrowed; NULL beyond the last. */
const char *json_key(const struct json *object, size_t i);
size_t json_count(const struct json *array); /* 0 for anything but an array */
const struct json *json_at(const struct json *array, size_t i);
const char *json_as_string(const struct json *value);
/* Removes a member from its object; the caller owns it. NULL when absent. */
struct json *json_take(struct json *object, const char *key) MUST_CHECK;
/* For strict readers: the first key of an object that is not in the NULL-terminated table; NULL when all are. */
const char *json_unknown_key(const struct json *object, const char *const *known);

/* The whole text must be one value; errors name the byte offset. name is for the message. */
int json_parse(const char *name, const char *text, size_t len, struct json **ret, struct error *err) MUST_CHECK;
/* pretty: an indent of two spaces and a final newline; else one line without a newline. */
void json_print(const struct json *value, bool pretty, struct text *ret);
/* Overwrites the strings: any of them may be a secret. */
void json_free(struct json *value);
void json_free_p(struct json **value);
