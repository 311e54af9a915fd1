/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_kubeconfig.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "builder/seed/pki.h"
#include "lib/base64.h"
#include "lib/file.h"
#include "lib/yaml.h"

/* Its only cluster has this CA. */
static bool is_ours(const struct yaml *tree, const struct node_pki *pki)
{
	const struct yaml *clusters = yaml_find(tree, "clusters");
	const struct yaml *cluster =
		clusters && clusters->children == 1 ? yaml_find(clusters->child[0], "cluster") : NULL;
	const struct yaml *ca = yaml_find(cluster, "certificate-authority-data");
	CLEANUP(text_done) struct text ours = { 0 };

	base64_encode(pki->ca, strlen(pki->ca), &ours);
	return ca && ca->kind == YAML_SCALAR && !strcmp(ca->value, ours.data);
}

int seed_kubeconfig_check(const char *file, const struct node_pki *pki, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	struct error ignored = { 0 };
	struct stat st = { 0 };

	if (stat(file, &st) < 0 && errno == ENOENT)
		return 0;
	bool read = S_ISREG(st.st_mode) && file_read(AT_FDCWD, file, YAML_SIZE_MAX, &text, &ignored) == 0;
	if (read && (!text.len || (yaml_parse(file, text.data, text.len, &tree, &ignored) == 0 && is_ours(tree, pki))))
		return 0;
	return error_set(err, ERROR_USAGE,
			 "%s is there already and is not the kubeconfig of this cluster alone; remove it, or name "
			 "another file",
			 file);
}

int seed_kubeconfig_write(const char *file, const struct node_pki *pki, const char *cluster, const char *server,
			  struct error *err)
{
	CLEANUP(text_done) struct text config = { 0 };

	if (dir_make_parent(file, 0755, err) < 0)
		return -1;
	int rc = pki_kubeconfig(pki, cluster, server, &config, err);
	if (rc == 0)
		rc = file_write_durable(file, config.data, config.len, 0600, err);
	text_wipe(&config);
	return rc;
}
