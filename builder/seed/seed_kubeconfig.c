/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_kubeconfig.h"

#include <errno.h>
#include <unistd.h>

#include "builder/seed/seed_exposed.h"
#include "lib/file.h"
#include "lib/yaml.h"

bool seed_kubeconfig_look(const char *file, const struct node_pki *pki, const char *cluster, enum pki_kubeconfig *ret)
{
	CLEANUP(text_wipe_done) struct text text = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	struct error ignored = { 0 };
	struct stat st = { 0 };

	*ret = PKI_KUBECONFIG_FOREIGN;
	if (stat(file, &st) < 0 && errno == ENOENT)
		return false;
	if (!S_ISREG(st.st_mode) || file_read(AT_FDCWD, file, YAML_SIZE_MAX, &text, &ignored) < 0)
		return true;
	if (text.len && yaml_parse(file, text.data, text.len, &tree, &ignored) == 0)
		*ret = pki_kubeconfig_kind(pki, cluster, tree);
	return text.len;
}

int seed_kubeconfig_check(const char *file, const struct node_pki *pki, const char *cluster, bool force,
			  struct error *err)
{
	enum pki_kubeconfig kind;

	if (!seed_kubeconfig_look(file, pki, cluster, &kind) || kind == PKI_KUBECONFIG_ENDING ||
	    kind == PKI_KUBECONFIG_GOOD || (kind == PKI_KUBECONFIG_OTHER_CA && force))
		return 0;
	if (kind == PKI_KUBECONFIG_OTHER_CA)
		return error_set(err, ERROR_USAGE,
				 "%s is there already and is the kubeconfig of another cluster %s; name another file, "
				 "or replace it (--force)",
				 file, cluster);
	return error_set(err, ERROR_USAGE,
			 "%s is there already and is not the kubeconfig of this cluster alone; remove it, or name "
			 "another file",
			 file);
}

int seed_kubeconfig_write(const char *file, const struct node_pki *pki, const char *cluster, const char *server,
			  struct error *err)
{
	CLEANUP(text_wipe_done) struct text config = { 0 };

	seed_warn_exposed(file);
	if (dir_make_parent(file, 0755, err) < 0 || pki_kubeconfig(pki, cluster, server, &config, err) < 0)
		return -1;
	return file_write_durable(file, config.data, config.len, 0600, err);
}

int seed_kubeconfig_move(const char *file, const struct node_pki *pki, const char *cluster, const char *server,
			 enum pki_server *ret, struct error *err)
{
	CLEANUP(text_wipe_done) struct text text = { 0 }, moved = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (file_read(AT_FDCWD, file, YAML_SIZE_MAX, &text, err) < 0 ||
	    yaml_parse(file, text.data ? text.data : "", text.len, &tree, err) < 0)
		return -1;
	*ret = pki_kubeconfig_move(pki, cluster, &text, tree, server, &moved);
	return *ret == PKI_SERVER_MOVED ? file_write_durable(file, moved.data, moved.len, 0600, err) : 0;
}
