/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/host/qemu.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"

/* The CPU model that makes an emulated Linux fast: an Atom of 2008. Linux trusts the time stamp counters of several
 * processors only if they are Intel's (else every reading of the clock leaves the guest), and of Intel's only these
 * need no Meltdown mitigation (which flushes the emulator's TLB at every system call). Without MONITOR an idle CPU
 * does not busy-wait. */
#define QEMU_EMULATED_CPU "max,vendor=GenuineIntel,family=6,model=28,stepping=10,monitor=off"
#define QEMU "qemu-system-x86_64"
#define MIB (1ull << 20)
#define PORT_MAX 65535

/* Distributions install it in different places; 4 MiB builds first, the others are for old firmware tables. */
static const struct qemu_ovmf ovmf_places[] = {
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd" },
	{ "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	{ "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
	{ "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
};

const struct qemu_ovmf *qemu_ovmf_first(const struct qemu_ovmf *places, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (access(places[i].code, R_OK) == 0 && access(places[i].variables, R_OK) == 0)
			return &places[i];
	}
	return NULL;
}

int qemu_find_ovmf(struct qemu_ovmf *ret, struct error *err)
{
	const struct qemu_ovmf *found = qemu_ovmf_first(ovmf_places, ARRAY_SIZE(ovmf_places));

	if (!found)
		return error_set(err, ERROR_HOST, "OVMF is not installed; `nodekiln doctor` names the package");
	*ret = *found;
	return 0;
}

static bool is_port(const char *digits, size_t n)
{
	unsigned long port = 0;

	if (!n || n > 5 || strspn(digits, "0123456789") < n)
		return false;
	for (size_t i = 0; i < n; i++)
		port = port * 10 + (unsigned)(digits[i] - '0');
	return port > 0 && port <= PORT_MAX;
}

int qemu_forward_check(const char *forward, struct error *err)
{
	const char *colon = strchr(forward, ':');

	if (colon && is_port(forward, (size_t)(colon - forward)) && is_port(colon + 1, strlen(colon + 1)))
		return 0;
	return error_set(err, ERROR_USAGE, "--forward %s: it must be PORT:GUESTPORT, e.g. 2222:22", forward);
}

/* In QEMU's option syntax a comma ends a value; two commas are one literal comma. */
static char *escaped(const char *path)
{
	struct text t = { 0 };

	for (const char *c = path; *c; c++)
		text_add(&t, (char[]){ *c, *c == ',' ? ',' : 0, 0 });
	return text_take(&t);
}

static void add_drive(struct strings *argv, const char *options, const char *path, bool snapshot)
{
	CLEANUP(free_p) char *file = escaped(path);

	strings_add(argv, "-drive");
	strings_addf(argv, "%s%s,file=%s", options, snapshot ? ",snapshot=on" : "", file);
}

static void add_machine(const struct qemu_plan *p, struct strings *argv)
{
	strings_add_all(argv, "-name", "nodekiln", "-nodefaults", "-no-user-config", "-machine", "q35", NULL);
	strings_add_all(argv, "-accel", p->kvm ? "kvm" : "tcg,thread=multi", "-cpu",
			p->kvm ? "host" : QEMU_EMULATED_CPU, NULL);
	strings_add(argv, "-smp");
	strings_addf(argv, "%u", p->cpus);
	strings_add(argv, "-m");
	strings_addf(argv, "%lluM", p->memory / MIB);
	if (p->firmware == QEMU_UEFI) {
		add_drive(argv, "if=pflash,unit=0,format=raw,readonly=on", p->code, false);
		add_drive(argv, "if=pflash,unit=1,format=raw", p->variables, p->snapshot);
	}
}

/* virtio-scsi-single: one controller per drive. The seed is a SCSI CD-ROM, which every kernel drives. */
static void add_disks(const struct qemu_plan *p, struct strings *argv)
{
	strings_add_all(argv, "-device", "virtio-scsi-pci,id=scsi0", "-device",
			"scsi-hd,bus=scsi0.0,drive=disk0,bootindex=1", NULL);
	add_drive(argv, "if=none,id=disk0,format=qcow2,discard=unmap", p->disk, p->snapshot);
	if (!p->seed)
		return;
	strings_add_all(argv, "-device", "virtio-scsi-pci,id=scsi1", "-device", "scsi-cd,bus=scsi1.0,drive=seed0",
			NULL);
	add_drive(argv, "if=none,id=seed0,format=raw,readonly=on", p->seed, false);
}

static void add_network(const struct qemu_plan *p, struct strings *argv)
{
	CLEANUP(text_done) struct text net = { 0 };

	text_add(&net, "user,id=net0");
	for (size_t i = 0; i < p->forward.n; i++) {
		const char *forward = p->forward.at[i], *colon = strchr(forward, ':');
		text_addf(&net, ",hostfwd=tcp:127.0.0.1:%.*s-:%s", (int)(colon - forward), forward, colon + 1);
	}
	strings_add_all(argv, "-netdev", net.data, "-device", "virtio-net-pci,netdev=net0", NULL);
}

static void add_consoles(const struct qemu_plan *p, struct strings *argv)
{
	strings_add_all(argv, "-display", "none", "-chardev",
			p->console ? "stdio,id=console,mux=on,signal=off" : "stdio,id=console", "-serial",
			"chardev:console", NULL);
	if (p->console)
		strings_add_all(argv, "-mon", "chardev=console,mode=readline", NULL);
	strings_add_all(argv, "-device", "virtio-serial-pci", "-chardev", "null,id=agent", "-device",
			"virtserialport,chardev=agent,name=org.qemu.guest_agent.0", NULL);
}

void qemu_argv(const struct qemu_plan *p, struct strings *ret)
{
	strings_add(ret, QEMU);
	add_machine(p, ret);
	add_disks(p, ret);
	add_network(p, ret);
	strings_add_all(ret, "-device", "virtio-rng-pci", NULL);
	add_consoles(p, ret);
}
