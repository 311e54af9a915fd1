/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/containerd_config.h"

#include <string.h>

#include "lib/file.h"
#include "lib/log.h"

#define CONFIG_MAX (1 << 20)

/* The files and lines of the image's own configuration (rootfs-overlays/containerd-lxc, docker). A
 * configuration written by a user stays as it is. */
static const struct {
	const char *file, *overlays, *copies;
} settings[] = {
	{ "etc/containerd/config.toml", "snapshotter = \"overlayfs\"", "snapshotter = \"native\"" },
	{ "etc/docker/daemon.json", "\"storage-driver\": \"overlay2\"", "\"storage-driver\": \"vfs\"" },
};

static int replace(int rootfd, const char *file, const char *old, const char *new, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(text_done) struct text changed = { 0 };

	if (!file_exists_in(rootfd, file))
		return 0;
	if (file_read_in(rootfd, file, CONFIG_MAX, &text, err) < 0)
		return -1;
	const char *at = text.len ? strstr(text.data, old) : NULL;
	if (!at)
		return 0;
	text_addn(&changed, text.data, (size_t)(at - text.data));
	text_addf(&changed, "%s%s", new, at + strlen(old));
	log_warning("no overlay can be mounted here, so /%s now says %s", file, new);
	return file_write_in(rootfd, file, changed.data, changed.len, 0644, err);
}

int containerd_config_adapt(const char *root, const struct facts *m, struct error *err)
{
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", err);

	if (rootfd < 0)
		return -1;
	/* Where no mount works at all, the file system is not the cause; preflight reports that. */
	if (!m->container || !m->mounts || m->overlays)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (replace(rootfd, settings[i].file, settings[i].overlays, settings[i].copies, err) < 0)
			return -1;
	return 0;
}
