/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * YAML documents as a tree of nodes that remember where they stood (libyaml behind). One document per file; anchors,
 * aliases and custom tags are refused: configuration must read the same for people and programs. Limits: YAML_SIZE_MAX,
 * YAML_DEPTH_MAX.
 *
 * Readers consume: yaml_take* marks a key as used, and yaml_check_all_taken turns what is left into an error that lists
 * the keys that were asked for at that place. So a typo can never be ignored.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/text.h"

#define YAML_SIZE_MAX (1 << 20)
#define YAML_DEPTH_MAX 32
#define YAML_ITEMS_MAX 4096 /* of one list or map */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	char *file;          /* owned; where it stood */
	int line;            /* 1-based; 0: no line, e.g. from the command line */
	char *key;           /* owned; its key in the parent map, else NULL */
	char *value;         /* owned; YAML_SCALAR: the text, "" for empty or ~ */
	bool plain;          /* YAML_SCALAR: it stood without quotes */
	bool taken;          /* by yaml_take* */
	struct yaml **child; /* owned; YAML_LIST items, YAML_MAP values in file order; duplicate keys are refused */
	size_t children, max;
	struct strings asked; /* YAML_MAP: keys that were asked for */
};

int yaml_parse(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err) MUST_CHECK;
/* (Not yaml_free: libyaml exports a function of that name and would call ours.) */
void yaml_node_free(struct yaml *node);
void yaml_node_free_p(struct yaml **node);

/* Trees by hand. yaml_add hands child over; a map needs a key that is not there yet, a list none. */
struct yaml *yaml_new(enum yaml_kind kind, const char *file, int line) MUST_CHECK;
struct yaml *yaml_new_scalar(const char *file, int line, const char *value) MUST_CHECK;
void yaml_add(struct yaml *parent, const char *key, struct yaml *child);
/* Without marking it as taken; NULL when absent or when node is NULL or no map. */
struct yaml *yaml_find(const struct yaml *node, const char *key);
/* Out of the map and to the caller; NULL when absent. */
struct yaml *yaml_remove(struct yaml *map, const char *key) MUST_CHECK;
bool yaml_same(const struct yaml *a, const struct yaml *b); /* kinds, keys in any order, and values; not places */

/* A block-style document that reads back as the same tree; what was plain stays plain, as its type may depend on it. */
void yaml_print(const struct yaml *tree, struct text *ret);
/* A double-quoted scalar, whatever is in value. */
void yaml_quote(const char *value, struct text *ret);

/* ERROR_INPUT, "FILE:LINE: " in front. */
int yaml_error(const struct yaml *node, struct error *err, const char *fmt, ...) PRINTF(3, 4);

/* The child of a map, marked as taken; NULL when absent. map may be NULL. */
struct yaml *yaml_take(struct yaml *map, const char *key);
/* Scalars. An absent key leaves *ret as it was and returns 0; a wrong kind or value is -1 with file:line and what is
 * allowed. */
int yaml_take_string(struct yaml *map, const char *key, char **ret, struct error *err) MUST_CHECK;
int yaml_take_bool(struct yaml *map, const char *key, bool *ret, struct error *err) MUST_CHECK;
int yaml_take_int(struct yaml *map, const char *key, long min, long max, long *ret, struct error *err) MUST_CHECK;
int yaml_take_size(struct yaml *map, const char *key, unsigned long long *ret, struct error *err) MUST_CHECK;
/* One of the names of a NULL-ended table; *ret is its index. */
int yaml_take_choice(struct yaml *map, const char *key, const char *const *names, int *ret, struct error *err)
	MUST_CHECK;
/* A list of scalars (a single scalar counts as a list of one); replaces *ret. */
int yaml_take_strings(struct yaml *map, const char *key, struct strings *ret, struct error *err) MUST_CHECK;
/* A map or list child, checked for its kind; *ret is NULL when absent. */
int yaml_take_map(struct yaml *map, const char *key, struct yaml **ret, struct error *err) MUST_CHECK;
int yaml_take_list(struct yaml *map, const char *key, struct yaml **ret, struct error *err) MUST_CHECK;
/* Everything below must have been taken; else "FILE:LINE: unknown key 'x'; allowed here: a, b, c". */
int yaml_check_all_taken(const struct yaml *node, struct error *err) MUST_CHECK;
