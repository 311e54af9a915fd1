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

/* Realms of mail addresses: what belongs to the user is behind neither the first @ nor the first !. */
TEST(roles_of_a_user_with_at)
{
	static const char yaml[] =
		"url: https://pve1\ntoken_id: ci.user@corp.example@oidc!kiln-1\ntoken_secret_env: X\n"
		"nodes: [pve1]\nstorages: {import: a, vztmpl: a, disks: a}\nbridge: vmbr0\n";
	CLEANUP(target_done) struct target t = { 0 };
	CLEANUP(text_done) struct text said = { 0 };
	struct error err = { 0 };

	CHECK_STR(target_parse("t.yaml", yaml, strlen(yaml), &t, &err) < 0 ? err.text : "", "");
	roles_print(&t, 9, &said);
	CHECK(strstr(said.data, "pveum user add 'ci.user@corp.example@oidc'\n"));
	CHECK(strstr(said.data, "pveum user token add 'ci.user@corp.example@oidc' 'kiln-1' "));
	CHECK(strstr(said.data, " --users 'ci.user@corp.example@oidc' "));
}
