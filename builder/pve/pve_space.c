/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_space.h"

#include <string.h>

#include "builder/pve/pve_retry.h"

static const char *const out_of_space[] = {
	"No space left", /* ENOSPC: cp, dd, qemu-img, tar, the API server's own temporary file */
	"no space left",
	"Disk quota exceeded", /* EDQUOT: NFS, ZFS */
	"quota exceeded",
	"out of space",           /* ZFS; PVE/Storage */
	"nsufficient free space", /* LVM: "insufficient free space: 100 extents needed" */
	"nsufficient suitable allocatable extents",
	"ot enough free space", /* Not, not */
	"ot enough space",
	"reached threshold", /* LVM thin: "Cannot create new thin volume, free space in thin pool .. reached threshold" */
	"Out of free space",
	"No more free space",
};

bool pve_space_is_out(const char *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(out_of_space); i++)
		if (strstr(words, out_of_space[i]))
			return true;
	return false;
}

/* An upload that PVE passes on to another node ends with "scp: failed to upload file", whatever the cause. */
void pve_space_explain(struct pve *pve, const char *node, const char *storage, uint64_t bytes, struct error *err)
{
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage/%s/status", node, storage);
	CLEANUP(json_free_p) struct json *data = NULL;
	struct error ignored = { 0 };
	int64_t avail = 0;

	if (err->class != ERROR_TARGET || pve_get_retry(pve, path, NULL, &data, &ignored) < 0 ||
	    !pve_get_int(data, "avail", &avail) || avail < 0 || (uint64_t)avail >= bytes)
		return;
	struct error why = *err;
	error_set(err, ERROR_SPACE, "%s; storage %s on %s has %s free, %s are needed", why.text, storage, node,
		  text_bytes((unsigned long long)avail), text_bytes(bytes));
	err->private = why.private;
}
