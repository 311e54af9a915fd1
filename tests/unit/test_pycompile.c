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
