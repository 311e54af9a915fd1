/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_files.h"

#include "builder/seed/seed.h"
#include "tests/unit/fake_root.h"

static const char *place(const char *out, bool only)
{
	static char said[4096];
	CLEANUP(free_p) char *found = NULL;
	struct error err = { 0 };

	int rc = seed_files_place(out, "w1", ".iso", only, &found, &err);
	snprintf(said, sizeof said, "%s", rc < 0 ? err.text : found);
	return said;
}

TEST(seed_files_place_by_out)
{
	CHECK_STR(place(NULL, false), "w1.iso");
	CHECK_STR(place("/tmp", false), "/tmp/w1.iso");
	CHECK_STR(place("/tmp/", true), "/tmp/w1.iso");
	CHECK_STR(place("/tmp/one.iso", true), "/tmp/one.iso");
	CHECK_STR(place("/nonexistent", false), "/nonexistent/w1.iso");
	CHECK_STR(place("/nonexistent/", true), "/nonexistent/w1.iso");
	CHECK_STR(place("/nonexistent.iso", false), "--out /nonexistent.iso: several seeds need a directory");
	CHECK_STR(place("/dev/null", false), "--out /dev/null: several seeds need a directory");
}

/* Writes one file of a run and returns its part's mode; 0 when it cannot. */
static unsigned add(struct seed_files *files, const char *path, const char *text)
{
	struct error err = { 0 };
	CLEANUP(close_p) int fd = seed_files_add(files, path, &err);
	struct stat st;

	if (fd < 0 || write_all(fd, text, strlen(text)) < 0 || fstat(fd, &st) < 0)
		return 0;
	return st.st_mode & 07777;
}

TEST(seed_files_publish_all_together)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *one = xasprintf("%s/one.iso", path), *two = xasprintf("%s/two.iso", path);
	struct seed_files files = { 0 };

	fake_put(path, "/.one.iso.part", "left by a killed run, and longer");
	CHECK(add(&files, one, "1") == 0600 && add(&files, two, "2") == 0600);
	CHECK(!fake_has(path, "/one.iso") && fake_has(path, "/.one.iso.part"));
	CHECK(seed_files_publish(&files, &err) == 0);
	seed_files_done(&files);
	CLEANUP(free_p) char *first = fake_get(path, "/one.iso"), *second = fake_get(path, "/two.iso");
	CHECK_STR(first, "1");
	CHECK_STR(second, "2");
	CHECK(!fake_has(path, "/.one.iso.part") && !fake_has(path, "/.two.iso.part"));
	FAKE_ROOT_END();
}

TEST(seed_files_done_removes_parts)
{
	FAKE_ROOT();
	CLEANUP(free_p)
	char *one = xasprintf("%s/one.iso", path), *in = xasprintf("%s/one/more/two.iso", path),
	     *below = xasprintf("%s/.one.iso.part/two.iso", path);
	struct seed_files files = { 0 };

	CHECK(add(&files, one, "1") == 0600 && add(&files, in, "2") == 0600 && add(&files, below, "3") == 0);
	seed_files_done(&files);
	CHECK(!fake_has(path, "/one.iso") && !fake_has(path, "/.one.iso.part") && fake_has(path, "/one/more"));
	CHECK(!fake_has(path, "/one/more/.two.iso.part"));
	FAKE_ROOT_END();
}

static const char *check_output(const char *file, bool fresh)
{
	static char said[4096];
	struct error err = { 0 };

	snprintf(said, sizeof said, "%s", seed_files_check(file, fresh, &err) < 0 ? err.text : "");
	return said;
}

TEST(seed_files_check_what_would_be_replaced)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s/a.iso", path), *node = xasprintf("%s/a.yaml", path);
	char iso[17 * 2048] = { 0 };

	memcpy(iso + 16 * 2048 + 1, "CD001", 5);
	memcpy(iso + 16 * 2048 + 40, "debian", 6);
	CHECK_STR(check_output(file, true), "");
	fake_put(path, "/a.iso", "");
	CHECK_STR(check_output(file, true), "");
	fake_putn(path, "/a.iso", iso, sizeof iso);
	CHECK(strstr(check_output(file, false), "is there already and is no seed"));
	memcpy(iso + 16 * 2048 + 40, SEED_ISO_LABEL, 6);
	fake_putn(path, "/a.iso", iso, sizeof iso);
	CHECK_STR(check_output(file, false), "");
	CHECK(strstr(check_output(file, true), "would have other secrets"));
	fake_put(path, "/a.yaml", "cluster: lab\n");
	CHECK(strstr(check_output(node, false), "is there already and is no seed"));
	CHECK(strstr(check_output(path, false), "is there already and is no seed"));
	CHECK(strstr(check_output("/dev/null", false), "is there already and is no seed"));
	FAKE_ROOT_END();
}
