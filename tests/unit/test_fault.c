/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/fault.h"
#include "tests/unit/golden.h"

static void sample(struct faults *f)
{
	faults_add(f, FAULT_SETUID, "/usr/bin/x", "/usr/bin/x has the mode %04o", 04755u);
	faults_add(f, FAULT_SETUID, "/usr/bin/y", "/usr/bin/y has the mode 2755");
	faults_add(f, FAULT_UNKNOWN_FILE, "/srv/a", "/srv/a is from nowhere");
	faults_add(f, FAULT_CHECKSUM, NULL, "its sha256 is wrong");
}

TEST(fault_kinds_are_complete)
{
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		CHECK(fault_kinds[i].name && fault_kinds[i].about && text_ends(fault_kinds[i].about, "."));
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(fault_kinds[i].name, fault_kinds[k].name) != 0);
	}
}

TEST(fault_errors_are_not_warnings_nor_accepted)
{
	CLEANUP(strings_done) struct strings accept = { 0 };
	CLEANUP(faults_done) struct faults f = { .accept = &accept };

	strings_add(&accept, "setuid:/usr/*/y");
	sample(&f);
	CHECK(f.list.n == 4 && faults_errors(&f) == 2);
	CHECK(!f.list.at[0].accepted && f.list.at[1].accepted);
	CHECK(faults_has(&f, "/usr/bin/x") && !faults_has(&f, "/usr/bin/y") && !faults_has(&f, "/usr/bin"));
	faults_add(&f, FAULT_LEFTOVER, "/var/lib/cloud", "/var/lib/cloud exists");
	CHECK(faults_has(&f, "/var/lib/cloud/seed/x") && !faults_has(&f, "/var/lib/clouds"));
}

TEST(fault_accept_names_a_kind)
{
	CHECK(!fault_accept_error("setuid:/x") && !fault_accept_error("checksum:"));
	CHECK_STR(fault_accept_error("setuid"), "it must be KIND:PATH");
	CHECK(fault_accept_error("set:/x") && fault_accept_error("setuids:/x") && fault_accept_error(":/x"));
}

TEST(fault_lists_are_limited)
{
	CLEANUP(faults_done) struct faults f = { 0 };

	for (size_t i = 0; i < FAULTS_MAX + 7; i++)
		faults_add(&f, FAULT_WRITABLE, "/x", "/x is writable");
	faults_add(&f, FAULT_SETUID, "/y", "/y is set-user-ID");
	faults_end(&f);
	CHECK(f.list.n == FAULTS_MAX + 2 && f.list.at[FAULTS_MAX].id == FAULT_SETUID);
	CHECK_STR(f.list.at[FAULTS_MAX + 1].text, "and 7 more like these");
}

TEST(fault_json_and_sarif_golden)
{
	CLEANUP(strings_done) struct strings accept = { 0 };
	CLEANUP(faults_done) struct faults f = { .accept = &accept };
	struct json *results = json_array();

	strings_add(&accept, "setuid:/usr/bin/y");
	sample(&f);
	faults_sarif_results(&f, "out/node.qcow2", results);
	CLEANUP(json_free_p) struct json *sarif = faults_sarif_log(results);
	CLEANUP(json_free_p) struct json *json = faults_json(&f);
	CHECK(golden_is_json("tests/golden/verify/findings.json", json));
	CHECK(golden_is_json("tests/golden/verify/findings.sarif", sarif));
}
