/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/apt/apt_text.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define FOLDER "tests/golden/apt"
#define LIMIT (1 << 20)

static void read_golden(const char *name, const char *suffix, struct text *ret)
{
	CLEANUP(free_p) char *file = xasprintf(FOLDER "/%s.%s", name, suffix);
	struct error err = { 0 };

	if (file_read(AT_FDCWD, file, LIMIT, ret, &err) < 0)
		text_add(ret, ""); /* most have no .output */
}

TEST(apt_uris_parse_real_run)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };
	struct error err = { 0 };

	read_golden("conntrack", "uris", &text);
	CHECK(apt_uris_parse(text.data, &uris, &err) == 0);
	CHECK(uris.list.n == 9);
	CHECK_STR(uris.list.at[0].url, "http://mirror.example/debian/pool/main/n/netbase/netbase_6.4_all.deb");
	CHECK_STR(uris.list.at[0].file, "netbase_6.4_all.deb");
	CHECK_STR(uris.list.at[0].sha256, "29b23c48c0fe6f878e56c5ddc9f65d1c05d729360f3690a593a8c795031cd867");
	CHECK(uris.list.at[0].size == 12800);
}

#define SHA "29b23c48c0fe6f878e56c5ddc9f65d1c05d729360f3690a593a8c795031cd867"

TEST(apt_uris_parse_local_repositories)
{
	CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };
	struct error err = { 0 };

	CHECK(apt_uris_parse("'file:/srv/a_1_all.deb' a_1_all.deb 1 SHA256:" SHA "\n"
			     "'copy:/srv/b_1_all.deb' b_1_all.deb 1 SHA256:" SHA "\n"
			     "'file:///srv/c_1_all.deb' c_1_all.deb 1 SHA256:" SHA "\n",
			     &uris, &err) == 0);
	CHECK_STR(uris.list.at[0].url, "file:///srv/a_1_all.deb");
	CHECK_STR(uris.list.at[1].url, "file:///srv/b_1_all.deb");
	CHECK_STR(uris.list.at[2].url, "file:///srv/c_1_all.deb");
}

TEST(apt_uris_parse_refuses)
{
	static const struct {
		const char *line;
		enum error_class class;
	} cases[] = {
		{ "'http://x/a' a_1_all.deb 1 MD5Sum:814246d2f01d3238bbd3ef8c15c57076\n", ERROR_TRUST },
		{ "'http://x/a' a_1_all.deb 1 \n", ERROR_TRUST },
		{ "'http://x/a' a_1_all.deb 1", ERROR_TRUST },
		{ "'http://x/a' a_1_all.deb 1 SHA256:29b2\n", ERROR_TRUST },
		{ "'http://x/a' a_1_all.deb 1 SHA256:" SHA "00\n", ERROR_TRUST },
		{ "'http://x/a' a_1_all.deb one SHA256:" SHA "\n", ERROR_FAILED },
		{ "'http://x/a' a_1_all.deb 99999999999999999999999 SHA256:" SHA "\n", ERROR_FAILED },
		{ "'http://x/a' ../a_1_all.deb 1 SHA256:" SHA "\n", ERROR_FAILED },
		{ "'http://x/a\n' a_1_all.deb 1 SHA256:" SHA "\n", ERROR_FAILED },
		{ "'' a_1_all.deb 1 SHA256:" SHA "\n", ERROR_FAILED },
		{ "'http://x/a'\n", ERROR_FAILED },
		{ "'", ERROR_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(apt_uris_done) struct apt_uris uris = { 0 };
		struct error err = { 0 };
		CHECK(apt_uris_parse(cases[i].line, &uris, &err) == -1);
		CHECK(err.class == cases[i].class);
		CHECK(uris.list.n == 0);
	}
}

TEST(apt_deb_name_parts)
{
	CLEANUP(free_p) char *name = NULL, *version = NULL, *architecture = NULL;

	CHECK(apt_deb_name("conntrack_1%3a1.4.7-1+b2_amd64.deb", &name, &version, &architecture));
	CHECK_STR(name, "conntrack");
	CHECK_STR(version, "1:1.4.7-1+b2");
	CHECK_STR(architecture, "amd64");
}

TEST(apt_deb_name_refuses)
{
	static const char *const names[] = { "",           "a.deb",    "a_1.deb",    "_1_all.deb",
					     "a__all.deb", "a_1_.deb", "a_1_all.dsc" };
	char *name, *version, *architecture;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(!apt_deb_name(names[i], &name, &version, &architecture));
}

TEST(apt_stanza_next_and_field)
{
	const char *cursor = "\nPackage: a\nVersion: 1\n\n\nPackage: b\nDescription: x\n Version: 9\nversion:  2 ";
	CLEANUP(text_done) struct text status = { 0 };
	struct apt_stanza s;

	CHECK(apt_stanza_next(&cursor, &s));
	CLEANUP(free_p) char *first = apt_stanza_field(&s, "Version");
	CHECK_STR(first, "1");
	CHECK(apt_stanza_field(&s, "Description") == NULL);
	CHECK(apt_stanza_next(&cursor, &s));
	CLEANUP(free_p) char *second = apt_stanza_field(&s, "Version");
	CHECK_STR(second, "2");
	apt_stanza_status(&s, &status);
	CHECK_STR(status.data,
		  "Status: install ok installed\nPackage: b\nDescription: x\n Version: 9\nversion:  2 \n\n");
	CHECK(!apt_stanza_next(&cursor, &s));
}
