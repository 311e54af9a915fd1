/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Golden files: CHECK(golden_is("tests/golden/NAME/file", text)) compares a file with what a test has got. UPDATE_GOLDEN=1
 * writes the files instead; read the difference. The program's version is @VERSION@ in them.
 */
#include <stdlib.h>

#include "lib/file.h"
#include "lib/json.h"
#include "tests/unit/check.h"

static void golden_mask_version(const char *got, struct text *ret)
{
	static const char name[] = "nodekiln";

	for (const char *at; (at = strstr(got, name)); got = at) {
		at += strlen(name);
		text_addn(ret, got, (size_t)(at - got));
		if (strchr(" -", *at) && text_starts(at + 1, NODEKILN_VERSION)) {
			text_addf(ret, "%c@VERSION@", *at);
			at += 1 + strlen(NODEKILN_VERSION);
		}
	}
	text_add(ret, got);
}

UNUSED static bool golden_is(const char *file, const char *got)
{
	CLEANUP(text_done) struct text want = { 0 }, text = { 0 };
	struct error err = { 0 };

	golden_mask_version(got, &text);
	if (getenv("UPDATE_GOLDEN") && file_write(AT_FDCWD, file, text.data, text.len, 0644, &err) < 0)
		return false;
	if (file_read(AT_FDCWD, file, 1 << 20, &want, &err) < 0)
		printf("# %s\n", err.text);
	else if (text_same(text.data, want.data))
		return true;
	printf("# %s: got:\n%s", file, text.data);
	return false;
}

UNUSED static bool golden_is_json(const char *file, const struct json *got)
{
	CLEANUP(text_done) struct text text = { 0 };

	json_print(got, true, &text);
	return golden_is(file, text.data);
}
