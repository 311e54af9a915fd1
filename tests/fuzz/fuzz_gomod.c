/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy of Go modules sends: zip files, go.mod and go.sum; and the user's GOPROXY. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/gomod/dirhash.h"
#include "builder/gomod/goproxy.h"
#include "builder/gomod/gosum.h"
#include "builder/lock/lock_component.h"
#include "lib/alloc.h"
#include "lib/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_zip(const uint8_t *data, size_t size)
{
	CLEANUP(close_p) int fd = memfd_create("zip", MFD_CLOEXEC);
	char sum[DIRHASH_SIZE];
	struct error err = { 0 };

	if (fd < 0 || write_all(fd, data, size) < 0)
		return;
	if (dirhash_zip(fd, "fuzz", sum, &err) < 0 ? err.class != ERROR_TRUST : !lock_module_sum_is_valid(sum))
		__builtin_trap();
}

/* The modules go into a lock, whose reader accepts them. */
static void read_sums(const char *text)
{
	CLEANUP(lock_component_done) struct lock_component c = { 0 };
	CLEANUP(text_done) struct text printed = { 0 };
	struct error err = { 0 };

	if (gosum_parse(text, &c, &err) < 0)
		return;
	gosum_print(&c, &printed);
	for (size_t i = 0; i < c.modules.n; i++) {
		const struct lock_module *m = &c.modules.at[i];
		CLEANUP(free_p) char *file = goproxy_file(m->path, m->version, ".zip");

		if (!lock_module_path_is_valid(m->path) || !lock_module_version_is_valid(m->version) || *file == '/')
			__builtin_trap();
	}
}

/* The main module's go.mod has a go line, and no line of another kind. */
static void read_go_mod(const char *text)
{
	static const char *const verbs[] = { "module ", "go ", "godebug ", "exclude ", "replace ", "require " };
	struct component c = { .go.module = (char *)"example.com/x", .go.released_with = (char *)"v{version}" };
	CLEANUP(text_done) struct text made = { 0 };
	struct error err = { 0 };
	size_t len;

	if (gosum_main_module(&c, "1.2.3", text, &made, &err) < 0)
		return;
	if (!gosum_go_line(made.data, &len))
		__builtin_trap();
	for (char *rest = made.data, *line; (line = strsep(&rest, "\n"));) {
		bool known = !*line;

		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
			known |= text_starts(line, verbs[i]);
		if (!known)
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(free_p) char *text = xstrndup((const char *)data, size);
	CLEANUP(goproxy_done) struct goproxy proxy = { 0 };
	struct error err = { 0 };

	read_zip(data, size);
	read_sums(text);
	read_go_mod(text);
	if (goproxy_parse(text, &proxy, &err) == 0 && !proxy.list.n)
		__builtin_trap();
	goproxy_matches(text, "example.com/a/b");
	return 0;
}
