/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/roles/: the commands for a target. UPDATE_GOLDEN=1 writes them; read the difference. */
#include "builder/pve/roles.h"
#include "tests/unit/refused.h"

TEST(roles_golden)
{
	CLEANUP(target_done) struct target t = { 0 };
	CLEANUP(text_done) struct text eight = { 0 }, nine = { 0 };
	struct error err = { 0 };

	CHECK(target_load("tests/golden/target/full.yaml", &t, &err) == 0);
	roles_print(&t, 8, &eight);
	roles_print(&t, 9, &nine);
	CHECK(is_golden("tests/golden/roles/8.txt", eight.data));
	CHECK(is_golden("tests/golden/roles/9.txt", nine.data));
}
