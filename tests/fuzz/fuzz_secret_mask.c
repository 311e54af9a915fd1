/* SPDX-License-Identifier: Apache-2.0 */
/* For any output of kubeadm that has the node's secrets in it, whole or broken in two by a line feed: no line shows one, none
 * changes its length, and what reaches a terminal has no control character. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/secrets.h"
#include "lib/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOKEN "abcdef.0123456789abcdef"
#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check_line(const struct secrets *secrets, const char *line)
{
	CLEANUP(free_p) char *masked = xstrdup(line);

	secrets_mask_line(secrets, masked);
	if (strstr(masked, TOKEN) || strstr(masked, KEY) || strlen(masked) != strlen(line))
		abort();
	text_make_printable(masked);
	if (strlen(masked) != strlen(line))
		abort();
	for (const char *s = masked, *end = s + strlen(s); s < end;) {
		uint32_t c;
		size_t n = text_character(s, (size_t)(end - s), &c);
		if (text_is_hidden(c))
			abort();
		s += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node_config node = { .token = (char *)TOKEN, .certificate_key = (char *)KEY };
	CLEANUP(secrets_done) struct secrets secrets = { 0 };
	CLEANUP(text_done) struct text all = { 0 };

	secrets_of(&node, &secrets);
	text_addn(&all, data, size / 2);
	text_add(&all, size % 3 ? TOKEN : KEY);
	text_addn(&all, data + size / 2, size - size / 2);
	for (char *rest = all.data, *line; (line = strsep(&rest, "\n"));)
		check_line(&secrets, line);
	return 0;
}
