/* SPDX-License-Identifier: Apache-2.0 */
/* The qcow2 reader must survive any bytes. */
#include <stdint.h>
#include <sys/mman.h>

#include "builder/disk/qcow2.h"
#include "lib/file.h"

#define ALLOCATED_MAX (64u << 20) /* more is allowed, but takes too long in a fuzzer */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(close_p) int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	struct error err = { 0 };
	struct qcow2_info info;

	if (in < 0 || out < 0 || write_all(in, data, size) < 0)
		return 0;
	if (qcow2_info(in, &info, &err) == 0 && info.allocated <= ALLOCATED_MAX && qcow2_read(in, out, &err) < 0 &&
	    !err.text[0])
		__builtin_trap(); /* a failure without a message */
	return 0;
}
