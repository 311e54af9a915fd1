/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * YAML documents as trees of nodes that record their file and line (libyaml). One document per file; anchors, aliases and
 * custom tags are refused, so that people and programs read the same. Limits: YAML_SIZE_MAX, YAML_DEPTH_MAX, YAML_ITEMS_MAX.
 *
 * Readers consume: yaml_take*() marks a key as taken, and yaml_check_all_taken() reports every other key as an error that lists
 * the keys that are allowed there. So a typo is never ignored.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/macro.h"
#include "lib/text.h"

#define YAML_SIZE_MAX (1 << 20)
#define YAML_DEPTH_MAX 32
#define YAML_ITEMS_MAX 4096 /* of one list or map */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	char *file;          /* owned; its origin */
	int line;            /* 1-based, of its key in a map; 0: no line, e.g. from the command line */
	char *key;           /* owned; its key in the parent map, else NULL */
	char *value;         /* owned; YAML_SCALAR: the text, "" for empty or ~ */
	bool plain;          /* YAML_SCALAR: without quotes */
	bool binary;         /* YAML_SCALAR: the text is base64, tagged !!binary; of yaml_parse_cloud_config() only */
	bool taken;          /* by yaml_take* */
	struct yaml **child; /* owned; YAML_LIST items, YAML_MAP values in file order; duplicate keys are refused */
	size_t children, max;
	struct strings asked; /* YAML_MAP: the arguments of yaml_take*() */
};

int yaml_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err) MUST_CHECK;
/* The same for a cloud-config: a scalar may be !!binary, which cloud-init's manual has for the content of files. */
int yaml_parse_cloud_config(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err)
	MUST_CHECK;
/* (Not yaml_free(): libyaml exports that name and would call this function.) */
/* Overwrites the values: any of them may be a secret. */
void yaml_node_free(struct yaml *node);
void yaml_node_free_p(struct yaml **node);

/* To build trees. yaml_add() takes over child; in a map the key must be new, in a list it is NULL. */
struct yaml *yaml_new(enum yaml_kind kind, const char *file, int line) MUST_CHECK;
struct yaml *yaml_new_scalar(const char *file, int line, const char *value) MUST_CHECK;
void yaml_add(struct yaml *parent, const char *key, struct yaml *child);
/* The child, without marking it as taken; NULL when absent or when node is NULL or not a map. */
struct yaml *yaml_find(const struct yaml *node, const char *key);
/* Removes a child from its map; the caller owns it. NULL when absent. */
struct yaml *yaml_remove(struct yaml *map, const char *key) MUST_CHECK;
bool yaml_same(const struct yaml *a, const struct yaml *b); /* kinds, keys in any order, and values; not origins */

/* Appends a block-style document that reads back as the same tree; plain scalars stay plain, as their type may depend on it. */
void yaml_print(const struct yaml *tree, struct text *ret);
/* Appends value as a double-quoted scalar. */
void yaml_quote(const char *value, struct text *ret);

/* ERROR_INPUT with "FILE:LINE: " in front. */
int yaml_error(const struct yaml *node, struct error *err, const char *fmt, ...) PRINTF(3, 4);

/* The child of a map, marked as taken; NULL when absent. map may be NULL. */
struct yaml *yaml_take(struct yaml *map, const char *key);
/* Scalars. An absent key leaves *ret unchanged and returns 0; a wrong kind or value is -1 with an error that names the place and
 * what is allowed. yaml_take_string() frees the old *ret. */
int yaml_take_string(struct yaml *map, const char *key, char **ret, struct error *err) MUST_CHECK;
/* The same for a URL: its user and password are taken off (lib/login.h). */
int yaml_take_url(struct yaml *map, const char *key, char **ret, struct error *err) MUST_CHECK;
int yaml_take_bool(struct yaml *map, const char *key, bool *ret, struct error *err) MUST_CHECK;
int yaml_take_int(struct yaml *map, const char *key, long min, long max, long *ret, struct error *err) MUST_CHECK;
int yaml_take_size(struct yaml *map, const char *key, unsigned long long *ret, struct error *err) MUST_CHECK;
/* One of the names of a NULL-terminated table; *ret is its index. */
int yaml_take_choice(struct yaml *map, const char *key, const char *const *names, int *ret, struct error *err)
	MUST_CHECK;
/* A list of scalars (a single scalar counts as a list of one); replaces *ret. */
int yaml_take_strings(struct yaml *map, const char *key, struct strings *ret, struct error *err) MUST_CHECK;
/* A map or list child, checked for its kind; *ret is NULL when absent. */
int yaml_take_map(struct yaml *map, const char *key, struct yaml **ret, struct error *err) MUST_CHECK;
int yaml_take_list(struct yaml *map, const char *key, struct yaml **ret, struct error *err) MUST_CHECK;
/* ERROR_INPUT when a key below node was not taken: "FILE:LINE: unknown key 'x'; allowed here: a, b, c". */
int yaml_check_all_taken(const struct yaml *node, struct error *err) MUST_CHECK;
