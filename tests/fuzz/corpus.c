/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over its corpus as a plain test: fuzz_NAME [FILE...], by default tests/fuzz/corpus/NAME/. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"

#define INPUT_MAX (16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(int dirfd, const char *name)
{
	CLEANUP(text_done) struct text t = { 0 };
	struct error err = { 0 };

	if (file_read(dirfd, name, INPUT_MAX, &t, &err) < 0) {
		printf("not ok %s: %s\n", name, err.text);
		return 1;
	}
	/* An exact-size copy, so that AddressSanitizer sees a read past the end. */
	uint8_t *copy = memcpy(xmalloc(t.len), t.len ? t.data : "", t.len);
	LLVMFuzzerTestOneInput(copy, t.len);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	const char *target = strstr(argv[0], "fuzz_");
	CLEANUP(free_p) char *path = xasprintf("tests/fuzz/corpus/%s", target ? target + strlen("fuzz_") : "");
	int failed = 0, runs = 0;

	for (int i = 1; i < argc; i++, runs++)
		failed |= run_file(AT_FDCWD, argv[i]);
	CLEANUP(closedir_p) DIR *dir = argc > 1 ? NULL : opendir(path);
	for (const struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.') {
			failed |= run_file(dirfd(dir), e->d_name);
			runs++;
		}
	if (!runs)
		printf("not ok %s: no input found\n", path);
	else if (!failed)
		printf("ok %s (%d inputs)\n", path, runs);
	return failed || !runs;
}
