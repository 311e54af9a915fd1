/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of a stub: their status, log and end. */
#include "tests/unit/check.h"

#include "lib/pve_task.h"
#include "tests/unit/pve_server.h"

#define UPID "UPID:n:0001:0002:0003:imgcopy::a@pve!t:"
#define TASK "GET /nodes/n/tasks/UPID%3An%3A0001%3A0002%3A0003%3Aimgcopy%3A%3Aa%40pve%21t%3A/"
#define RUNNING "{\"data\":{\"status\":\"running\"}}"
#define STOPPED(exit) "{\"data\":{\"status\":\"stopped\",\"exitstatus\":\"" exit "\"}}"

TEST(pve_task_reads_upids)
{
	static const char *const types[] = { "imgcopy", "qmcreate", NULL }, *const other[] = { "vzcreate", NULL };
	static const char *const wrong[] = {
		"", "UPID", "UPID:n:", "UPID::1:2:3:imgcopy::u:", UPID "x:", "upid:n:1:2:3:imgcopy::u:"
	};
	CLEANUP(free_p) char *node = pve_task_node(UPID);

	CLEANUP(free_p) char *type = pve_task_type(UPID);

	CHECK_STR(node, "n");
	CHECK_STR(type, "imgcopy");
	CHECK(pve_task_is_own(UPID, "a@pve!t", types));
	CHECK(!pve_task_is_own(UPID, "b@pve!t", types) && !pve_task_is_own(UPID, "a@pve!t", other));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(!pve_task_node(wrong[i]) && !pve_task_is_own(wrong[i], "a@pve!t", types));
}

TEST(pve_task_list_has_running_ones)
{
	static const char text[] =
		"[{\"upid\":\"a\"},{\"upid\":\"b\",\"endtime\":7},{\"upid\":\"c\",\"status\":\"RUNNING\"},"
		"{\"upid\":\"d\",\"status\":\"OK\"},{\"status\":\"running\"}]";
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(strings_done) struct strings list = { 0 };
	struct error err = { 0 };

	CHECK(json_parse("t", text, strlen(text), &data, &err) == 0);
	pve_task_parse_list(data, &list);
	CHECK(list.n == 2 && strings_has(&list, "a") && strings_has(&list, "c"));
}

TEST(pve_task_status_reads_the_end)
{
	static const struct stub_route routes[] = {
		{ TASK "status", "200 OK", RUNNING },
		{ TASK "status", "200 OK", STOPPED("OK") },
		{ TASK "status", "200 OK", STOPPED("WARNINGS: 2") },
		{ TASK "status", "200 OK", STOPPED("storage 'x' does not exist") },
		{ TASK "status", "200 OK", "{\"data\":{\"status\":\"stopped\"}}" },
		{ NULL, NULL, NULL },
	};
	static const struct {
		const char *exit;
		enum pve_failure failure;
	} ends[] = { { NULL, PVE_OK },
		     { "OK", PVE_OK },
		     { "WARNINGS: 2", PVE_OK },
		     { "storage 'x' does not exist", PVE_MISSING },
		     { "unexpected status", PVE_ERROR } };
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		CLEANUP(pve_task_done) struct pve_task task = { 0 };
		CHECK(pve_task_status(pve, UPID, &task, &err) == 0);
		CHECK(task.running == !ends[i].exit && task.failure == ends[i].failure);
		CHECK(text_same(task.exit, ends[i].exit));
	}
	struct pve_task none = { 0 };
	CHECK(pve_task_status(pve, "nonsense", &none, &err) == -1 && err.class == ERROR_TARGET);
	CHECK_STR(err.text, "'nonsense' is not a Proxmox VE task");
}

TEST(pve_task_log_keeps_the_last_lines)
{
	static const struct stub_route routes[] = {
		{ TASK "log", "200 OK",
		  "{\"data\":[{\"n\":1,\"t\":\"a\"},{\"t\":\"b\"},{\"t\":\"c\"},{\"n\":4},{\"t\":\"e\"},{\"t\":\"f\"}]"
		  "}" },
		{ TASK "log", "403 Permission check failed", "" },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(strings_done) struct strings lines = { 0 };
	struct error err = { 0 };

	CHECK(pve_task_log(pve, UPID, &lines, &err) == 0 && lines.n == 5);
	CHECK_STR(lines.at[0], "b");
	CHECK_STR(lines.at[2], "");
	CHECK_STR(lines.at[4], "f");
	CHECK(strstr(stub.seen->text, "/log?limit=500 "));
	CHECK(pve_task_log(pve, UPID, &lines, &err) == -1 && lines.n == 5);
}

TEST(pve_task_warnings_of_a_log)
{
	static const struct stub_route routes[] = {
		{ TASK "log", "200 OK",
		  "{\"data\":[{\"t\":\"WARN: a\"},{\"t\":\"transferred 1.0 GiB of 2.0 GiB\"},{\"n\":3},"
		  "{\"t\":\"Could not remove disk 'x:vm-100-disk-0', check manually: busy\"},{\"t\":\"no WARN: here\"},"
		  "{\"t\":\"TASK WARNINGS: 1\"}]}" },
		{ TASK "log", "403 Permission check failed", "" },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(strings_done) struct strings lines = { 0 };
	struct error err = { 0 };

	CHECK(pve_task_warnings(pve, UPID, &lines, &err) == 0 && lines.n == 2);
	CHECK_STR(lines.at[0], "WARN: a");
	CHECK(text_starts(lines.at[1], "Could not remove disk"));
	CHECK(pve_task_warnings(pve, UPID, &lines, &err) == -1 && lines.n == 2);
}

TEST(pve_task_wait_outlasts_a_short_outage)
{
	static const struct stub_route routes[] = {
		{ TASK "status", "200 OK", RUNNING },
		{ TASK "status", "595 No route to host", "" },
		{ TASK "status", "200 OK", STOPPED("OK") },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(pve_task_done) struct pve_task task = { 0 };
	struct error err = { 0 };

	CHECK(pve_task_wait(pve, UPID, 30, &task, &err) == 0);
	CHECK_STR(task.exit, "OK");
}

TEST(pve_task_wait_gives_up)
{
	static const struct stub_route routes[] = {
		{ TASK "status", "200 OK", RUNNING },
		{ TASK "status", "595 No route to host", "" },
		{ TASK "status", "403 Permission check failed", "" },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	struct pve_task task = { 0 };
	struct error err = { 0 };

	CHECK(pve_task_wait(pve, UPID, 0, &task, &err) == -1 && err.class == ERROR_NETWORK);
	CHECK(strstr(err.text, "task " UPID " is still running after 0 s"));
	CHECK(pve_task_wait(pve, UPID, 0, &task, &err) == -1 && err.class == ERROR_NETWORK);
	CHECK(text_starts(err.text, "task " UPID ": "));
	CHECK(pve_task_wait(pve, UPID, 30, &task, &err) == -1 && err.class == ERROR_TARGET);
	CHECK(!task.exit);
}
