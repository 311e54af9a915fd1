/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/target.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/unit/check.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char folder[] = "/tmp/test_target_notes_key.XXXXXX";
static char *file, *key;

/* A target in the folder, with this key; NULL = none. */
static bool lab_new(struct target *ret, const char *text, mode_t mode)
{
	struct error err = { 0 };

	if (!file) {
		if (!mkdtemp(folder))
			return false;
		file = xasprintf("%s/pve.yaml", folder);
		key = xasprintf("%s/" TARGET_NOTES_KEY_FILE, folder);
	}
	unlink(key);
	*ret = (struct target){ .file = xstrdup(file) };
	return !text || (file_write(AT_FDCWD, key, text, strlen(text), 0600, &err) == 0 && chmod(key, mode) == 0);
}

__attribute__((destructor)) static void lab_remove(void)
{
	if (key)
		unlink(key);
	rmdir(folder);
	free(file);
	free(key);
}

TEST(target_notes_key_is_made_once)
{
	CLEANUP(target_done) struct target a = { 0 }, b = { 0 };
	CLEANUP(free_p) char *first = NULL;
	char *second = NULL;
	struct error err = { 0 };
	struct stat st;

	CHECK(lab_new(&a, NULL, 0) && target_open_notes_key(&a, false, &first, &err) == 0);
	CHECK(!first && !a.notes_key && access(key, F_OK) < 0);
	CHECK_STR(target_open_notes_key(&a, true, &first, &err) < 0 ? err.text : "", "");
	CHECK_STR(first, key);
	CHECK(strlen(a.notes_key) == 64 && stat(key, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_nlink == 1);
	b.file = xstrdup(file);
	CHECK(target_open_notes_key(&b, true, &second, &err) == 0 && !second);
	CHECK_STR(b.notes_key, a.notes_key);
}

TEST(target_notes_key_bad_files)
{
	static const struct {
		const char *text, *says;
		mode_t mode;
	} cases[] = {
		{ KEY "\n", "", 0600 },
		{ KEY, "", 0400 },
		{ KEY "\n", "can be read by others (mode 0640)", 0640 },
		{ KEY "00\n", "is not a key of notes", 0600 },
		{ "c0ffee\n", "is not a key of notes", 0600 },
		{ "", "is not a key of notes", 0600 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(target_done) struct target t = { 0 };
		CLEANUP(free_p) char *made = NULL;
		struct error err = { 0 };
		CHECK(lab_new(&t, cases[i].text, cases[i].mode));
		int rc = target_open_notes_key(&t, true, &made, &err);
		CHECK((rc == 0) == !*cases[i].says && strstr(err.text, cases[i].says) && !strstr(err.text, "c0ffee"));
		CHECK(rc < 0 || !strcmp(t.notes_key, KEY));
	}
}

/* A link that another user has put there is not followed. */
TEST(target_notes_key_follows_no_link)
{
	CLEANUP(target_done) struct target t = { 0 };
	CLEANUP(free_p) char *made = NULL;
	struct error err = { 0 };

	CHECK(lab_new(&t, NULL, 0) && symlink("/etc/hostname", key) == 0);
	CHECK(target_open_notes_key(&t, true, &made, &err) < 0 && !t.notes_key);
}

TEST(target_notes_key_from_the_environment)
{
	CLEANUP(target_done) struct target t = { 0 }, none = { 0 };
	CLEANUP(free_p) char *made = NULL;
	struct error err = { 0 };

	CHECK(lab_new(&t, NULL, 0) && lab_new(&none, NULL, 0));
	t.notes_key_env = xstrdup("TARGET_NOTES_KEY_TEST");
	none.notes_key_env = xstrdup("TARGET_NOTES_KEY_TEST");
	setenv("TARGET_NOTES_KEY_TEST", " " KEY "\n", 1);
	CHECK(target_open_notes_key(&t, true, &made, &err) == 0 && !made && access(key, F_OK) < 0);
	CHECK_STR(t.notes_key, KEY);
	CHECK(!getenv("TARGET_NOTES_KEY_TEST"));
	CHECK(target_open_notes_key(&none, true, &made, &err) < 0 && err.class == ERROR_INPUT);
	CHECK(strstr(err.text, "the environment has no TARGET_NOTES_KEY_TEST"));
}
