/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a user reads at a login: the recipe's warning, and what the image does not have but people look for on a node. A table names
 * such things and where each is.
 */
#include "builder/recipe/recipe.h"
#include "lib/text.h"

struct motd {
	const struct recipe *recipe;  /* borrowed */
	const struct strings *images; /* borrowed; preloaded */
	bool node;                    /* it has the agent */
};

/* Adds the text for the tree; nothing when there is nothing to say. */
void motd_text(const struct motd *m, int rootfd, struct text *ret);
