/* SPDX-License-Identifier: Apache-2.0 */
/* Programs in an image that may come from anywhere. No part of a file is read that is longer than the limits, and what is accepted is
 * printable. */
#include <stdint.h>

#include "builder/golang/go_buildinfo.h"

#define READ_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *data;
	size_t size;
};

static int read_bytes(void *context, uint64_t from, size_t len, struct text *ret, struct error *err UNUSED)
{
	const struct bytes *b = context;

	if (len > READ_MAX)
		__builtin_trap();
	if (from < b->size)
		text_addn(ret, b->data + from, len < b->size - from ? len : b->size - (size_t)from);
	return 0;
}

static void check_text(const char *s)
{
	for (; s && *s; s++)
		if (*s < ' ' || *s > '~')
			__builtin_trap();
}

static void check_module(const struct go_module *m)
{
	if (m->path && (!*m->path || !m->version))
		__builtin_trap();
	check_text(m->path);
	check_text(m->version);
	check_text(m->sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(go_buildinfo_done) struct go_buildinfo b = { 0 };
	struct bytes bytes = { data, size };
	struct go_file file = { read_bytes, &bytes };
	struct error err = { 0 };
	int rc = go_buildinfo_read(&file, &b, &err);

	if ((rc < 0) != !!err.text[0] || (rc > 0) != !!b.go)
		__builtin_trap();
	check_module(&b.main.module);
	for (size_t i = 0; i < b.linked.n; i++) {
		check_module(&b.linked.at[i].module);
		check_module(&b.linked.at[i].replaced_by);
	}
	return 0;
}
