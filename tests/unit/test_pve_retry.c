/* SPDX-License-Identifier: Apache-2.0 */
/* Which GETs are repeated, whose tasks are ours. */
#include "builder/pve/pve_retry.h"
#include "tests/unit/pve_stub.h"

TEST(pve_retry_passes_what_may_pass)
{
	CLEANUP(json_free_p) struct json *data = NULL;
	struct error err = { 0 };

	pve_stub_reset();
	pve_stub_once("GET /x", PVE_BUSY, "busy");
	pve_stub_once("GET /x", PVE_UNREACHABLE, "down");
	pve_stub_once("GET /x", PVE_CONFLICT, "changed");
	pve_stub_once("GET /x", PVE_OK, "{\"a\":1}");
	CHECK(pve_get_retry(&pve_stub.pve, "/x", NULL, &data, &err) == 0);
	CHECK(json_get(data, "a") && pve_stub.gets == 4);
}

TEST(pve_retry_gives_up)
{
	struct error err = { 0 };
	struct pve_guest guest = { .vmid = 5, .kind = PVE_QEMU, .node = (char *)"pve1" };
	struct json *config = NULL;

	pve_stub_reset();
	pve_stub_add("GET /x", PVE_BUSY, "busy");
	pve_stub_add("GET /nodes/pve1/qemu/5/config", PVE_MISSING, "no such VM");
	CHECK(pve_get_retry(&pve_stub.pve, "/x", NULL, NULL, &err) < 0 && pve_stub.gets == 4);
	CHECK(pve_get_config_retry(&pve_stub.pve, &guest, &config, &err) < 0 && pve_stub.gets == 5);
	CHECK(pve_is_gone(pve_failure(&pve_stub.pve)) && !pve_may_pass(pve_failure(&pve_stub.pve)));
}

#define UPID(type, user) "{\"upid\":\"UPID:pve1:0000A1B2:00C3D4E5:6570A1B2:" type ":100:" user ":\"}"

TEST(pve_retry_finds_own_tasks)
{
	static const char *const types[] = { "qmcreate", "imgcopy", NULL };
	CLEANUP(strings_done) struct strings upids = { 0 };
	struct error err = { 0 };

	pve_stub_reset();
	pve_stub_add(
		"GET /nodes/pve1/tasks", PVE_OK,
		"[" UPID("qmcreate", "a@pve!ci") "," UPID("qmcreate", "b@pve!ci") "," UPID("vncproxy", "a@pve!ci") "]");
	CHECK(pve_get_tasks_retry(&pve_stub.pve, "pve1", "a@pve!ci", types, &upids, &err) == 0);
	CHECK(upids.n == 1 && strstr(upids.at[0], "qmcreate:100:a@pve"));
	pve_stub_add("GET /nodes/pve1/tasks", PVE_FORBIDDEN, "403");
	CHECK(pve_get_tasks_retry(&pve_stub.pve, "pve1", "a@pve!ci", types, &upids, &err) < 0);
}
