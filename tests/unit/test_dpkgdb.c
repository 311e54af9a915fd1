/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/dpkgdb.h"
#include "tests/unit/check.h"

#define CONTROL                                                                                                        \
	"Package: libx1\nVersion: 1:2.0-3\nArchitecture: amd64\nMulti-Arch: same\nEssential: yes\n"                    \
	"Replaces: libx0 (<< 2), libold:any,\n libz (>= 3~)\nDescription: a thing\n long\n .\n text\n"

TEST(dpkgdb_control)
{
	CLEANUP(dpkgdb_done) struct dpkgdb_package p = { 0 };
	struct error err = { 0 };

	CHECK(dpkgdb_parse(CONTROL, &p, &err) == 0);
	CLEANUP(free_p) char *id = dpkgdb_id(&p);
	CLEANUP(free_p) char *description = dpkgdb_field(CONTROL, "description");
	CHECK_STR(p.name, "libx1");
	CHECK_STR(p.version, "1:2.0-3");
	CHECK(p.same && p.essential);
	CHECK_STR(id, "libx1:amd64");
	CHECK_STR(description, "a thing\n long\n .\n text");
	CHECK(!dpkgdb_field(CONTROL, "Pack"));
}

TEST(dpkgdb_names_are_file_names)
{
	static const char *const bad[] = {
		"Version: 1\nArchitecture: all\n",
		"Package: ../x\nVersion: 1\nArchitecture: all\n",
		"Package: a/b\nVersion: 1\nArchitecture: all\n",
		"Package: a\nVersion: 1 2\nArchitecture: all\n",
		"Package: a\nVersion: 1\nArchitecture: ../amd64\n",
		"Package: a\n b\nVersion: 1\nArchitecture: all\n",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(dpkgdb_done) struct dpkgdb_package p = { 0 };
		struct error err = { 0 };
		CHECK(dpkgdb_parse(bad[i], &p, &err) < 0);
	}
}

TEST(dpkgdb_replaces_relations)
{
	static const struct {
		const char *name, *version;
		bool replaced;
	} others[] = {
		{ "libx0", "1.9", true }, { "libx0", "2", false }, { "libold", "7", true },
		{ "libz", "3", true },    { "libz", "2", false },  { "libx1", "1", false },
	};
	CLEANUP(dpkgdb_done) struct dpkgdb_package p = { 0 };
	struct error err = { 0 };

	CHECK(dpkgdb_parse(CONTROL, &p, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct dpkgdb_package other = { .name = (char *)others[i].name, .version = (char *)others[i].version };
		CHECK(dpkgdb_replaces(&p, &other) == others[i].replaced);
	}
}

TEST(dpkgdb_status_stanza)
{
	CLEANUP(text_done) struct text t = { 0 };

	dpkgdb_stanza("Section: x\nPackage: a\nVersion: 1", " /etc/a 900150983cd24fb0d6963f7d28e17f72\n", &t);
	dpkgdb_stanza("Package: b\nVersion: 1\nDescription: d\n e\n\nPackage: hidden\n", "", &t);
	CHECK_STR(t.data, "Package: a\nStatus: install ok unpacked\nSection: x\nVersion: 1\nConffiles:\n"
			  " /etc/a 900150983cd24fb0d6963f7d28e17f72\n\n"
			  "Package: b\nStatus: install ok unpacked\nVersion: 1\nDescription: d\n e\n\n");
	const char *next = dpkgdb_next(t.data);
	CHECK(next && text_starts(next, "Package: b"));
	CHECK(!dpkgdb_next(next));
}

TEST(dpkgdb_conffile_lists)
{
	CLEANUP(strings_done) struct strings l = { 0 };
	struct error err = { 0 };

	CHECK(dpkgdb_conffiles("/etc/a\nremove-on-upgrade /etc/old\n\n/etc/b\n", &l, &err) == 0);
	CHECK(l.n == 2 && strings_has(&l, "/etc/a") && strings_has(&l, "/etc/b"));
	CHECK(dpkgdb_conffiles("etc/a\n", &l, &err) < 0);
}

TEST(dpkgdb_triggers)
{
	static const char *const bad[] = { "interest", "interest a/b\n", "wish x\n", "interest ../x" };
	CLEANUP(text_done) struct text t = { 0 };
	CLEANUP(strings_done) struct strings l = { 0 };
	struct error err = { 0 };

	CHECK(dpkgdb_interests(
		      "# why\ninterest-noawait /usr/share/x # here\nactivate-noawait ldconfig\n\ninterest named\n",
		      "p:amd64", &t, &err) == 0);
	CHECK_STR(t.data, "/usr/share/x p:amd64/noawait\nnamed p:amd64\n");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(dpkgdb_interests(bad[i], "p", &t, &err) < 0);
	dpkgdb_activations("/usr/share/x p\n/usr/share/y q\n/usr/share/x r\n",
			   "/.\n/usr/share/x\n/usr/share/x/1\n/usr/share/yes\n", &l);
	CHECK(l.n == 1);
	CHECK_STR(l.at[0], "/usr/share/x -");
}
