/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config_source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/cidata.h"
#include "lib/file.h"
#include "lib/log.h"

#define CLOUD_INIT "/usr/bin/cloud-init"
/* cloud-init's systemd generator writes one of the next two files before any unit starts. */
#define CLOUD_INIT_ENABLED "/run/cloud-init/enabled"
#define CLOUD_INIT_DISABLED "/run/cloud-init/disabled"
#define CLOUD_INIT_RESULT "/run/cloud-init/result.json" /* appears when all stages of cloud-init have run */
#define INSTANCE_DATA "/run/cloud-init/instance-data.json"
#define INSTANCE_DATA_MAX (16u << 20)
#define VOLUME_NAME " of the volume cidata"

typedef int source_fn(const char *file, const char *text, size_t len, struct yaml **ret, struct error *err);

/* The documents that were found: the meta-data, and the file that is merged over it. */
struct documents {
	struct yaml *base, *over; /* owned; NULL = not found */
};

static void documents_done(struct documents *p)
{
	yaml_node_free_p(&p->base);
	yaml_node_free_p(&p->over);
}

/* Reads path below dirfd with fn if the file exists. */
static int read_part(int dirfd, const char *path, const char *name, size_t limit, source_fn *fn, struct yaml **ret,
		     struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(close_p) int fd = file_open_in(dirfd, path, O_PATH, 0);
	int rc;

	/* A file that cannot be looked at is not a missing one: a guest would count as one that is no node. */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : error_errno(err, errno, "look at %s", name);
	rc = file_read_in(dirfd, path, limit, &text, err);
	if (rc == 0)
		rc = fn(name, text.data ? text.data : "", text.len, ret, err);
	text_wipe(&text);
	return rc;
}

/* config_source.h says which owner and mode the file must have. */
static int guard_file(int rootfd, const struct yaml *tree, struct error *err)
{
	CLEANUP(close_p) int fd = file_open_in(rootfd, NODE_CONFIG_FILE, O_RDONLY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "look at " NODE_CONFIG_FILE);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(err, ERROR_INPUT,
				 NODE_CONFIG_FILE
				 " belongs to user %u, who could decide what root runs; chown it to root",
				 st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, ERROR_INPUT,
				 NODE_CONFIG_FILE " can be written by others than root (mode %04o); make it 0600",
				 st.st_mode & 07777);
	if (!(st.st_mode & (S_IRWXG | S_IRWXO)) || !node_config_holds_secrets(tree))
		return 0;
	if (fchmod(fd, 0600) < 0)
		return error_errno(err, errno, "make " NODE_CONFIG_FILE ", which holds secrets, private");
	log_warning(NODE_CONFIG_FILE " holds secrets and others could read it (mode %04o); it is 0600 now. Say "
				     "`permissions: '0600'` in write_files",
		    st.st_mode & 07777);
	return 0;
}

static int read_files(int rootfd, struct documents *p, struct error *err)
{
	if (read_part(rootfd, INSTANCE_DATA, INSTANCE_DATA, INSTANCE_DATA_MAX, config_source_instance_data, &p->base,
		      err) < 0 ||
	    read_part(rootfd, NODE_CONFIG_FILE, NODE_CONFIG_FILE, YAML_SIZE_MAX, node_config_parse, &p->over, err) < 0)
		return -1;
	return p->over ? guard_file(rootfd, p->over, err) : 0;
}

/* What cloud-init reads, where there is none. */
static int read_as_cloud_init(int fd, struct documents *p, struct error *err)
{
	if (read_part(fd, "meta-data", "meta-data" VOLUME_NAME, YAML_SIZE_MAX, config_source_meta_data, &p->base, err) <
		    0 ||
	    read_part(fd, "user-data", "user-data" VOLUME_NAME, YAML_SIZE_MAX, config_source_user_data, &p->over, err) <
		    0)
		return -1;
	if (p->over)
		return 0;
	return read_part(fd, "vendor-data", "vendor-data" VOLUME_NAME, YAML_SIZE_MAX, config_source_user_data, &p->over,
			 err);
}

enum cloud_init { CLOUD_INIT_OFF, CLOUD_INIT_WORKING, CLOUD_INIT_DONE };

static enum cloud_init cloud_init_state(int rootfd)
{
	if (file_exists_in(rootfd, CLOUD_INIT_RESULT))
		return CLOUD_INIT_DONE;
	if (file_exists_in(rootfd, CLOUD_INIT_DISABLED))
		return CLOUD_INIT_OFF;
	return file_exists_in(rootfd, CLOUD_INIT_ENABLED) || file_exists_in(rootfd, CLOUD_INIT) ? CLOUD_INIT_WORKING
												: CLOUD_INIT_OFF;
}

int config_source_volume(int volume, bool alone, struct yaml **ret_base, struct yaml **ret_over, struct error *err)
{
	CLEANUP(documents_done) struct documents p = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *own = NULL;

	if (read_part(volume, NODE_CONFIG_SEED, NODE_CONFIG_SEED VOLUME_NAME, YAML_SIZE_MAX, node_config_parse, &own,
		      err) < 0 ||
	    (alone && read_as_cloud_init(volume, &p, err) < 0))
		return -1;
	if (p.base)
		*ret_base = TAKE(p.base);
	if (own || p.over)
		*ret_over = own ? TAKE(own) : TAKE(p.over);
	return 0;
}

static int read_volume(const char *root, enum cloud_init cloud, struct documents *p, struct error *err)
{
	CLEANUP(close_p) int fd = -1;
	int there = cidata_open(root, &fd, err);

	return there <= 0 ? there : config_source_volume(fd, cloud == CLOUD_INIT_OFF, &p->base, &p->over, err);
}

/* Merges the file over the meta-data, and reads and checks the result as one document. */
static int read_node(struct documents *p, struct node_config *ret, struct error *err)
{
	if (p->base && p->over)
		node_config_merge(p->base, TAKE(p->over));
	return node_config_read(p->base ? TAKE(p->base) : TAKE(p->over), ret, err);
}

int config_source_read(const char *root, struct node_config *ret, struct error *err)
{
	CLEANUP(documents_done) struct documents p = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);
	enum cloud_init cloud;

	if (rootfd < 0)
		return -1;
	/* Looked up first: if cloud-init finishes while we read, the files that we read are complete. */
	cloud = cloud_init_state(rootfd);
	if (read_files(rootfd, &p, err) < 0)
		return -1;
	bool from_file = p.over != NULL;
	if (!from_file && read_volume(*root ? root : "", cloud, &p, err) < 0)
		return -1;
	/* The volume can be read before cloud-init has written its meta-data; the file comes after them. */
	bool complete = from_file || (p.over && file_exists_in(rootfd, INSTANCE_DATA));
	if (cloud == CLOUD_INIT_WORKING && !complete)
		return CONFIG_SOURCE_LATER;
	if (!p.base && !p.over)
		return CONFIG_SOURCE_NONE;
	if (read_node(&p, ret, err) < 0)
		return -1;
	return CONFIG_SOURCE_FOUND;
}
