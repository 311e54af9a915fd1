/* SPDX-License-Identifier: Apache-2.0 */

#include "builder/archive/deb.h"
#include "tests/unit/deb_maker.h"

#define CONTROL "Package: tiny\nVersion: 1.0\nArchitecture: all\nDescription: small\n"

static const struct maker_member control[] = {
	{ .path = "./" },
	{ .path = "./control", .content = CONTROL },
	{ .path = "./postinst", .content = "#!/bin/sh\n", .mode = S_IFREG | 0755 },
	{ 0 }
};
static const struct maker_member data[] = {
	{ .path = "./" }, { .path = "./usr/" }, { .path = "./usr/file", .content = "hello" }, { 0 }
};

static int open_text(const struct text *t, struct deb *deb, struct error *err)
{
	return deb_open((const uint8_t *)t->data, t->len, "tiny", deb, err);
}

TEST(deb_open_valid)
{
	CLEANUP(text_done) struct text t = { 0 };
	CLEANUP(deb_done) struct deb deb = { 0 };
	CLEANUP(tar_reader_free_p) struct tar_reader *r = NULL;
	const struct tar_entry *e;
	const void *block;
	struct error err = { 0 };
	size_t n;
	off_t offset;

	maker_deb(control, data, &t);
	CHECK(open_text(&t, &deb, &err) == 0);
	CHECK_STR(deb_control(&deb, "control"), CONTROL);
	CHECK_STR(deb_control(&deb, "postinst"), "#!/bin/sh\n");
	CHECK(!deb_control(&deb, "preinst"));
	CHECK(deb.control.at[1].mode == 0755);
	CHECK(deb_data(&deb, &r, &err) == 0);
	CHECK(tar_read_next(r, &e, &err) == 1 && S_ISDIR(e->mode));
	CHECK(tar_read_next(r, &e, &err) == 1);
	CHECK(tar_read_next(r, &e, &err) == 1 && e->size == 5 && e->mtime == MAKER_TIME);
	CHECK_STR(e->path, "./usr/file");
	CHECK(tar_read_data(r, &block, &n, &offset, &err) == 1 && n == 5 && !memcmp(block, "hello", 5));
	CHECK(tar_read_next(r, &e, &err) == 0);
}

/* No beginning of a package is a package. */
TEST(deb_open_refuses_truncation)
{
	CLEANUP(text_done) struct text t = { 0 };

	maker_deb(control, data, &t);
	for (size_t n = 0; n + 1 < t.len; n++) {
		CLEANUP(deb_done) struct deb deb = { 0 };
		struct error err = { 0 };
		uint8_t *part = memcpy(xmalloc(n + 1), t.data, n);
		int rc = deb_open(part, n, "tiny", &deb, &err);
		free(part);
		CHECK(rc < 0);
		CHECK(err.text[0]);
	}
}

struct bad {
	const char *why;
	void (*spoil)(struct text *t);
	const char *says;
};

static void bad_magic(struct text *t)
{
	t->data[0] = '?';
}

static void bad_version(struct text *t)
{
	t->data[8 + 60] = '9';
}

static void bad_header_end(struct text *t)
{
	t->data[8 + 58] = 'x';
}

static void bad_size(struct text *t)
{
	memcpy(t->data + 8 + 48, "99999999999", 10);
}

static void empty_size(struct text *t)
{
	memcpy(t->data + 8 + 48, "          ", 10);
}

static void no_control(struct text *t)
{
	t->data[8 + 60 + 4] = 'x';
}

static const struct bad bads[] = {
	{ "magic", bad_magic, "not an ar archive" }, { "version", bad_version, "format" },
	{ "header end", bad_header_end, "format" },  { "size", bad_size, "format" },
	{ "empty size", empty_size, "format" },      { "control's name", no_control, "control.tar is missing" },
};

TEST(deb_open_refuses_damaged_ar)
{
	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		CLEANUP(text_done) struct text t = { 0 };
		CLEANUP(deb_done) struct deb deb = { 0 };
		struct error err = { 0 };
		maker_deb(control, data, &t);
		bads[i].spoil(&t);
		CHECK(open_text(&t, &deb, &err) < 0);
		CHECK(strstr(err.text, bads[i].says));
	}
}

/* What no control archive may hold; each with the sentence's core. */
static const struct {
	struct maker_member member;
	const char *says;
} bad_controls[] = {
	{ { .path = "./sub/" }, "more than plain files" },
	{ { .path = "./link", .target = "/etc/passwd" }, "more than plain files" },
	{ { .path = "./sub/file", .content = "x" }, "more than plain files" },
	{ { .path = "../up", .content = "x" }, "a name with '..'" },
	{ { .path = "/abs", .content = "x" }, "absolute" },
	{ { .path = "control", .content = "x" }, "twice" },
};

TEST(deb_open_refuses_hostile_control)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_controls); i++) {
		CLEANUP(text_done) struct text t = { 0 };
		CLEANUP(deb_done) struct deb deb = { 0 };
		struct error err = { 0 };
		struct maker_member members[] = { control[1], bad_controls[i].member, { 0 } };
		maker_deb(members, data, &t);
		CHECK(open_text(&t, &deb, &err) < 0);
		CHECK(strstr(err.text, bad_controls[i].says));
	}
}

TEST(deb_open_refuses_missing_control_file)
{
	CLEANUP(text_done) struct text t = { 0 };
	CLEANUP(deb_done) struct deb deb = { 0 };
	struct error err = { 0 };

	maker_deb(data, data, &t);
	CHECK(open_text(&t, &deb, &err) < 0);
}
