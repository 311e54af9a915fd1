/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/tree/pycompile.h"
#include "tests/unit/fake_root.h"

TEST(pycompile_sources_rules)
{
	CLEANUP(strings_done) struct strings l = { 0 };

	pycompile_sources("/.\n/usr/lib/python3/dist-packages/a.py\n/usr/lib/python3.11/os.py\n/usr/share/own/b.py\n"
			  "/usr/share/other/c.py\n/usr/lib/python3/dist-packages/a.pyi\n",
			  "pypy3compile -p x /usr/share/other\n\tpy3compile -p x /usr/share/own || true\n", &l);
	CHECK(l.n == 3);
	CHECK(strings_has(&l, "/usr/lib/python3/dist-packages/a.py"));
	CHECK(strings_has(&l, "/usr/lib/python3.11/os.py"));
	CHECK(strings_has(&l, "/usr/share/own/b.py"));
}

TEST(pycompile_stub_names_the_compilers)
{
	CLEANUP(strings_done) struct strings none = { 0 }, two = { 0 };
	FAKE_ROOT();

	CLEANUP(close_p) int fd = dir_open(AT_FDCWD, path, &err);
	CHECK(pycompile_stub(fd, &none, &err) == 0 && none.n == 0);
	fake_put(path, "/usr/lib/python3.11/os.py", "");
	fake_put(path, "/usr/lib/python3/dist-packages/x.py", "");
	CHECK(pycompile_stub(fd, &two, &err) == 0 && two.n == 2);
	CHECK(strings_has(&two, "/usr/bin/py3compile"));
	CHECK(strings_has(&two, "/usr/lib/python3.11/py_compile.py"));
	CHECK(tree_remove(fd, "usr/lib", &err) == 0);
	fake_put(path, "/usr/lib", "a file");
	CHECK(pycompile_stub(fd, &two, &err) < 0);
	FAKE_ROOT_END();
}

/* No sandbox is entered for it. */
TEST(pycompile_without_sources)
{
	CLEANUP(strings_done) struct strings none = { 0 };
	struct error err = { 0 };

	CHECK(pycompile(&(struct pycompile){ .root = "/nonexistent", .sources = &none }, &err) == 0);
}
