/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/finish.h"

#include <dirent.h>
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/secret_wipe.h"
#include "lib/alloc.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define UNIT "nodekiln-agent.service"
#define UNIT_DIRECTORY "/etc/systemd/system"
#define CLOUD_INIT_SECONDS 90 /* for its last stage, which began long before the Node was Ready */

/* Where copies of user-data and vendor-data are, for cloud-init 22.4 to 26, and other files that hold a
 * secret. */
static const char *const places[] = {
	"var/lib/cloud", "run/cloud-init",   "etc/cloud",
	"run/nodekiln",  "var/lib/nodekiln", "etc/kubernetes/bootstrap-kubelet.conf",
};

/* Wiped last: as long as it holds the secrets, an interrupted wipe can find out what to search for. */
#define OWN_CONFIG "etc/nodekiln"

/* cloud-init's final stage reads obj.pkl and cloud-config.txt, and writes result.json last. Where cloud-init
 * is not enabled there is nothing to wait for. */
static void wait_for_cloud_init(int rootfd)
{
	double until = clock_seconds() + CLOUD_INIT_SECONDS;

	while (file_exists_in(rootfd, "run/cloud-init/enabled") &&
	       !file_exists_in(rootfd, "run/cloud-init/result.json")) {
		if (clock_seconds() > until) {
			log_warning("cloud-init has not finished after %d s; its files are wiped anyway",
				    CLOUD_INIT_SECONDS);
			return;
		}
		clock_nap(0.5);
	}
}

static int wipe_places(int rootfd, struct secret_wipe *w, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (secret_wipe_path(rootfd, places[i], w, err) < 0)
			return -1;
	return secret_wipe_prefix(rootfd, "var/log", "cloud-init", w, err);
}

static int wipe_all(int rootfd, const struct secrets *secrets, struct error *err)
{
	struct secret_wipe w = { .secrets = secrets }, look = { .secrets = secrets, .only_look = true };

	if (wipe_places(rootfd, &w, err) < 0 || wipe_places(rootfd, &look, err) < 0 ||
	    secret_wipe_path(rootfd, OWN_CONFIG, &w, err) < 0 || secret_wipe_path(rootfd, OWN_CONFIG, &look, err) < 0)
		return -1;
	log_info("secrets were wiped from %zu of %zu files", w.changed, w.files);
	return 0;
}

/* cloud-init reads an attached volume at each boot and copies its content again. */
static void warn_of_seed(int rootfd)
{
	if (file_exists_in(rootfd, "dev/disk/by-label/cidata") || file_exists_in(rootfd, "dev/disk/by-label/CIDATA"))
		log_warning("the volume cidata, which this node was configured from, is still attached and holds its "
			    "secrets; "
			    "detach it");
}

/* cloud-init writes its cache several times during a boot, so blocks of older versions are free by now. Only
 * for the real root: a fake one is on another file system of the machine. */
static void discard_free_blocks(const char *root, int rootfd)
{
	struct fstrim_range range = { .len = UINT64_MAX };

	if (*root && strcmp(root, "/") != 0)
		return;
	/* A block counts as free once the journal has committed its release. */
	if (syncfs(rootfd) < 0 || ioctl(rootfd, FITRIM, &range) < 0)
		log_warning("free blocks of the root disk cannot be discarded (%s): older copies of this node's "
			    "secrets may "
			    "be left in them; renew the token and the certificate key, or enable discard on the disk",
			    strerror(errno));
	else
		log_debug("discarded %s of free blocks", text_bytes(range.len));
}

int finish_wipe(const char *root, const struct node_config *node, struct error *err)
{
	CLEANUP(secrets_done) struct secrets secrets = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);

	if (rootfd < 0)
		return -1;
	secrets_of(node, &secrets);
	if (!secrets.plain.n && !secrets.zeroed) {
		log_info("there are no secrets to wipe");
		return 0;
	}
	wait_for_cloud_init(rootfd);
	if (wipe_all(rootfd, &secrets, err) < 0)
		return -1;
	warn_of_seed(rootfd);
	discard_free_blocks(root, rootfd);
	return 0;
}

static int write_mark(const char *root, const char *path, const char *text, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s%s", root, path);
	CLEANUP(free_p) char *directory = xstrndup(file, (size_t)(strrchr(file, '/') - file));

	if (dir_make(AT_FDCWD, directory, 0755, err) < 0)
		return -1;
	return file_write_durable(file, text, strlen(text), 0644, err);
}

int finish_modes(const char *root, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s/var/lib/kubelet/config.yaml", root);

	if (chmod(file, 0600) < 0 && errno != ENOENT)
		return error_errno(err, errno, "make %s private", file);
	return 0;
}

int finish_sentinels(const char *root, struct error *err)
{
	char now[CLOCK_TEXT_MAX];
	CLEANUP(free_p) char *stamp = xasprintf("%s\n", clock_text(time(NULL), now));

	if (write_mark(root, FINISH_SENTINEL, "success\n", err) < 0)
		return -1;
	return write_mark(root, FINISH_STAMP, stamp, err);
}

static int remove_want(int dirfd, const char *wants, struct error *err)
{
	CLEANUP(close_p) int fd = openat(dirfd, wants, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || unlinkat(fd, UNIT, 0) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : error_errno(err, errno, "remove %s from %s", UNIT, wants);
	return fsync(fd) < 0 ? error_errno(err, errno, "sync %s", wants) : 0;
}

int finish_disable(const char *root, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s" UNIT_DIRECTORY, root);
	CLEANUP(closedir_p) DIR *dir = opendir(path);

	if (!dir)
		return errno == ENOENT ? 0 : error_errno(err, errno, "read directory %s", path);
	for (const struct dirent *e; (e = readdir(dir));)
		if (text_ends(e->d_name, ".wants") && remove_want(dirfd(dir), e->d_name, err) < 0)
			return -1;
	return 0;
}
