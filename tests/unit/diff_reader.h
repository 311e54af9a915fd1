/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Opens and loads what is compared, as `nodekiln diff` does.
 */
#include "builder/image/diff.h"

static inline int diff_of(const char *path, struct diff_list *ret, bool *ret_document, struct error *err)
{
	CLEANUP(diff_source_done) struct diff_source source = { 0 };

	if (diff_open(path, &source, err) < 0)
		return -1;
	*ret_document = !source.image;
	source.times = true;
	return diff_load(&source, ret, err);
}
