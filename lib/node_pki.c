/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/node_pki.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/node_config_schema.h"

#define SECTION "pki"

static const struct node_config_field *first(void)
{
	const struct node_config_field *f = node_config_fields;

	while (!text_same(f->section, SECTION))
		f++;
	return f;
}

size_t node_pki_keys(void)
{
	const struct node_config_field *from = first(), *f = from;

	while (f < node_config_fields + node_config_fields_n && text_same(f->section, SECTION))
		f++;
	return (size_t)(f - from);
}

const char *node_pki_key(size_t i)
{
	return first()[i].key;
}

char **node_pki_at(size_t i, const struct node_pki *pki)
{
	return (char **)((char *)pki + first()[i].offset - offsetof(struct node_config, pki));
}

bool node_pki_is_valid(size_t i, const char *value)
{
	return first()[i].is_valid(value);
}

bool node_pki_is_of_cluster(size_t i)
{
	return strcmp(node_pki_key(i), "certificate") != 0 && strcmp(node_pki_key(i), "key") != 0;
}

bool node_pki_given(const struct node_pki *pki)
{
	for (size_t i = 0; i < node_pki_keys(); i++)
		if (*node_pki_at(i, pki))
			return true;
	return false;
}

void node_pki_done(struct node_pki *pki)
{
	for (size_t i = 0; i < node_pki_keys(); i++)
		wipe_free(*node_pki_at(i, pki));
	*pki = (struct node_pki){ 0 };
}
