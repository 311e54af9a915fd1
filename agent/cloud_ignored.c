/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cloud_ignored.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "lib/alloc.h"
#include "lib/cloud_config.h"
#include "lib/file.h"
#include "lib/log.h"

#define CLOUD_CFG "etc/cloud/cloud.cfg"
#define CLOUD_CFG_PARTS "etc/cloud/cloud.cfg.d"
#define MERGED "var/lib/cloud/instance/cloud-config.txt" /* user-data and vendor-data, as cloud-init merged them */

/* NULL when it is missing or cannot be read: YAML of cloud-init may have what ours refuses. */
static struct yaml *read_yaml(int rootfd, const char *path)
{
	CLEANUP(text_wipe_done) struct text text = { 0 };
	struct error err = { 0 };
	struct yaml *tree = NULL;

	if (file_read_in(rootfd, path, YAML_SIZE_MAX, &text, &err) < 0 ||
	    yaml_parse_cloud_config(path, text.data, text.len, &tree, &err) < 0)
		log_debug("%s", err.text);
	return tree;
}

static void read_modules(int rootfd, const char *path, struct cloud_modules *ret)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = read_yaml(rootfd, path);

	if (tree)
		cloud_modules_read(tree, ret);
}

static int is_cfg(const struct dirent *entry)
{
	return text_ends(entry->d_name, ".cfg");
}

static void read_parts(int rootfd, struct cloud_modules *ret)
{
	struct error ignored = { 0 };
	CLEANUP(close_p) int fd = dir_open_in(rootfd, CLOUD_CFG_PARTS, &ignored);
	struct dirent **entry = NULL;
	int n = fd < 0 ? 0 : scandirat(fd, ".", &entry, is_cfg, alphasort);

	for (int i = 0; i < n; i++) {
		CLEANUP(free_p) char *path = xasprintf(CLOUD_CFG_PARTS "/%s", entry[i]->d_name);
		read_modules(rootfd, path, ret);
		free(entry[i]);
	}
	free(entry);
}

static char *sentences(const struct cloud_findings *found)
{
	struct text all = { 0 };

	for (size_t i = 0; i < found->list.n; i++) {
		text_add(&all, i ? "; " : "user-data: ");
		cloud_finding_text(&found->list.at[i], &all);
	}
	return found->list.n ? text_take(&all) : NULL;
}

char *cloud_ignored(const char *root)
{
	struct error ignored = { 0 };
	CLEANUP(close_p) int rootfd = dir_open(AT_FDCWD, *root ? root : "/", &ignored);
	CLEANUP(yaml_node_free_p) struct yaml *config = rootfd < 0 ? NULL : read_yaml(rootfd, MERGED);
	CLEANUP(cloud_modules_done) struct cloud_modules modules = { 0 };
	CLEANUP(cloud_findings_done) struct cloud_findings found = { 0 };

	if (!config)
		return NULL;
	read_modules(rootfd, CLOUD_CFG, &modules);
	read_parts(rootfd, &modules);
	if (!modules.known)
		return NULL;
	cloud_modules_read(config, &modules);
	cloud_config_check(config, &modules, &found);
	return sentences(&found);
}
