/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keys of a node's configuration, as one table: reading, printing and hiding secrets walk it. What one key alone can get wrong
 * stands here; what several get wrong together is node_config_check.c's.
 */
#include "lib/node_config.h"

enum node_config_field_kind {
	FIELD_STRING,   /* char * */
	FIELD_STRINGS,  /* struct strings */
	FIELD_PAIRS,    /* struct node_config_pairs */
	FIELD_DURATION, /* long, seconds */
	FIELD_NUMBER,   /* long */
	FIELD_CHOICE,   /* an enum, by its names */
};

struct node_config_field {
	const char *section; /* the map it stands in; NULL = the document itself */
	const char *key;
	enum node_config_field_kind kind;
	size_t offset;                /* in struct node_config */
	bool (*is)(const char *text); /* of a string, of every item of a list, of every key of pairs; NULL = anything */
	bool (*is_value)(const char *); /* of every value of pairs; NULL = anything */
	void (*tidy)(char **text);      /* NULL = it stays as it is */
	const char *allowed;            /* what `is` wants, for people */
	long min, max;                  /* of durations and numbers */
	const char *const *names;       /* of choices; ends with NULL */
	bool secret;                    /* see node_config.h */
	bool unshown;                   /* messages never repeat its value */
};

extern const struct node_config_field node_config_fields[];
extern const size_t node_config_fields_n;

/* "token", "proxmox.url": for messages; owned by the caller. */
char *node_config_field_path(const struct node_config_field *f) MUST_CHECK;
/* The field's place in a struct node_config. */
void *node_config_field_at(const struct node_config_field *f, const struct node_config *node);
/* Its value in a tree, without marking it as taken; NULL when absent. */
struct yaml *node_config_field_find(const struct node_config_field *f, const struct yaml *tree);
