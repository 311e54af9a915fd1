/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/host/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/job.h"

#define PAGE 4096
#define PORT 0xe9
#define SECONDS 5 /* a guest of four instructions takes microseconds */

/* mov al, 'K'; out PORT, al; hlt */
static const unsigned char code[] = { 0xb0, 'K', 0xe6, PORT, 0xf4 };

static int failed(const char *what, struct error *err)
{
	error_errno(err, errno, "KVM: %s", what);
	err->class = ERROR_HOST;
	return -1;
}

static int put_code(int vm, struct error *err)
{
	unsigned char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return failed("memory", err);
	memcpy(page, code, sizeof code);
	struct kvm_userspace_memory_region region = { .guest_phys_addr = PAGE,
						      .memory_size = PAGE,
						      .userspace_addr = (uintptr_t)page };
	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? failed("give memory to a guest", err) : 0;
}

static int set_registers(int cpu, struct error *err)
{
	struct kvm_sregs segments;
	struct kvm_regs registers = { .rip = PAGE, .rflags = 2 };

	if (ioctl(cpu, KVM_GET_SREGS, &segments) < 0)
		return failed("read the registers of a guest", err);
	segments.cs.base = segments.cs.selector = 0;
	if (ioctl(cpu, KVM_SET_SREGS, &segments) < 0 || ioctl(cpu, KVM_SET_REGS, &registers) < 0)
		return failed("set the registers of a guest", err);
	return 0;
}

static int run(int kvm, int cpu, struct error *err)
{
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	struct kvm_run *state =
		size > 0 ? mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0) : MAP_FAILED;

	if (state == MAP_FAILED)
		return failed("share the state of a guest", err);
	if (ioctl(cpu, KVM_RUN, NULL) < 0)
		return failed("run a guest", err);
	if (state->exit_reason == KVM_EXIT_IO && state->io.port == PORT)
		return 0;
	return error_set(err, ERROR_HOST, "KVM: the first instructions of a guest end with exit reason %u",
			 state->exit_reason);
}

/* job_fn: what it opens is closed by its end. */
static int run_guest(void *context UNUSED, struct error *err)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, cpu;

	if (kvm < 0)
		return failed("open /dev/kvm", err);
	alarm(SECONDS);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return failed("make a guest", err);
	if (put_code(vm, err) < 0)
		return -1;
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (cpu < 0)
		return failed("make a processor", err);
	return set_registers(cpu, err) < 0 ? -1 : run(kvm, cpu, err);
}

int kvm_try(struct error *err)
{
	CLEANUP(job_stop) struct job job = { 0 };

	if (job_start(&job, run_guest, NULL, err) == 0 && job_wait(&job, err) == 0)
		return 0;
	if (err->class != ERROR_HOST) /* the alarm has ended it */
		error_set(err, ERROR_HOST, "KVM: a guest of four instructions does not end");
	return -1;
}
