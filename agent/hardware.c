/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/hardware.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "agent/card_match.h"
#include "agent/cards.h"
#include "agent/cidata.h"
#include "agent/guest_file.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/node_config.h"

#define PCI_DEVICES "sys/bus/pci/devices"
#define PREFIX "nodekiln: "
#define KERNEL_LOG "dev/kmsg"
#define KERNEL_ERROR "<3>" /* the consoles show it: kernel.printk is 4 (rootfs-overlays/vm) */

/* Classes of PCI devices, as the kernel writes them: 0xCCSSII. */
#define NETWORK "0x02"
#define STORAGE "0x01"
#define USB "0x0c03"

/* What networks and seeds are looked for in. */
struct machine {
	const char *root; /* borrowed */
	int rootfd;
	bool is_cloud; /* the kernel is the distribution's cloud kernel, which lacks drivers */
	struct cards cards;
};

static void machine_done(struct machine *m)
{
	cards_done(&m->cards);
	close_p(&m->rootfd);
}

static int machine_read(const char *root, struct machine *ret, struct error *err)
{
	ret->root = root;
	ret->rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);
	if (ret->rootfd < 0)
		return -1;
	CLEANUP(free_p) char *release = guest_word(ret->rootfd, "proc/sys/kernel/osrelease");
	ret->is_cloud = release && strstr(release, "-cloud-");
	cards_read(ret->rootfd, false, &ret->cards);
	return 0;
}

/* "8086:100e" when that PCI device is of the class and no driver has it; else NULL. */
static char *undriven(const struct machine *m, const char *device, const char *class)
{
	CLEANUP(free_p) char *path = xasprintf(PCI_DEVICES "/%s/class", device);
	CLEANUP(free_p) char *driver = xasprintf(PCI_DEVICES "/%s/driver", device);
	CLEANUP(free_p) char *vendor_path = xasprintf(PCI_DEVICES "/%s/vendor", device);
	CLEANUP(free_p) char *device_path = xasprintf(PCI_DEVICES "/%s/device", device);
	CLEANUP(free_p) char *found = guest_word(m->rootfd, path);
	CLEANUP(free_p) char *vendor = guest_word(m->rootfd, vendor_path), *model = guest_word(m->rootfd, device_path);

	if (!found || !text_starts(found, class) || file_exists_in(m->rootfd, driver) || !vendor || !model ||
	    !text_starts(vendor, "0x") || !text_starts(model, "0x"))
		return NULL;
	return xasprintf("%s:%s", vendor + 2, model + 2);
}

/* All of them, sorted, "8086:100e, 8086:10d3"; NULL = none. */
static char *all_undriven(const struct machine *m, const char *class)
{
	int fd = file_open_in(m->rootfd, PCI_DEVICES, O_RDONLY | O_DIRECTORY, 0);
	CLEANUP(closedir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	CLEANUP(strings_done) struct strings names = { 0 };
	CLEANUP(text_done) struct text list = { 0 };

	if (!dir && fd >= 0)
		close(fd);
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		char *name = e->d_name[0] == '.' ? NULL : undriven(m, e->d_name, class);
		if (name)
			strings_own(&names, name);
	}
	strings_sort(&names);
	text_add_list(&list, &names);
	return list.len ? text_take(&list) : NULL;
}

static void add_network(const struct machine *m, struct strings *ret)
{
	CLEANUP(free_p) char *without = all_undriven(m, NETWORK);
	const char *or_kernel = m->is_cloud ? ", or build the image with kernel: generic" : "";

	if (without)
		strings_addf(
			ret,
			"this kernel has no driver for the network card %s; give the guest virtio (qm set VMID --net0 "
			"virtio,bridge=BRIDGE)%s",
			without, or_kernel);
	else if (!m->cards.n)
		strings_addf(ret,
			     "this machine has no network card that the kernel finds; give it one (qm set VMID --net0 "
			     "virtio,bridge=BRIDGE)");
}

struct absent {
	const struct machine *machine;
	struct strings *faults;
};

static int add_absent(const char *file UNUSED, const char *network, void *context, struct error *err UNUSED)
{
	const struct absent *a = context;
	CLEANUP(free_p) char *name = card_match_absent(&a->machine->cards, network);
	CLEANUP(text_done) struct text list = { 0 };

	for (size_t i = 0; i < a->machine->cards.n; i++)
		text_addf(&list, "%s%s", i ? ", " : "", a->machine->cards.at[i].name);
	if (name && list.len)
		strings_addf(
			a->faults,
			"the seed configures the network card %s, which this machine does not have: its cards are %s; "
			"name one of these, or match by MAC address",
			name, list.data);
	return 0;
}

static bool has(const struct machine *m, const char *path)
{
	return file_exists_in(m->rootfd, path);
}

/* A guest that has no use for a seed: it was configured before, or by its image, or its cloud-init was turned off on purpose. */
static bool needs_no_seed(const struct machine *m)
{
	CLEANUP(free_p) char *options = guest_text(m->rootfd, "proc/cmdline");

	return has(m, &NODE_CONFIG_FILE[1]) || has(m, "var/lib/cloud/instance") || !has(m, "usr/bin/cloud-init") ||
	       has(m, "etc/cloud/cloud-init.disabled") || (options && strstr(options, "cloud-init=disabled"));
}

/* Where the volume may be, that the kernel does not see. */
static char *hidden_places(const struct machine *m)
{
	CLEANUP(free_p) char *disks = all_undriven(m, STORAGE), *usb = all_undriven(m, USB);

	return disks || usb ? xasprintf(" (this kernel has no driver for %s%s%s, where one may be)", disks ? disks : "",
					disks && usb ? ", " : "", usb ? usb : "")
			    : xstrdup("");
}

/* cloud-init's generator looks once, when systemd starts. late: the volumes that have come since; NULL = none. */
static void add_no_seed(const struct machine *m, const char *late, struct strings *ret)
{
	CLEANUP(free_p) char *hidden = hidden_places(m);

	if (late) {
		strings_addf(ret,
			     "cloud-init did not see the volume %s: it came too late; attach it as SCSI (qm set VMID "
			     "--scsi1 ...) and "
			     "restart this guest",
			     late);
		return;
	}
	strings_addf(ret,
		     "no cloud-init volume was found%s, so this guest has no user, no ssh key and no node "
		     "configuration; attach one as "
		     "SCSI (qm set VMID --scsi1 STORAGE:cloudinit, or an ISO of `nodekiln seed` with media=cdrom) and "
		     "restart it",
		     hidden);
}

static int add_seed(const struct machine *m, struct strings *ret, struct error *err)
{
	CLEANUP(strings_done) struct strings volumes = { 0 };
	CLEANUP(free_p) char *cloud = guest_word(m->rootfd, "run/cloud-init/cloud-id");
	CLEANUP(text_done) struct text list = { 0 };

	if (cidata_list(m->root, &volumes, err) < 0)
		return -1;
	text_add_list(&list, &volumes);
	if (volumes.n > 1)
		strings_addf(
			ret,
			"%zu volumes are labelled cidata: %s; this guest uses the first of these; detach the others",
			volumes.n, list.data);
	if (volumes.n && text_same(cloud, "none"))
		strings_addf(ret,
			     "cloud-init cannot use the volume %s: it is labelled cidata, but lacks a valid meta-data "
			     "or user-data; "
			     "make it with `nodekiln seed`",
			     list.data);
	else if (!needs_no_seed(m) && (!has(m, "run/cloud-init/enabled") || text_same(cloud, "none")))
		add_no_seed(m, volumes.n ? list.data : NULL, ret);
	return 0;
}

int hardware_faults(const char *root, struct strings *ret, struct error *err)
{
	CLEANUP(machine_done) struct machine m = { .rootfd = -1 };
	struct absent absent = { &m, ret };

	if (machine_read(root, &m, err) < 0)
		return -1;
	add_network(&m, ret);
	if (card_match_each(m.rootfd, add_absent, &absent, err) < 0)
		return -1;
	return add_seed(&m, ret, err);
}

/* A machine without a kernel log still has its journal. */
static void say(int rootfd, const char *fault)
{
	CLEANUP(close_p) int log = file_open_in(rootfd, KERNEL_LOG, O_WRONLY | O_APPEND, 0);
	CLEANUP(free_p) char *line = xasprintf(KERNEL_ERROR PREFIX "%s\n", fault);

	if (log < 0 || write_all(log, line, strlen(line)) < 0)
		log_warning("%s", fault);
}

int hardware_report(const char *root, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);
	CLEANUP(strings_done) struct strings faults = { 0 };
	CLEANUP(text_done) struct text issue = { 0 };

	if (rootfd < 0 || hardware_faults(root, &faults, err) < 0)
		return -1;
	for (size_t i = 0; i < faults.n; i++) {
		text_make_printable(faults.at[i]);
		say(rootfd, faults.at[i]);
		text_addf(&issue, PREFIX "%s\n", faults.at[i]);
	}
	return file_write_in(rootfd, &HARDWARE_FAULTS_FILE[1], issue.data ? issue.data : "", issue.len, 0644, err);
}

void hardware_reported(const char *root, struct strings *ret)
{
	CLEANUP(close_p) int rootfd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(free_p) char *text = rootfd < 0 ? NULL : guest_text(rootfd, &HARDWARE_FAULTS_FILE[1]);
	char *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n")))
		if (text_starts(line, PREFIX))
			strings_add(ret, line + strlen(PREFIX));
}
