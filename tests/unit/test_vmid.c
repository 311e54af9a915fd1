/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/vmid.h"
#include "tests/unit/pve_stub.h"

#define NEXT "GET /cluster/nextid"

static struct target target = { .file = (char *)"t.yaml" };
static struct vmid_list skipped;

static int pick(long *ret, struct error *err)
{
	return vmid_pick(&pve_stub.pve, &target, &skipped, ret, err);
}

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
	CHECK(pick(&vmid, &err) == 0 && vmid == 104);
	CHECK(pick(&vmid, &err) == 0 && vmid == 105);
	CHECK(pick(&vmid, &err) < 0 && err.class == ERROR_TARGET);
	CHECK(pick(&vmid, &err) < 0 && err.class == ERROR_NETWORK);
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
	CHECK(pick(&vmid, &err) == 0 && vmid == 102 && pve_stub.gets == 3);
	pve_stub_add(NEXT, PVE_UNREACHABLE, "down");
	CHECK(pick(&vmid, &err) < 0 && err.class == ERROR_NETWORK);
	pve_stub_add(NEXT, PVE_REFUSED, "taken");
	CHECK(pick(&vmid, &err) < 0);
	CHECK_STR(err.text, "no VMID from 100 to 103 is free; widen `vmids` in t.yaml, or remove guests");
}

TEST(vmid_skipped)
{
	struct error err = { 0 };
	long vmid = 0;

	pve_stub_reset();
	target.vmid_from = target.vmid_to = 0;
	vmid_skip(&skipped, 100, "pve1", "local:100/vm-100-cloudinit.qcow2");
	vmid_skip(&skipped, 102, "pve1", "local:102/vm-102-cloudinit.qcow2");
	/* 100 is named, 101 is taken, 102 is skipped */
	pve_stub_once(NEXT, PVE_OK, "\"100\"");
	pve_stub_once(NEXT, PVE_REFUSED, "VM 101 already exists");
	pve_stub_once(NEXT, PVE_OK, "\"103\"");
	CHECK(pick(&vmid, &err) == 0 && vmid == 103 && pve_stub.gets == 3);
	pve_stub_once(NEXT, PVE_OK, "\"100\"");
	pve_stub_add(NEXT, PVE_REFUSED, "taken");
	CHECK(pick(&vmid, &err) < 0 && err.class == ERROR_TARGET);
	target.vmid_from = 100;
	target.vmid_to = 102;
	pve_stub_add("GET /cluster/resources", PVE_OK, "[]");
	pve_stub_add(NEXT, PVE_OK, "101");
	CHECK(pick(&vmid, &err) == 0 && vmid == 101);
	vec_done(&skipped);
}

TEST(vmid_exists_hidden_or_not)
{
	struct error err = { 0 };

	pve_stub_reset();
	pve_stub_once(NEXT, PVE_REFUSED, "VM 101 already exists");
	pve_stub_once(NEXT, PVE_OK, "\"101\"");
	CHECK(vmid_exists(&pve_stub.pve, 101, &err) == 1);
	CHECK(vmid_exists(&pve_stub.pve, 101, &err) == 0);
	pve_stub_once(NEXT, PVE_UNREACHABLE, "down"); /* it is asked again */
	pve_stub_once(NEXT, PVE_REFUSED, "VM 101 already exists");
	CHECK(vmid_exists(&pve_stub.pve, 101, &err) == 1);
	pve_stub_add(NEXT, PVE_UNREACHABLE, "down");
	CHECK(vmid_exists(&pve_stub.pve, 101, &err) < 0);
}

/* What PVE and its storages say; NULL = a guest has the VMID, "" = it is about something else. */
static const struct {
	const char *words, *volume;
} clashes[] = {
	{ "unable to create VM 100 - VM 100 already exists on node 'pve1'", NULL },
	{ "unable to create VM 100: config file already exists", NULL },
	{ "CT 100 already exists on node 'pve1'", NULL },
	{ "unable to create VM 100 - disk image '/var/lib/vz/images/100/vm-100-cloudinit.qcow2' already exists",
	  "local:100/vm-100-cloudinit.qcow2" },
	{ "clone failed: disk image '/var/lib/disks/images/9002/vm-9002-cloudinit.qcow2' already exists",
	  "local:9002/vm-9002-cloudinit.qcow2" },
	{ "unable to create VM 100 - lvcreate 'pve/vm-100-cloudinit' error:   Logical Volume \"vm-100-cloudinit\" "
	  "already "
	  "exists in volume group \"pve\"",
	  "local:vm-100-cloudinit" },
	{ "unable to create VM 100 - zfs error: cannot create 'rpool/data/vm-100-cloudinit': dataset already exists",
	  "local:vm-100-cloudinit" },
	{ "clone failed: rbd create 'vm-100-cloudinit' error: rbd: create error: (17) File exists",
	  "local:vm-100-cloudinit" },
	{ "lvrename 'pve/vm-9000-disk-0' to 'pve/base-9000-disk-0' error:   Logical Volume \"base-9000-disk-0\" "
	  "already exists "
	  "in volume group \"pve\"",
	  "local:base-9000-disk-0" },
	{ "zfs error: cannot create 'tank/subvol-101-disk-0': dataset already exists", "local:subvol-101-disk-0" },
	{ "no such VM", "" },
	{ "volume 'local-lvm:vm-100-disk-0' does not exist", "" },
	{ "", "" },
};

TEST(vmid_clash_by_its_message)
{
	for (size_t i = 0; i < ARRAY_SIZE(clashes); i++) {
		CLEANUP(free_p) char *volume = vmid_left_over(clashes[i].words, "local");
		printf("# %s\n", clashes[i].words);
		CHECK(vmid_is_taken(clashes[i].words) == !clashes[i].volume);
		CHECK_STR(volume ? volume : "", clashes[i].volume ? clashes[i].volume : "");
	}
}
