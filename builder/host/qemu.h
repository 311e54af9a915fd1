/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A virtual machine like those that Proxmox VE makes (q35, virtio-scsi-single, virtio network, guest agent port,
 * serial console), as a plan, and as QEMU's command line. Files may be /proc/self/fd/N: QEMU opens those itself, so
 * that a machine's private files need no names, and none is left behind, however the machine ends.
 */
#include <stdbool.h>

#include "lib/error.h"
#include "lib/text.h"

enum qemu_firmware { QEMU_BIOS, QEMU_UEFI };

struct qemu_plan {
	enum qemu_firmware firmware;
	bool kvm;      /* else TCG */
	bool snapshot; /* nothing that the guest writes is kept, not even in the overlay: for a trial */
	bool console;  /* the serial console reads stdin, and Ctrl-A X ends the machine; else it only writes */
	unsigned long long memory; /* bytes */
	unsigned cpus;
	const char *disk;       /* borrowed, as all of these; a qcow2 that may be written */
	const char *seed;       /* an ISO, NULL = none */
	const char *code;       /* UEFI: the firmware's program */
	const char *variables;  /* UEFI: its variables, may be written */
	struct strings forward; /* "PORT:GUESTPORT", checked by qemu_forward_check() */
};

/* Pure. */
void qemu_argv(const struct qemu_plan *plan, struct strings *ret);
/* Checks "2222:22": a port of 127.0.0.1 that is forwarded to a port of the guest. ERROR_USAGE. */
int qemu_forward_check(const char *forward, struct error *err) MUST_CHECK;

/* Finds OVMF: its program, and the template of its variables. ERROR_HOST when no complete pair is installed. */
struct qemu_ovmf {
	const char *code, *variables; /* static storage */
};
int qemu_find_ovmf(struct qemu_ovmf *ret, struct error *err) MUST_CHECK;
/* The first place with both files; NULL when there is none. */
const struct qemu_ovmf *qemu_ovmf_first(const struct qemu_ovmf *places, size_t n);

/* Whether KVM really runs this machine: boots it for a few seconds without keeping anything. A nested or crippled KVM
 * opens, and then hangs or aborts. inherit: descriptors that the plan's files name, ended by -1. */
bool qemu_kvm_works(const struct qemu_plan *plan, const int *inherit);
/* Runs it until it powers off, or until SIGINT, SIGTERM or SIGHUP. It ends with this process. */
int qemu_run(const struct qemu_plan *plan, const int *inherit, struct error *err) MUST_CHECK;
