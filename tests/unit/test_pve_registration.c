/* SPDX-License-Identifier: Apache-2.0 */
/* Finding this guest, writing its tags and notes, reading the other members': against fake_api.h. */
#include "tests/unit/fake_agent.h"

#define UUID "6f2a2f0e-3c41-4b0f-9d7e-000000000102"
#define MAC "bc:24:11:00:00:02"
#define OTHER_NET "virtio=BC:24:11:00:00:09,bridge=vmbr0"
#define NOTES "# Rack 7\n\nAsk *Ada* before you touch this."

/* A proxmox section without a VMID. */
#define ANY_GUEST WORKER PVE_SECTION "}\n"

static void fail(const char *at, unsigned times, long status, const char *reason)
{
	fake_api.fault_at = at;
	fake_api.faults = times;
	fake_api.fault_status = status;
	fake_api.fault_reason = reason;
}

static int find(struct agent *a, struct error *err)
{
	*err = (struct error){ 0 };
	return pve_registration_find(&a->pve, &a->node, &a->machine, err);
}

TEST(pve_registration_find_by_vmid)
{
	fake_api_reset();
	fake_guest_add(101, "", "");
	fake_guest_add(102, "", "");
	AGENT(102, WORKER);
	CHECK(find(&a, &err) == 0 && a.pve.guest.vmid == 102 && fake_api.requests == 1);
	/* It is known now. */
	CHECK(find(&a, &err) == 0 && fake_api.requests == 1);
	AGENT_END();
}

TEST(pve_registration_find_names_a_guest_out_of_sight)
{
	fake_api_reset();
	fake_guest_add(101, "", "");
	AGENT(102, WORKER);
	CHECK(find(&a, &err) < 0 && strstr(err.text, "does not see guest 102 among the 1 that it sees"));
	fail("/cluster/resources", 1, 595, "No route to host");
	CHECK(find(&a, &err) < 0 && err.class == ERROR_NETWORK && strstr(err.private.text, "No route to host"));
	AGENT_END();
}

TEST(pve_registration_find_by_uuid_and_by_mac)
{
	fake_api_reset();
	fake_guest_add(101, "", "")->smbios = "uuid=6f2a2f0e-3c41-4b0f-9d7e-000000000101";
	fake_guest_add(102, "", "")->smbios = "uuid=" UUID;
	AGENT(0, ANY_GUEST);
	a.machine.uuid = xstrdup(UUID);
	CHECK(find(&a, &err) == 0 && a.pve.guest.vmid == 102);
	pve_guest_done(&a.pve.guest);
	fake_guest_of(102)->smbios = NULL;
	fake_guest_of(102)->net = "virtio=BC:24:11:00:00:02,bridge=vmbr0";
	strings_add(&a.machine.macs, MAC);
	CHECK(find(&a, &err) == 0 && a.pve.guest.vmid == 102);
	AGENT_END();
}

/* A token that sees one guest, which says nothing of itself, is that guest's. */
TEST(pve_registration_find_takes_the_only_guest)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	AGENT(0, ANY_GUEST);
	CHECK(find(&a, &err) == 0 && a.pve.guest.vmid == 102);
	pve_guest_done(&a.pve.guest);
	fake_guest_of(102)->net = OTHER_NET;
	strings_add(&a.machine.macs, MAC);
	CHECK(find(&a, &err) < 0 && strstr(err.text, "none of the 1 guests"));
	pve_guest_done(&a.pve.guest);
	fake_guest_of(102)->template = true;
	fake_guest_of(102)->net = NULL;
	CHECK(find(&a, &err) < 0);
	AGENT_END();
}

TEST(pve_registration_find_keeps_kinds_apart)
{
	fake_api_reset();
	fake_guest_add(101, "", "")->net = "virtio=BC:24:11:00:00:02,bridge=vmbr0";
	struct fake_guest *container = fake_guest_add(102, "", "");
	container->kind = "lxc";
	container->net = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,type=veth";
	AGENT(0, ANY_GUEST);
	strings_add(&a.machine.macs, MAC);
	a.machine.container = xstrdup("lxc");
	CHECK(find(&a, &err) == 0 && a.pve.guest.vmid == 102 && a.pve.guest.kind == PVE_LXC);
	AGENT_END();
}

TEST(pve_registration_find_names_what_is_ambiguous)
{
	fake_api_reset();
	AGENT(0, ANY_GUEST);
	CHECK(find(&a, &err) < 0 && strstr(err.text, "the API token sees no guest"));
	fake_guest_add(101, "", "")->net = "virtio=BC:24:11:00:00:02,bridge=vmbr0";
	fake_guest_add(102, "", "")->net = "virtio=BC:24:11:00:00:02,bridge=vmbr1";
	strings_add(&a.machine.macs, MAC);
	CHECK(find(&a, &err) < 0 && strstr(err.text, "2 guests have a MAC address of this machine"));
	AGENT_END();
}

/* A failed look is an error of its own, never "not found". */
TEST(pve_registration_find_that_could_not_look)
{
	fake_api_reset();
	fake_guest_add(101, "", "");
	fake_guest_add(102, "", "");
	AGENT(0, ANY_GUEST);
	fail("/cluster/resources", 1, 595, "No route to host");
	CHECK(find(&a, &err) < 0 && err.class == ERROR_NETWORK && strstr(err.private.text, "No route to host"));
	fail("/102/config", 1, 595, "No route to host");
	CHECK(find(&a, &err) < 0 && err.class == ERROR_NETWORK && strstr(err.text, "102/config"));
	/* What may not be read is another's. */
	fake_guest_of(101)->smbios = "uuid=" UUID;
	a.machine.uuid = xstrdup(UUID);
	fail("/102/config", 1, 403, "Permission check failed (/vms/102, VM.Audit)");
	CHECK(find(&a, &err) == 0 && a.pve.guest.vmid == 101);
	AGENT_END();
}

static struct node_record member(void)
{
	return (struct node_record){
		.cluster = (char *)"lab", .role = NODE_WORKER, .state = NODE_RECORD_READY, .node = (char *)"n1"
	};
}

TEST(pve_registration_write_edits_once)
{
	fake_api_reset();
	fake_guest_add(102, "blue;rack-7", NOTES);
	AGENT(102, WORKER);
	struct node_record m = member();
	CHECK(pve_registration_write(&a.pve, &m, &err) < 0 && strstr(err.text, "not known yet"));
	err = (struct error){ 0 };
	CHECK(find(&a, &err) == 0 && pve_registration_write(&a.pve, &m, &err) == 0);
	CHECK(text_starts(fake_guest_of(102)->notes, NOTES "\n\nnodekiln: {"));
	CHECK(strstr(fake_guest_of(102)->tags, "rack-7") && strstr(fake_guest_of(102)->tags, "k8s.state.ready"));
	/* The same again is no write; PVE appends a newline to a container's notes. */
	CLEANUP(free_p) char *longer = xasprintf("%s\n", fake_guest_of(102)->notes);
	CLEANUP(free_p) char *tags = xstrdup(fake_guest_of(102)->tags);
	fake_guest_say(102, tags, longer);
	CHECK(pve_registration_write(&a.pve, &m, &err) == 0 && fake_api.puts == 1);
	m.state = NODE_RECORD_FAILED;
	CHECK(pve_registration_write(&a.pve, &m, &err) == 0 && fake_api.puts == 2);
	AGENT_END();
}

/* After a conflict it reads again, so the other writer's change stays. */
static void other_writes(unsigned naps)
{
	if (naps == 1)
		fake_guest_say(102, "green", "another's words");
}

TEST(pve_registration_write_repeats_after_a_conflict)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	AGENT(102, WORKER);
	struct node_record m = member();
	CHECK(find(&a, &err) == 0);
	fail("PUT ", 1, 500, "detected modified configuration - file changed by other user? Try again.");
	fake_api.on_nap = other_writes;
	CHECK(pve_registration_write(&a.pve, &m, &err) == 0 && fake_api.puts == 1);
	CHECK(text_starts(fake_guest_of(102)->notes, "another's words") && strstr(fake_guest_of(102)->tags, "green"));
	fail("PUT ", 99, 500, "detected modified configuration - file changed by other user? Try again.");
	m.state = NODE_RECORD_FAILED;
	CHECK(pve_registration_write(&a.pve, &m, &err) < 0 && text_starts(err.text, "guest 102: "));
	AGENT_END();
}

TEST(pve_registration_write_finds_a_migrated_guest)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	AGENT(102, WORKER);
	struct node_record m = member();
	CHECK(find(&a, &err) == 0);
	fake_guest_of(102)->node = "pve2";
	CHECK(pve_registration_write(&a.pve, &m, &err) == 0);
	CHECK_STR(a.pve.guest.node, "pve2");
	CHECK(strstr(fake_guest_of(102)->notes, "nodekiln: {"));
	AGENT_END();
}

/* The outcome of a PUT without an answer is unknown: the next write does not trust what it finds. */
TEST(pve_registration_write_again_after_a_lost_answer)
{
	fake_api_reset();
	fake_guest_add(102, "", "");
	AGENT(102, WORKER);
	struct node_record m = member();
	CHECK(find(&a, &err) == 0);
	fail("PUT ", 1, 596, "Connection timed out");
	fake_api.fault_after = true;
	CHECK(pve_registration_write(&a.pve, &m, &err) < 0 && !*a.pve.mark && fake_api.puts == 1);
	err = (struct error){ 0 };
	CHECK(pve_registration_write(&a.pve, &m, &err) == 0 && *a.pve.mark && fake_api.puts == 2);
	AGENT_END();
}

TEST(pve_registration_nodes_reads_members)
{
	fake_api_reset();
	fake_guest_add(101, "k8s.cluster.lab;k8s.role.init",
		       "nodekiln: {\"role\":\"init\",\"cluster\":\"lab\",\"endpoint\":\"10.0.0.9:6443\",\"vmid\":101}");
	fake_guest_add(102, "k8s.cluster.lab;k8s.role.worker", "");
	fake_guest_add(103, "k8s.cluster.other;k8s.role.init", "");
	/* A clone with its parent's notes. */
	fake_guest_add(104, "k8s.cluster.lab;k8s.role.init",
		       "nodekiln: {\"role\":\"init\",\"cluster\":\"lab\",\"vmid\":101}");
	AGENT(102, WORKER);
	CLEANUP(candidates_done) struct candidates all = { 0 };
	CHECK(find(&a, &err) == 0 && pve_registration_nodes(&a.pve, "lab", &all, &err) == 0);
	CHECK(all.n == 3 && all.at[0].vmid == 101 && all.at[1].vmid == 102 && all.at[2].vmid == 104);
	CHECK_STR(all.at[0].member.endpoint, "10.0.0.9:6443");
	CHECK(!all.at[2].member.vmid && all.at[2].member.role == NODE_INIT);
	AGENT_END();
}

TEST(pve_registration_nodes_that_it_may_not_see)
{
	fake_api_reset();
	fake_guest_add(102, "k8s.cluster.lab;k8s.role.worker", "");
	AGENT(102, WORKER);
	CLEANUP(candidates_done) struct candidates all = { 0 };
	fake_api.permissions = "{\"/vms/102\":{\"VM.Audit\":1},\"/\":{\"VM.Audit\":0}}";
	CHECK(find(&a, &err) == 0 && pve_registration_nodes(&a.pve, "lab", &all, &err) < 0);
	CHECK(strstr(err.text, "may not look at the other guests"));
	fail("/access/permissions", 1, 595, "No route to host");
	err = (struct error){ 0 };
	CHECK(pve_registration_nodes(&a.pve, "lab", &all, &err) < 0 && err.class == ERROR_NETWORK);
	fake_api.permissions = "{\"/vms\":{\"VM.Audit\":1}}";
	err = (struct error){ 0 };
	CHECK(pve_registration_nodes(&a.pve, "lab", &all, &err) == 0 && all.n == 1 && a.pve.looked);
	AGENT_END();
}

TEST(pve_registration_nodes_with_notes_that_it_may_not_read)
{
	fake_api_reset();
	fake_guest_add(101, "k8s.cluster.lab;k8s.role.init", "");
	fake_guest_add(102, "k8s.cluster.lab;k8s.role.init", "");
	AGENT(102, INIT);
	CLEANUP(candidates_done) struct candidates all = { 0 };
	CHECK(find(&a, &err) == 0);
	fail("/101/config", 99, 403, "Permission check failed (/vms/101, VM.Audit)");
	CHECK(pve_registration_nodes(&a.pve, "lab", &all, &err) < 0 && !all.n);
	CHECK(text_starts(err.text, "the notes of guest 101, which is of this cluster: ") &&
	      strstr(err.private.text, "VM.Audit") && !strstr(err.text, "VM.Audit"));
	/* A guest that has been deleted since the list was read is looked for again. */
	fail("/101/config", 2, 500, "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist");
	err = (struct error){ 0 };
	CHECK(pve_registration_nodes(&a.pve, "lab", &all, &err) == 0 && all.n == 2 && fake_api.naps == 2);
	AGENT_END();
}

TEST(pve_registration_open_reads_its_ca)
{
	fake_api_reset();
	AGENT(0, WORKER PVE_SECTION "}\n");
	pve_registration_close(&a.pve);
	fake_put(path, "/etc/ca.pem", "-----BEGIN CERTIFICATE-----\n");
	a.node.proxmox.ca = xstrdup("/etc/ca.pem");
	CHECK(pve_registration_open(path, &a.node, &a.pve, &err) == 0);
	CHECK_STR(a.pve.ca, "-----BEGIN CERTIFICATE-----\n");
	pve_registration_close(&a.pve);
	a.node.proxmox.ca[5] = 'X';
	CHECK(pve_registration_open(path, &a.node, &a.pve, &err) < 0 && text_starts(err.text, "proxmox.ca: "));
	pve_registration_close(&a.pve);
	a.node.proxmox.given = false;
	CHECK(pve_registration_open(path, &a.node, &a.pve, &err) == 0 && !a.pve.pve);
	err = (struct error){ 0 };
	CHECK(find(&a, &err) < 0 && strstr(err.text, "no proxmox section"));
	AGENT_END();
}
