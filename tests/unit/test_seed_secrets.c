/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a cluster's secrets: what deploy keeps in it, and its lock. test_seed_nodes.c has the rest. */
#include "builder/seed/seed_secrets.h"

#include <sys/file.h>
#include <unistd.h>

#include "builder/seed/seed_files.h"
#include "lib/ec_key.h"
#include "lib/file.h"
#include "lib/leftover.h"
#include "tests/unit/check.h"
#include "tests/unit/heap.h"

#define UUID "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f"

static char folder[] = "/tmp/test_seed_secrets.XXXXXX";
static char *file;

static bool lab_new(void)
{
	if (!file) {
		if (!mkdtemp(folder))
			return false;
		file = xasprintf("%s/lab.secrets", folder);
	}
	unlink(file);
	return true;
}

__attribute__((destructor)) static void lab_remove(void)
{
	if (file)
		unlink(file);
	rmdir(folder);
	free(file);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* A signal removes what it finds: an empty file, never one with secrets. */
TEST(seed_secrets_interrupted)
{
	CLEANUP(seed_secrets_close) struct seed_secrets a = { .lock = -1 };
	struct error err = { 0 };

	CHECK(lab_new() && seed_secrets_open(file, &a, &err) == 0 && exists(file));
	leftover_remove();
	CHECK(!exists(file));
	seed_secrets_close(&a);

	CHECK(seed_secrets_open(file, &a, &err) == 0);
	seed_secrets_generate_notes_key(&a, seed_secrets_of(&a, "lab"));
	CHECK(seed_secrets_save(&a, &err) == 0);
	leftover_remove();
	CHECK(exists(file));
	seed_secrets_close(&a);

	CHECK(seed_secrets_open(file, &a, &err) == 0);
	leftover_remove();
	CHECK(exists(file));
	seed_secrets_close(&a);
	CHECK(lab_new() && file_write(AT_FDCWD, file, "", 0, 0600, &err) == 0 &&
	      seed_secrets_open(file, &a, &err) == 0);
	leftover_remove();
	CHECK(exists(file)); /* it is the user's */
}

/* A run that is killed while it writes leaves a part with all secrets. */
TEST(seed_secrets_remove_a_part)
{
	CLEANUP(seed_secrets_close) struct seed_secrets a = { .lock = -1 };
	struct error err = { 0 };

	CHECK(lab_new());
	CLEANUP(free_p) char *part = seed_files_part(file);
	CHECK(file_write(AT_FDCWD, part, "old", 3, 0600, &err) == 0 && seed_secrets_open(file, &a, &err) == 0);
	CHECK(!exists(part));
	CHECK(file_write(AT_FDCWD, part, "old", 3, 0600, &err) == 0);
	seed_secrets_generate_notes_key(&a, seed_secrets_of(&a, "lab"));
	CHECK(seed_secrets_save(&a, &err) == 0 && !exists(part));
}

TEST(seed_secrets_keep_what_deploy_made)
{
	CLEANUP(seed_secrets_close) struct seed_secrets a = { .lock = -1 }, b = { .lock = -1 };
	struct error err = { 0 };

	CHECK(lab_new() && seed_secrets_open(file, &a, &err) == 0);
	struct seed_secret *s = seed_secrets_of(&a, "lab");
	seed_secrets_generate_notes_key(&a, s);
	seed_secrets_record(&a, s, 101, "cp1", NULL);
	seed_secrets_record(&a, s, 102, "w1", UUID);
	seed_secrets_record(&a, s, 101, "cp2", "");
	seed_secrets_record(&a, s, 103, "w2", "bc:24:11:00:00:01");
	seed_secrets_unrecord(&a, s, 103);
	seed_secrets_begin_removal(&a, s, 102);
	seed_secrets_begin_removal(&a, s, 103);
	CHECK_STR(seed_secrets_save(&a, &err) < 0 ? err.text : "", "");
	CLEANUP(free_p) char *key = xstrdup(s->notes_key);
	seed_secrets_close(&a);
	a.lock = -1;

	CHECK_STR(seed_secrets_open(file, &b, &err) < 0 ? err.text : "", "");
	s = seed_secrets_of(&b, "lab");
	CHECK_STR(s->notes_key, key);
	CHECK(strlen(key) == 64 && s->made.n == 2 && !s->token && !b.changed);
	CHECK_STR(seed_secrets_made(s, 101)->node, "cp2");
	CHECK(!seed_secrets_made(s, 101)->identity && !seed_secrets_made(s, 103));
	CHECK_STR(seed_secrets_made(s, 102)->identity, UUID);
	CHECK(seed_secrets_made(s, 102)->removing && !seed_secrets_made(s, 101)->removing);
}

static int try_open(const char *path, struct error *err)
{
	CLEANUP(seed_secrets_close) struct seed_secrets s = { .lock = -1 };

	*err = (struct error){ 0 };
	return seed_secrets_open(path, &s, err);
}

/* What was there stays: only a file that was made here, and not written, goes. */
TEST(seed_secrets_open_removes_nothing_of_others)
{
	struct error err;
	struct stat st;

	CHECK(lab_new() && try_open(file, &err) == 0 && access(file, F_OK) < 0);
	CHECK(file_write(AT_FDCWD, file, "", 0, 0600, &err) == 0);
	CHECK(try_open(file, &err) == 0 && access(file, F_OK) == 0);
	CHECK(chmod(file, 0644) == 0 && try_open(file, &err) < 0 && strstr(err.text, "can be read by others"));
	CHECK(access(file, F_OK) == 0 && unlink(file) == 0);
	CHECK(mkfifo(file, 0600) == 0 && try_open(file, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(strstr(err.text, "is not a regular file") && stat(file, &st) == 0 && S_ISFIFO(st.st_mode));
	unlink(file);
	CHECK(try_open("/nonexistent/lab.secrets", &err) < 0 && strstr(err.text, "open /nonexistent/lab.secrets"));
}

/* Of a file that was made, and of one that was read: neither the text nor its tree, nor what libcrypto and libyaml had. */
TEST(seed_secrets_close_leaves_no_secret_in_the_heap)
{
	CLEANUP(seed_secrets_close) struct seed_secrets a = { .lock = -1 }, b = { .lock = -1 };
	static char key[EC_KEY_DIGITS + 1]; /* not in the heap */
	struct error err = { 0 };

	if (!HEAP_IS_OURS)
		SKIP("needs the heap of the C library");
	CHECK(lab_new() && seed_secrets_open(file, &a, &err) == 0);
	CHECK(seed_secrets_generate_pki(&a, seed_secrets_of(&a, "lab"), &err) == 0 && seed_secrets_save(&a, &err) == 0);
	snprintf(key, sizeof key, "%s", seed_secrets_of(&a, "lab")->pki.ca_key);
	CHECK(heap_has(key) == 1);
	seed_secrets_close(&a);
	a = (struct seed_secrets){ .lock = -1 };
	CHECK(!heap_has(key));
	CHECK(seed_secrets_open(file, &b, &err) == 0 && heap_has(key) == 1);
	seed_secrets_close(&b);
	b = (struct seed_secrets){ .lock = -1 };
	CHECK(!heap_has(key));
}

static bool is_locked(void)
{
	CLEANUP(close_p) int fd = open(file, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* Saving replaces the file: what has its name is locked at any time. */
TEST(seed_secrets_save_keeps_the_lock)
{
	CLEANUP(seed_secrets_close) struct seed_secrets s = { .lock = -1 };
	struct error err = { 0 };
	struct stat st;

	CHECK(lab_new() && seed_secrets_open(file, &s, &err) == 0 && is_locked());
	for (long vmid = 101; vmid < 104; vmid++) {
		seed_secrets_record(&s, seed_secrets_of(&s, "lab"), vmid, "cp1", NULL);
		CHECK(seed_secrets_save(&s, &err) == 0 && is_locked() && !s.changed);
		CHECK(stat(file, &st) == 0 && (st.st_mode & 07777) == 0600);
	}
	seed_secrets_close(&s);
	s.lock = -1;
	CHECK(!is_locked());
}

TEST(seed_secrets_forget_a_cluster)
{
	CLEANUP(seed_secrets_close) struct seed_secrets s = { .lock = -1 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	CHECK(lab_new() && seed_secrets_open(file, &s, &err) == 0);
	seed_secrets_generate(&s, seed_secrets_of(&s, "lab"));
	seed_secrets_generate_notes_key(&s, seed_secrets_of(&s, "lab"));
	seed_secrets_record(&s, seed_secrets_of(&s, "lab"), 101, "cp1", UUID);
	seed_secrets_generate(&s, seed_secrets_of(&s, "other"));
	CHECK(seed_secrets_save(&s, &err) == 0);
	seed_secrets_forget(&s, seed_secrets_of(&s, "lab"));
	CHECK(seed_secrets_save(&s, &err) == 0 && file_read(AT_FDCWD, file, 1 << 16, &text, &err) == 0);
	CHECK(!strstr(text.data, "lab\"") && !strstr(text.data, "101") && strstr(text.data, "\"other\":"));
	s.changed = false;
	seed_secrets_forget(&s, seed_secrets_of(&s, "lab"));
	CHECK(!s.changed);
}
