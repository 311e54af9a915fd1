/* SPDX-License-Identifier: Apache-2.0 */
/* SHA256SUMS and the rename journal of an output directory, which any user of a shared directory may have written: no name in
 * a journal leads out of it, and what is printed reads back as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/artifacts/rename_journal.h"
#include "builder/artifacts/sha256sums.h"
#include "lib/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_sums(const char *text)
{
	CLEANUP(sha256sums_done) struct sha256sums sums = { 0 }, again = { 0 };
	CLEANUP(text_done) struct text first = { 0 }, second = { 0 };

	sha256sums_parse(text, &sums);
	sha256sums_print(&sums, &first);
	sha256sums_parse(first.data ? first.data : "", &again);
	sha256sums_print(&again, &second);
	if (!text_same(first.data, second.data))
		abort();
}

static void use_journal(const char *text)
{
	CLEANUP(rename_journal_done) struct rename_journal journal = { 0 };
	struct error err = { 0 };

	if (rename_journal_parse(text, &journal, &err) < 0)
		return;
	if (journal.step.n > RENAME_JOURNAL_STEPS_MAX)
		abort();
	for (size_t i = 0; i < journal.step.n; i++)
		if (strchr(journal.step.at[i].name, '/') || journal.step.at[i].name[0] == '.' ||
		    !*journal.step.at[i].name)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size);

	use_sums(text);
	use_journal(text);
	return 0;
}
