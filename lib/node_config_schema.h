/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The keys of a node's configuration, as one table, by which the configuration is read and printed and secrets are found. The
 * table has the rules for single keys; node_config_check.c has those for several keys together.
 */
#include <stdbool.h>

#include "lib/macro.h"
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
	const char *section; /* the map that holds the key; NULL = the document itself */
	const char *key;
	enum node_config_field_kind kind;
	size_t offset; /* in struct node_config */
	/* Of a string, of every item of a list, of every key of pairs; NULL = anything. */
	bool (*is_valid)(const char *text);
	bool (*is_valid_value)(const char *); /* of every value of pairs; NULL = anything */
	void (*normalize)(char **text);       /* NULL = unchanged */
	const char *allowed;                  /* what is_valid() accepts, for messages */
	long min, max;                        /* of durations and numbers */
	const char *const *names;             /* of choices; NULL-terminated */
	bool secret;                          /* see node_config.h */
	bool unshown;                         /* messages never repeat its value */
};

extern const struct node_config_field node_config_fields[];
extern const size_t node_config_fields_n;

/* "token", "proxmox.url"; owned by the caller. */
char *node_config_field_path(const struct node_config_field *f) MUST_CHECK;
/* The address of the field in node. */
void *node_config_field_at(const struct node_config_field *f, const struct node_config *node);
/* The key's node in a tree, without marking it as taken; NULL when absent. */
struct yaml *node_config_field_find(const struct node_config_field *f, const struct yaml *tree);
