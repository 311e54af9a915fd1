/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_space.h"
#include "tests/unit/pve_stub.h"

#define STATUS "GET /nodes/pve1/storage/nas/status"

/* What ends tasks and answers on full storages, by their program, and what does not. */
static const char *const full[] = {
	"import failed: cp: error writing '/var/lib/vz/import/x.qcow2': No space left on device",
	"unable to create VM 100 - unable to create image: out of space on storage 'x'",
	"unable to create VM 100 - lvcreate 'pve/vm-100-disk-0' error:   Volume group \"pve\" has insufficient free "
	"space (10 "
	"extents): 512 required.",
	"clone failed: lvcreate error: Cannot create new thin volume, free space in thin pool pve/data reached "
	"threshold.",
	"zfs error: cannot create 'rpool/data/vm-100-disk-0': out of space",
	"write failed: Disk quota exceeded",
	"Insufficient suitable allocatable extents for logical volume vm-100-disk-0: 2560 more required",
	"not enough free space on storage 'x' (10 < 20)",
	"upload failed: write failed: No space left on device",
};

static const char *const other[] = { "", "storage 'x' does not exist", "VM 100 already exists on node 'pve1'",
				     "import failed: /usr/bin/scp: failed to upload file /var/tmp/pveupload-0" };

TEST(pve_space_words)
{
	for (size_t i = 0; i < ARRAY_SIZE(full); i++)
		CHECK(pve_space_is_out(full[i]));
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		CHECK(!pve_space_is_out(other[i]));
}

/* The class after the explanation; -1 = the text is wrong. */
static int explained(const char *avail, enum error_class class)
{
	struct error err = { 0 };

	pve_stub_reset();
	pve_stub_add(STATUS, avail ? PVE_OK : PVE_FORBIDDEN, avail ? avail : "403");
	(void)!error_set(&err, class, "import failed");
	pve_space_explain(&pve_stub.pve, "pve1", "nas", 1000, &err);
	const char *more = err.class == ERROR_SPACE ? "; storage nas on pve1 has 999 B free, 1000 B are needed" : "";
	CLEANUP(free_p) char *want = xasprintf("import failed%s", more);
	return strcmp(err.text, want) ? -1 : (int)err.class;
}

TEST(pve_space_explained_by_the_storage)
{
	CHECK(explained("{\"avail\":999}", ERROR_TARGET) == ERROR_SPACE);
	CHECK(explained("{\"avail\":1000}", ERROR_TARGET) == ERROR_TARGET);
	CHECK(explained("{}", ERROR_TARGET) == ERROR_TARGET);
	CHECK(explained(NULL, ERROR_TARGET) == ERROR_TARGET);
	CHECK(explained("{\"avail\":0}", ERROR_NETWORK) == ERROR_NETWORK);
}
