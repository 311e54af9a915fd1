/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mke2fs makes the empty file system (it knows every default), then the tree is copied into it. mke2fs -d would do
 * both, but takes names in readdir's order and times as they are, so no two disks would be equal.
 */
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builder/disk/ext4.h"
#include "builder/disk/ext4_populate.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/process.h"

/* The features that Debian 12 and the tools of Proxmox VE know, independent of the host's mke2fs.conf. */
#define FEATURES                                                                                                       \
	"none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_" \
	"file,"                                                                                                        \
	"dir_nlink,extra_isize,metadata_csum"

static int make_empty(const struct ext4_make *m, struct error *err)
{
	CLEANUP(free_p) char *device = xasprintf("/proc/%d/fd/%d", getpid(), m->fd);
	/* The storage reads as zeros, so neither mke2fs nor the guest's kernel has to clear anything. */
	CLEANUP(free_p)
	char *extended = xasprintf("offset=%llu,hash_seed=%s,root_owner=0:0,nodiscard,assume_storage_prezeroed=1",
				   (unsigned long long)m->offset, m->hash_seed);
	CLEANUP(free_p) char *blocks = xasprintf("%llu", (unsigned long long)(m->size / EXT4_BLOCK));
	CLEANUP(free_p) char *time = xasprintf("E2FSPROGS_FAKE_TIME=%lld", (long long)m->epoch);
	CLEANUP(free_p) char *path = xasprintf("PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/sbin:/usr/bin");
	char *argv[] = { "mke2fs", "-q", "-F", "-t", "ext4",          "-O", FEATURES, "-b",   "4096", "-I", "256", "-i",
			 "16384",  "-m", "1",  "-U", (char *)m->uuid, "-E", extended, device, blocks, NULL };
	char *env[] = { time, path, "LC_ALL=C", "MKE2FS_SYNC=0", NULL };

	return process_run(&(struct process){ .argv = argv, .env = env, .name = "mke2fs" }, err);
}

/* Measured only when the disk was full, for the message. */
static uint64_t tree_bytes(const char *root)
{
	char *roots[] = { (char *)root, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	uint64_t sum = 0;

	for (FTSENT *e; fts && (e = fts_read(fts)) != NULL;) {
		if (e->fts_info != FTS_DP && e->fts_statp->st_nlink > 0)
			sum += ((uint64_t)e->fts_statp->st_blocks * 512 + EXT4_BLOCK - 1) / EXT4_BLOCK * EXT4_BLOCK;
	}
	if (fts)
		fts_close(fts);
	return sum;
}

int ext4_write(const struct ext4_make *make, const char *root, struct error *err)
{
	CLEANUP(ext4_discard_p) struct ext4 *fs = NULL;

	if (make_empty(make, err) < 0 || ext4_open(make->fd, make->offset, true, &fs, err) < 0)
		return -1;
	ext4_set_time(fs, make->epoch);
	if (ext4_populate(fs, make, root, err) == 0 && ext4_close(&fs, err) == 0)
		return 0;
	if (err->class != ERROR_SPACE)
		return -1;
	return error_set(err, ERROR_SPACE,
			 "the tree holds %s, more than the root file system of %s can take; raise disk.size",
			 text_bytes(tree_bytes(root)), text_bytes(make->size));
}
