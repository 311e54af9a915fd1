/* SPDX-License-Identifier: Apache-2.0 */
/* struct json is json-c's struct json_object; null is a NULL pointer in both. */
#include "lib/json.h"

/* json-c's type has the same name as our function json_object(), so it is renamed here. */
#define json_object json_c_object
#include <json-c/json.h>
#undef json_object
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/macro.h"

static struct json_c_object *inner(const struct json *value)
{
	return (struct json_c_object *)value;
}

/* The constructors called here return NULL only when memory is exhausted. */
static struct json *made(struct json_c_object *value)
{
	if (!value)
		abort();
	return (struct json *)value;
}

struct json *json_object(void)
{
	return made(json_object_new_object());
}

struct json *json_array(void)
{
	return made(json_object_new_array());
}

struct json *json_string(const char *s)
{
	return s ? made(json_object_new_string(s)) : NULL;
}

void json_put(struct json *object, const char *key, struct json *value)
{
	if (json_object_object_add(inner(object), key, inner(value)) < 0)
		abort();
}

void json_put_string(struct json *object, const char *key, const char *s)
{
	json_put(object, key, json_string(s));
}

void json_put_stringf(struct json *object, const char *key, const char *fmt, ...)
{
	CLEANUP(free_p) char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	json_put_string(object, key, s);
}

void json_put_int(struct json *object, const char *key, int64_t n)
{
	json_put(object, key, made(json_object_new_int64(n)));
}

void json_put_double(struct json *object, const char *key, double n)
{
	char text[40];

	/* json-c prints 17 digits: 4.81 would read 4.8099999999999996. */
	snprintf(text, sizeof text, "%.15g", n);
	json_put(object, key, made(json_object_new_double_s(n, text)));
}

void json_put_bool(struct json *object, const char *key, bool b)
{
	json_put(object, key, made(json_object_new_boolean(b)));
}

void json_put_strings(struct json *object, const char *key, const struct strings *list)
{
	struct json *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_push(array, json_string(list->at[i]));
	json_put(object, key, array);
}

void json_push(struct json *array, struct json *value)
{
	if (json_object_array_add(inner(array), inner(value)) < 0)
		abort();
}

bool json_is_object(const struct json *value)
{
	return json_object_is_type(inner(value), json_type_object);
}

bool json_is_array(const struct json *value)
{
	return json_object_is_type(inner(value), json_type_array);
}

const struct json *json_get(const struct json *object, const char *key)
{
	struct json_c_object *value = NULL;

	if (!json_is_object(object) || !json_object_object_get_ex(inner(object), key, &value))
		return NULL;
	return (const struct json *)value;
}

const char *json_get_string(const struct json *object, const char *key)
{
	return json_as_string(json_get(object, key));
}

char *json_dup_string(const struct json *object, const char *key)
{
	const char *s = json_get_string(object, key);

	return xstrdup_or_null(s);
}

bool json_get_int(const struct json *object, const char *key, int64_t *ret)
{
	struct json_c_object *value = inner(json_get(object, key));

	if (!json_object_is_type(value, json_type_int))
		return false;
	/* json-c clamps a number that does not fit, so the limit itself is refused */
	if (json_object_get_int64(value) == INT64_MAX)
		return false;
	*ret = json_object_get_int64(value);
	return true;
}

bool json_get_bool(const struct json *object, const char *key, bool *ret)
{
	struct json_c_object *value = inner(json_get(object, key));

	if (!json_object_is_type(value, json_type_boolean))
		return false;
	*ret = json_object_get_boolean(value);
	return true;
}

const char *json_key(const struct json *object, size_t i)
{
	if (!json_is_object(object))
		return NULL;
	json_object_object_foreach(inner(object), key, value)
	{
		(void)value;
		if (i-- == 0)
			return key;
	}
	return NULL;
}

size_t json_count(const struct json *array)
{
	return json_is_array(array) ? json_object_array_length(inner(array)) : 0;
}

const struct json *json_at(const struct json *array, size_t i)
{
	return i < json_count(array) ? (const struct json *)json_object_array_get_idx(inner(array), i) : NULL;
}

const char *json_as_string(const struct json *value)
{
	const char *s;

	if (!json_object_is_type(inner(value), json_type_string))
		return NULL;
	s = json_object_get_string(inner(value));
	/* a C string would end at a "\u0000" */
	return strlen(s) == (size_t)json_object_get_string_len(inner(value)) ? s : NULL;
}

struct json *json_take(struct json *object, const char *key)
{
	struct json_c_object *value = json_object_get(inner(json_get(object, key)));

	if (value)
		json_object_object_del(inner(object), key);
	return (struct json *)value;
}

const char *json_unknown_key(const struct json *object, const char *const *known)
{
	if (!json_is_object(object))
		return NULL;
	json_object_object_foreach(inner(object), key, value)
	{
		size_t i = 0;

		(void)value;
		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return key;
	}
	return NULL;
}

static void tokener_p(struct json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

/* json-c 0.18 takes bytes beyond ASCII for control characters when it is strict, so they are shown to it as \uXXXX.
 * s: UTF-8. False: a backslash escapes such a character, which is no JSON. */
static bool add_ascii(const char *s, size_t len, struct text *ret)
{
	bool escaped = false; /* s[at], by a backslash */

	for (size_t at = 0, ascii = 0; at < len;) {
		uint32_t c;
		size_t n = text_character(s + at, len - at, &c);

		if (n > 1) {
			if (escaped)
				return false;
			text_addn(ret, s + ascii, at - ascii);
			if (c < 0x10000)
				text_addf(ret, "\\u%04x", c);
			else
				text_addf(ret, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
			ascii = at + n;
		}
		escaped = c == '\\' && !escaped;
		at += n;
		if (at == len)
			text_addn(ret, s + ascii, at - ascii);
	}
	return true;
}

int json_parse(const char *name, const char *text, size_t len, struct json **ret, struct error *err)
{
	CLEANUP(tokener_p) struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	CLEANUP(json_free_p) struct json *value = NULL;
	CLEANUP(text_wipe_done) struct text ascii = { 0 };
	enum json_tokener_error why;
	size_t end;

	if (!tokener)
		abort();
	if (len > JSON_SIZE_MAX)
		return error_set(err, ERROR_INPUT, "%s: %zu bytes of JSON; the limit is %d", name, len, JSON_SIZE_MAX);
	if (!text_is_utf8(text, len))
		return error_set(err, ERROR_INPUT, "%s: the JSON text is not UTF-8", name);
	if (!add_ascii(text, len, &ascii))
		return error_set(err, ERROR_INPUT, "%s: a backslash before a character that is not ASCII", name);
	text = ascii.data ? ascii.data : "";
	len = ascii.len;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	value = (struct json *)json_tokener_parse_ex(tokener, text, (int)len);
	why = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (why == json_tokener_continue) {
		/* only the NUL shows the parser that a bare number has ended */
		value = (struct json *)json_tokener_parse_ex(tokener, "", 1);
		why = json_tokener_get_error(tokener) == json_tokener_success ? json_tokener_success : why;
		end = len;
	}
	if (why == json_tokener_continue)
		return error_set(err, ERROR_INPUT, "%s: the JSON text ends too early, at byte %zu", name, len);
	if (why != json_tokener_success)
		return error_set(err, ERROR_INPUT, "%s: invalid JSON at byte %zu: %s", name, end,
				 json_tokener_error_desc(why));
	while (end < len && strchr(" \t\r\n", text[end]) && text[end])
		end++; /* no strspn(): text need not end in a NUL */
	if (end != len)
		return error_set(err, ERROR_INPUT, "%s: extra text after the JSON value, at byte %zu", name, end);
	*ret = TAKE(value);
	return 0;
}

/* json-c escapes the control characters of ASCII only. */
static void add_escaped(const char *s, size_t len, struct text *ret)
{
	const char *begin = s;

	for (uint32_t c; len;) {
		size_t n = text_character(s, len, &c);

		if (c >= 0x7f && text_is_hidden(c)) {
			text_addn(ret, begin, (size_t)(s - begin));
			text_addf(ret, "\\u%04x", c == TEXT_NO_CHARACTER ? 0xfffd : c);
			begin = s + n;
		}
		s += n;
		len -= n;
	}
	text_addn(ret, begin, (size_t)(s - begin));
}

/* json-c before 0.17 prints an empty array or object over two lines, later versions do not; what is printed must not depend
 * on the host. Outside of its layout JSON has no line break: in strings it is escaped. */
static void add_pretty(const char *s, struct text *ret)
{
	for (const char *at; (at = strpbrk(s, "[{")); s = at) {
		size_t space = strspn(++at, "\n ");
		add_escaped(s, (size_t)(at - s), ret);
		if (*at == '\n' && (at[space] == ']' || at[space] == '}'))
			at += space;
	}
	add_escaped(s, strlen(s), ret);
	text_add(ret, "\n");
}

void json_print(const struct json *value, bool pretty, struct text *ret)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *s;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
	s = json_object_to_json_string_ext(inner(value), flags);
	if (pretty)
		add_pretty(s, ret);
	else
		add_escaped(s, strlen(s), ret);
	explicit_bzero((char *)s, strlen(s)); /* the value keeps it until it is freed or printed again */
}

/* json-c frees strings as they are. (Its parser's buffer, which has the last one of a text, is private.) */
static void wipe(struct json_c_object *value)
{
	if (json_object_is_type(value, json_type_string))
		explicit_bzero((char *)json_object_get_string(value), (size_t)json_object_get_string_len(value));
	for (size_t i = 0; json_object_is_type(value, json_type_array) && i < json_object_array_length(value); i++)
		wipe(json_object_array_get_idx(value, i));
	if (!json_object_is_type(value, json_type_object))
		return;
	json_object_object_foreach(value, key, member)
	{
		(void)key;
		wipe(inner((const struct json *)member));
	}
}

void json_free(struct json *value)
{
	wipe(inner(value));
	json_object_put(inner(value));
}

void json_free_p(struct json **value)
{
	json_free(*value);
	*value = NULL;
}
