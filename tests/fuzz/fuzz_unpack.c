/* SPDX-License-Identifier: Apache-2.0 */
/* A tar of any compression, unpacked below a directory that has links out of it: what is next to the directory stays as it is. */
#include <stdint.h>
#include <sys/mman.h>

#include "builder/archive/tarball.h"
#include "tests/fuzz/canary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(close_p) int archive = memfd_create("tar", MFD_CLOEXEC);
	struct error err = { 0 };
	struct canary canary;

	canary_open(&canary);
	need(archive >= 0 && write_all(archive, data, size) == 0 && lseek(archive, 0, SEEK_SET) == 0);
	if (tarball_unpack(archive, "fuzz", canary.root, &err) < 0)
		need(*err.text);
	canary_close(&canary);
	return 0;
}
