/* SPDX-License-Identifier: Apache-2.0 */
/* Which failures are worth another look, what a task's end means, and how long a pause may last. */
#include "builder/pve/pve_exec.h"
#include "tests/unit/pve_stub.h"

#define UPID "UPID:pve1:0000A1B2:00C3D4E5:6570A1B2:imgcopy::nodekiln@pve!ci:"
#define STATUS "GET /nodes/pve1/tasks/*/status"
#define LOG "GET /nodes/pve1/tasks/*/log"

static struct pve_exec exec_new(void)
{
	pve_stub_reset();
	return (struct pve_exec){ .pve = &pve_stub.pve };
}

static const struct {
	enum pve_failure failure;
	bool again, gone_again;
} failures[] = {
	{ PVE_UNREACHABLE, true, true }, { PVE_BUSY, true, true },     { PVE_CONFLICT, true, true },
	{ PVE_FORBIDDEN, false, true },  { PVE_MISSING, false, true }, { PVE_UNAUTHORIZED, false, false },
	{ PVE_REFUSED, false, false },   { PVE_ERROR, false, false },  { PVE_UNTRUSTED, false, false },
};

TEST(pve_exec_call_sets_again)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		struct pve_exec x = exec_new();
		struct error err = { 0 };
		pve_stub_add("POST /x", failures[i].failure, "no");
		CHECK(pve_exec_call(&x, "POST", "/x", NULL, NULL, NULL, &err) < 0);
		CHECK_STR(err.private.text, "no");
		CHECK(x.again == failures[i].again);
		CHECK(pve_exec_failed_or_gone(&x) < 0 && x.again == failures[i].gone_again);
	}
	CHECK_STR(pve_stub.calls.data, "POST /x\n");
}

TEST(pve_exec_call_waits_for_its_task)
{
	struct pve_exec x = exec_new();
	CLEANUP(json_free_p) struct json *answer = NULL;
	struct error err = { 0 };

	pve_stub_add("POST /x", PVE_OK, "\"" UPID "\"");
	pve_stub_once(STATUS, PVE_OK, "{\"status\":\"running\"}");
	pve_stub_once(STATUS, PVE_UNREACHABLE, "down");
	pve_stub_add(STATUS, PVE_OK, "{\"status\":\"stopped\",\"exitstatus\":\"OK\"}");
	CHECK(pve_exec_call(&x, "POST", "/x", NULL, "do x", &answer, &err) == 0);
	CHECK_STR(json_as_string(answer), UPID);
	CHECK(pve_stub.gets == 3 && pve_stub.now > 0);
	/* without `what` the caller waits */
	CHECK(pve_exec_call(&x, "POST", "/x", NULL, NULL, NULL, &err) == 0 && pve_stub.gets == 3);
}

static const struct {
	const char *exit;
	bool again, died;
	int class;
} ends[] = {
	{ "No space left on device", false, false, ERROR_SPACE },
	{ "volume group is out of space", false, false, ERROR_SPACE },
	{ "unexpected status", true, true, ERROR_TARGET },
	{ "VM 100 already exists on node 'pve1'", true, false, ERROR_TARGET },
	{ "can't lock file 'x' - got timeout", true, false, ERROR_TARGET },
	{ "timeout waiting on systemd", true, false, ERROR_TARGET },
	{ "unable to connect to VM 101 qmp socket - timeout after 31 retries", true, false, ERROR_TARGET },
	{ "boom", false, false, ERROR_TARGET },
};

TEST(pve_exec_wait_reads_the_exit_status)
{
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		CLEANUP(pve_exec_done) struct pve_exec x = exec_new();
		CLEANUP(free_p) char *exit = NULL;
		CLEANUP(free_p)
		char *answer = xasprintf("{\"status\":\"stopped\",\"exitstatus\":\"%s\"}", ends[i].exit);
		CLEANUP(json_free_p) struct json *upid = json_string(UPID);
		struct error err = { 0 };
		pve_stub_add(STATUS, PVE_OK, answer);
		pve_stub_add(LOG, PVE_OK, "[]");
		CHECK(pve_exec_wait(&x, upid, "do x", &exit, &err) < 0);
		CHECK_STR(err.text, "do x: the task on pve1 ended with an error");
		CHECK_STR(err.private.text, ends[i].exit);
		CHECK_STR(exit, ends[i].exit);
		CHECK((int)err.class == ends[i].class && x.again == ends[i].again);
		CHECK(pve_exec_worker_died(exit) == ends[i].died);
	}
}

TEST(pve_exec_wait_without_task)
{
	struct pve_exec x = exec_new();
	CLEANUP(json_free_p) struct json *upid = json_string(UPID);
	struct error err = { 0 };

	CHECK(pve_exec_wait(&x, NULL, "do x", NULL, &err) == 0 && !pve_stub.gets);
	pve_stub_add(STATUS, PVE_MISSING, "no such task");
	CHECK(pve_exec_wait(&x, upid, "do x", NULL, &err) < 0 && !x.again);
	CHECK_STR(err.text, "do x: refused");
	CHECK(pve_exec_wait_earlier(&x, UPID, &err) == 0);
	pve_stub_add(STATUS, PVE_OK, "{\"status\":\"stopped\",\"exitstatus\":\"boom\"}");
	CHECK(pve_exec_wait_earlier(&x, UPID, &err) == 0);
	pve_stub_add(STATUS, PVE_FORBIDDEN, "403");
	CHECK(pve_exec_wait_earlier(&x, UPID, &err) < 0 && !x.again);
}

TEST(pve_exec_pause_ends)
{
	struct pve_exec x = exec_new();
	struct error err = { 0 };
	int n = 0;

	while (n < 2000 && pve_exec_pause(&x, "pve1", 100, "it is locked", &err) == 0)
		n++;
	CHECK(n == 900 && pve_stub.now > 899 && pve_stub.now < 901);
	CHECK_STR(err.text,
		  "pve1: guest 100 is in the way: it is locked; look at it in Proxmox VE, then run the command "
		  "again");
	x.again = true;
	pve_exec_begin(&x, true);
	CHECK(x.pauses > 900 && !x.again);
	pve_exec_begin(&x, false);
	CHECK(!x.pauses);
}

/* A task that may be tried again, and ends in the same words: a lock may pass, the rest does not. */
TEST(pve_exec_same_words_twice_are_the_end)
{
	static const struct {
		const char *exit;
		bool second;
	} twice[] = {
		{ "unexpected status", false },
		{ "VM 100 already exists on node 'pve1'", false },
		{ "can't lock file 'x' - got timeout", true },
	};
	CLEANUP(pve_exec_done) struct pve_exec x = exec_new();
	CLEANUP(json_free_p) struct json *upid = json_string(UPID);
	CLEANUP(json_free_p)
	struct json *other = json_string("UPID:pve1:0000A1B2:00C3D4E5:6570A1B2:qmcreate:100:nodekiln@pve!ci:");
	struct error err = { 0 };

	pve_stub_add(LOG, PVE_OK, "[]");
	for (size_t i = 0; i < ARRAY_SIZE(twice); i++) {
		CLEANUP(free_p)
		char *answer = xasprintf("{\"status\":\"stopped\",\"exitstatus\":\"%s\"}", twice[i].exit);
		pve_stub_add(STATUS, PVE_OK, answer);
		CHECK(pve_exec_wait(&x, upid, "do x", NULL, &err) < 0 && x.again);
		CHECK(pve_exec_wait(&x, other, "do y", NULL, &err) < 0 && x.again);
		CHECK(pve_exec_wait(&x, upid, "do x", NULL, &err) < 0 && x.again == twice[i].second);
		pve_stub_add(STATUS, PVE_OK, "{}");
	}
}

TEST(pve_exec_guest_borrows)
{
	struct pve_guest g = pve_exec_guest("pve2", PVE_LXC, 7);

	CHECK(g.vmid == 7 && g.kind == PVE_LXC);
	CHECK_STR(g.node, "pve2");
}
