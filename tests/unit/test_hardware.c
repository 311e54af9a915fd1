/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hardware.h"
#include "tests/unit/fake_root.h"

#define PCI "/sys/bus/pci/devices/0000:00:"

/* A VM of Proxmox VE with one virtio card and a seed that cloud-init has found. */
static void put_machine(const char *root)
{
	fake_put(root, "/sys/class/net/ens18/type", "1\n");
	fake_put(root, "/sys/class/net/ens18/device/vendor", "0x1af4\n");
	fake_put(root, "/proc/sys/kernel/osrelease", "6.12.1+deb13-amd64\n");
	fake_put(root, "/usr/bin/cloud-init", "");
	fake_put(root, "/run/cloud-init/enabled", "");
	fake_put(root, "/dev/kmsg", "");
}

static void put_pci(const char *root, const char *place, const char *class, const char *vendor, const char *device,
		    bool driven)
{
	const char *const files[][2] = {
		{ "class", class }, { "vendor", vendor }, { "device", device }, { "driver/x", "" }
	};

	for (size_t i = 0; i < ARRAY_SIZE(files) - !driven; i++) {
		CLEANUP(free_p) char *name = xasprintf(PCI "%s/%s", place, files[i][0]);
		fake_put(root, name, files[i][1]);
	}
}

static void take(const char *root, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("%s%s", root, name);
	struct error err = { 0 };

	CHECK(tree_remove(AT_FDCWD, file, &err) == 0);
}

/* All faults, each with a line break. */
static char *faults_of(const char *root)
{
	CLEANUP(strings_done) struct strings faults = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (hardware_faults(root, &faults, &err) < 0)
		text_addf(&text, "error: %s\n", err.text);
	for (size_t i = 0; i < faults.n; i++)
		text_addf(&text, "%s\n", faults.at[i]);
	return text_take(&text);
}

static void check_faults(const char *root, const char *want)
{
	CLEANUP(free_p) char *got = faults_of(root);

	CHECK_STR(got, want);
}

TEST(hardware_is_right)
{
	FAKE_ROOT();
	put_machine(path);
	put_pci(path, "12.0", "0x020000\n", "0x1af4\n", "0x1000\n", true);
	/* A controller without a drive is nothing that a guest needs. */
	put_pci(path, "1f.2", "0x010601\n", "0x8086\n", "0x2922\n", false);
	check_faults(path, "");
	FAKE_ROOT_END();
}

TEST(hardware_names_cards_without_a_driver)
{
	FAKE_ROOT();
	put_machine(path);
	put_pci(path, "12.0", "0x020000\n", "0x8086\n", "0x100e\n", false);
	put_pci(path, "13.0", "0x020000\n", "0x10ec\n", "0x8139\n", false);
	put_pci(path, "14.0", "0x030000\n", "0x1234\n", "0x1111\n", false);
	check_faults(path, "this kernel has no driver for the network card 10ec:8139, 8086:100e; give the guest virtio "
			   "(qm set VMID "
			   "--net0 virtio,bridge=BRIDGE)\n");
	fake_put(path, "/proc/sys/kernel/osrelease", "6.12.1+deb13-cloud-amd64\n");
	CLEANUP(free_p) char *cloud = faults_of(path);
	CHECK(strstr(cloud, "bridge=BRIDGE), or build the image with kernel: generic\n"));
	FAKE_ROOT_END();
}

TEST(hardware_says_that_there_is_no_card)
{
	FAKE_ROOT();
	put_machine(path);
	take(path, "/sys/class/net");
	check_faults(path, "this machine has no network card that the kernel finds; give it one (qm set VMID --net0 "
			   "virtio,bridge=BRIDGE)\n");
	FAKE_ROOT_END();
}

TEST(hardware_names_the_card_of_a_seed_that_is_not_there)
{
	FAKE_ROOT();
	put_machine(path);
	fake_put(path, "/etc/systemd/network/10-cloud-init-eth0.network", "[Match]\nName=eth0\n");
	check_faults(path, "");
	fake_put(path, "/etc/systemd/network/10-cloud-init-eth1.network", "[Match]\nName=eth1\n");
	check_faults(path, "the seed configures the network card eth1, which this machine does not have: its cards are "
			   "ens18; name one of "
			   "these, or match by MAC address\n");
	FAKE_ROOT_END();
}

#define NO_SEED                                                                                                        \
	"so this guest has no user, no ssh key and no node configuration; attach one as SCSI (qm set VMID --scsi1 "    \
	"STORAGE:cloudinit, or an ISO of `nodekiln seed` with media=cdrom) and restart it\n"

TEST(hardware_says_that_there_is_no_seed)
{
	FAKE_ROOT();
	put_machine(path);
	take(path, "/run/cloud-init/enabled");
	check_faults(path, "no cloud-init volume was found, " NO_SEED);
	put_pci(path, "1f.2", "0x010601\n", "0x8086\n", "0x2922\n", false);
	put_pci(path, "01.2", "0x0c0300\n", "0x8086\n", "0x7020\n", false);
	put_pci(path, "05.0", "0x010000\n", "0x1af4\n", "0x1004\n", true);
	check_faults(path, "no cloud-init volume was found (this kernel has no driver for 8086:2922, 8086:7020, where "
			   "one may be), " NO_SEED);
	FAKE_ROOT_END();
}

static void put_volume(const char *root, const char *name);

TEST(hardware_names_a_seed_that_came_too_late)
{
	FAKE_ROOT();
	put_machine(path);
	put_volume(path, "sr0");
	take(path, "/run/cloud-init/enabled");
	check_faults(path, "cloud-init did not see the volume sr0: it came too late; attach it as SCSI (qm set VMID "
			   "--scsi1 ...) and restart "
			   "this guest\n");
	FAKE_ROOT_END();
}

TEST(hardware_knows_guests_that_need_no_seed)
{
	static const char *const reasons[][2] = {
		{ "/etc/nodekiln/node.yaml", "cluster: lab\n" },
		{ "/var/lib/cloud/instance/x", "" },
		{ "/etc/cloud/cloud-init.disabled", "" },
		{ "/proc/cmdline", "root=/dev/sda1 cloud-init=disabled ro\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		FAKE_ROOT();
		put_machine(path);
		take(path, "/run/cloud-init/enabled");
		fake_put(path, reasons[i][0], reasons[i][1]);
		check_faults(path, "");
		FAKE_ROOT_END();
	}
	FAKE_ROOT();
	put_machine(path);
	take(path, "/run/cloud-init/enabled");
	take(path, "/usr/bin/cloud-init");
	check_faults(path, "");
	FAKE_ROOT_END();
}

/* An ISO's volume descriptor is all that libblkid reads. */
static void put_volume(const char *root, const char *name)
{
	CLEANUP(free_p) char *file = xasprintf("/dev/%s", name), *entry = xasprintf("/sys/class/block/%s", name);
	char *iso = xcalloc(1, 64 << 10);

	memcpy(iso + 32768, "\1CD001\1", 7);
	memset(iso + 32768 + 8, ' ', 64);
	memcpy(iso + 32768 + 40, "cidata", 6);
	memcpy(iso + 32768 + 2048, "\377CD001\1", 7);
	fake_putn(root, file, iso, 64 << 10);
	fake_put(root, entry, "");
	free(iso);
}

TEST(hardware_names_several_seeds_and_which_counts)
{
	FAKE_ROOT();
	put_machine(path);
	put_volume(path, "sr0");
	check_faults(path, "");
	put_volume(path, "sda");
	check_faults(
		path,
		"2 volumes are labelled cidata: sr0, sda; this guest uses the first of these; detach the others\n");
	FAKE_ROOT_END();
}

TEST(hardware_names_a_seed_that_cloud_init_cannot_use)
{
	FAKE_ROOT();
	put_machine(path);
	put_volume(path, "sr0");
	fake_put(path, "/run/cloud-init/cloud-id", "none\n");
	check_faults(path, "cloud-init cannot use the volume sr0: it is labelled cidata, but lacks a valid meta-data "
			   "or user-data; make it with "
			   "`nodekiln seed`\n");
	FAKE_ROOT_END();
}

TEST(hardware_report_reaches_console_prompt_and_status)
{
	FAKE_ROOT();
	CLEANUP(strings_done) struct strings before = { 0 }, after = { 0 };

	put_machine(path);
	take(path, "/sys/class/net");
	hardware_reported(path, &before);
	CHECK(before.n == 0);
	CHECK(hardware_report(path, &err) == 0);
	CLEANUP(free_p) char *console = fake_get(path, "/dev/kmsg"), *issue = fake_get(path, HARDWARE_FAULTS_FILE);
	CHECK(text_starts(console, "<3>nodekiln: this machine has no network card"));
	CHECK(text_starts(issue, "nodekiln: this machine has no network card"));
	hardware_reported(path, &after);
	CHECK(after.n == 1 && text_starts(after.at[0], "this machine has no network card"));
	/* Once it is right, nothing stays. */
	put_machine(path);
	CHECK(hardware_report(path, &err) == 0);
	CLEANUP(free_p) char *right = fake_get(path, HARDWARE_FAULTS_FILE);
	CHECK_STR(right, "");
	FAKE_ROOT_END();
}
