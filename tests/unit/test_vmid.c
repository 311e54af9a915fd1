/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/vmid.h"
#include "tests/unit/pve_stub.h"

#define NEXT "GET /cluster/nextid"

static struct target target = { .file = (char *)"t.yaml" };

TEST(vmid_of_the_datacenter)
{
	struct error err = { 0 };
	long vmid = 0;

	pve_stub_reset();
	target.vmid_from = target.vmid_to = 0;
	pve_stub_once(NEXT, PVE_OK, "\"104\"");
	pve_stub_once(NEXT, PVE_OK, "105");
	pve_stub_once(NEXT, PVE_OK, "99");
	pve_stub_once(NEXT, PVE_UNREACHABLE, "down");
	CHECK(vmid_pick(&pve_stub.pve, &target, &vmid, &err) == 0 && vmid == 104);
	CHECK(vmid_pick(&pve_stub.pve, &target, &vmid, &err) == 0 && vmid == 105);
	CHECK(vmid_pick(&pve_stub.pve, &target, &vmid, &err) < 0 && err.class == ERROR_TARGET);
	CHECK(vmid_pick(&pve_stub.pve, &target, &vmid, &err) < 0 && err.class == ERROR_NETWORK);
}

TEST(vmid_of_the_range)
{
	struct error err = { 0 };
	long vmid = 0;

	pve_stub_reset();
	target.vmid_from = 100;
	target.vmid_to = 103;
	pve_stub_add("GET /cluster/resources", PVE_OK, "[{\"type\":\"qemu\",\"vmid\":100,\"node\":\"pve1\"}]");
	pve_stub_once(NEXT, PVE_REFUSED, "VM 101 already exists");
	pve_stub_once(NEXT, PVE_OK, "102");
	CHECK(vmid_pick(&pve_stub.pve, &target, &vmid, &err) == 0 && vmid == 102 && pve_stub.gets == 3);
	pve_stub_once(NEXT, PVE_UNREACHABLE, "down");
	CHECK(vmid_pick(&pve_stub.pve, &target, &vmid, &err) < 0 && err.class == ERROR_NETWORK);
	pve_stub_add(NEXT, PVE_REFUSED, "taken");
	CHECK(vmid_pick(&pve_stub.pve, &target, &vmid, &err) < 0);
	CHECK_STR(err.text, "no VMID from 100 to 103 is free; widen `vmids` in t.yaml, or remove guests");
}

TEST(vmid_taken_by_its_message)
{
	CHECK(vmid_is_taken("unable to create VM 100 - VM 100 already exists on node 'pve1'"));
	CHECK(!vmid_is_taken("no such VM"));
}
