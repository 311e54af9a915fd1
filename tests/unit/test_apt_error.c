/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/apt/: NAME.messages is what a failed apt said on stderr (NAME.output: on stdout), recorded from real runs;
 * NAME.sentence is what nodekiln makes of it: exit code and sentence. UPDATE_GOLDEN=1 writes them; read the difference.
 */
#include "tests/unit/check.h"

#include <dirent.h>

#include "builder/apt/apt_text.h"
#include "lib/file.h"

#define FOLDER "tests/golden/apt"
#define LIMIT (1 << 20)

static void read_golden(const char *name, const char *suffix, struct text *ret)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.%s", name, suffix);
	struct error err = { 0 };

	if (file_read(AT_FDCWD, file, LIMIT, ret, &err) < 0)
		text_add(ret, ""); /* most have no .output */
}

static void check_sentence(const char *name)
{
	CLEANUP(text_done) struct text output = { 0 }, messages = { 0 }, want = { 0 };
	struct error err = { 0 };

	read_golden(name, "output", &output);
	read_golden(name, "messages", &messages);
	read_golden(name, "sentence", &want);
	CHECK(apt_error(output.data, messages.data, &err) == -1);
	CLEANUP(free_p) char *got = xasprintf("%d %s\n", (int)err.class, err.text);
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.sentence", name);
	if (getenv("UPDATE_GOLDEN"))
		CHECK(file_write(AT_FDCWD, file, got, strlen(got), 0644, &err) == 0);
	else
		CHECK_STR(got, want.data);
}

TEST(apt_error_golden_sentences)
{
	CLEANUP(closedir_p) DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	int cases = 0;

	CHECK(dir != NULL);
	while ((entry = readdir(dir))) {
		if (!text_ends(entry->d_name, ".messages"))
			continue;
		CLEANUP(free_p) char *name = xstrndup(entry->d_name, strlen(entry->d_name) - strlen(".messages"));
		check_sentence(name);
		cases++;
	}
	CHECK(cases > 20);
}

TEST(apt_error_without_messages)
{
	struct error err = { 0 };

	CHECK(apt_error("", "", &err) == -1);
	CHECK(err.class == ERROR_FAILED && err.text[0]);
}
