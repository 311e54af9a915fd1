/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's state file, as a power cut, another version or anybody may have left it: what is read is written and read again
 * as the same, and its one line for people has no line break. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/state.h"
#include "lib/alloc.h"
#include "lib/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *printed(const struct state *state)
{
	CLEANUP(json_free_p) struct json *json = state_json(state);
	struct text text = { 0 };

	json_print(json, true, &text);
	return text_take(&text);
}

static int load(const void *bytes, size_t len, struct state *ret, struct error *err)
{
	CLEANUP(close_p) int fd = memfd_create("state", MFD_CLOEXEC);
	CLEANUP(free_p) char *file = xasprintf("/proc/self/fd/%d", fd);

	if (fd < 0 || write_all(fd, bytes, len) < 0)
		abort();
	return state_load(file, ret, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(state_done) struct state state = { 0 }, again = { 0 };
	struct error err = { 0 };

	if (load(data, size, &state, &err) < 0) {
		if (!*err.text)
			abort();
		return 0;
	}
	CLEANUP(free_p) char *first = printed(&state);
	if (load(first, strlen(first), &again, &err) < 0)
		abort();
	CLEANUP(free_p) char *second = printed(&again), *line = state_text(&state);
	text_make_printable(line);
	if (strcmp(first, second) || strchr(line, '\n'))
		abort();
	return 0;
}
