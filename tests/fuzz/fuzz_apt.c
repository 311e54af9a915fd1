/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of apt's that is parsed: addresses, stanzas, an answer of the solver, its errors, the host's sources. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "builder/apt/apt_solve.h"
#include "builder/apt/apt_text.h"
#include "builder/apt/mirror.h"
#include "builder/apt/mirror_choose.h"
#include "lib/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_uris(const char *text)
{
	CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };
	struct error err = { 0 };

	if (apt_uris_parse(text, &uris, &err) < 0 && !err.class)
		abort();
	for (size_t i = 0; i < uris.list.n; i++)
		if (strlen(uris.list.at[i].sha256) != SHA256_HEX - 1 || strchr(uris.list.at[i].file, '/'))
			abort();
}

/* The input is both halves of an answer, divided at a byte 1. */
static void read_answer(const char *text)
{
	CLEANUP(free_p) char *uris = xstrndup(text, strcspn(text, "\1"));
	const char *stanzas = text + strlen(uris);
	CLEANUP(lock_done) struct lock lock = { 0 };
	CLEANUP(text_done) struct text status = { 0 };
	struct error err = { 0 };

	if (apt_solve_read(uris, *stanzas ? stanzas + 1 : "", &lock, LOCK_BASE, &status, &err) < 0 && !err.class)
		abort();
}

/* What is chosen is one word, which a source of ours can have. */
static void read_targets(const char *text)
{
	static const struct mirror_wanted wanted = { "debian", "bookworm", "", "amd64" };
	CLEANUP(mirror_candidates_done) struct mirror_candidates found = { 0 };

	mirror_candidates_read(text, &wanted, &found);
	for (size_t i = 0; i < found.list.n; i++)
		if (!found.list.at[i].suites || found.list.at[i].url[strcspn(found.list.at[i].url, " \t\n")])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size);
	struct error err = { 0 };

	read_uris(text);
	read_answer(text);
	apt_error(text, text, &err);
	read_targets(text);
	proxy_read_apt(text);
	free(mirror_security(text, "debian"));
	return 0;
}
