/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeconfig.h"

#include <stdlib.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/file.h"
#include "lib/yaml.h"

#define PART_SIZE_MAX (1 << 16) /* of a file that the kubeconfig refers to */

static const char *scalar(const struct yaml *map, const char *key)
{
	const struct yaml *found = yaml_find(map, key);

	return found && found->kind == YAML_SCALAR && *found->value ? found->value : NULL;
}

/* contexts, clusters and users are lists of { name: NAME, KIND: {...} }; returns the map of the entry called
 * name. */
static const struct yaml *named(const struct yaml *tree, const char *list, const char *kind, const char *name)
{
	const struct yaml *items = yaml_find(tree, list);

	for (size_t i = 0; name && items && items->kind == YAML_LIST && i < items->children; i++)
		if (text_same(scalar(items->child[i], "name"), name))
			return yaml_find(items->child[i], kind);
	return NULL;
}

/* As in client-go, embedded data take precedence over a file name. */
static int read_part(const struct yaml *map, const char *key, struct kubeconfig_part *ret, struct error *err)
{
	CLEANUP(free_p) char *data_key = xasprintf("%s-data", key);
	CLEANUP(text_done) struct text decoded = { 0 };
	const char *data = scalar(map, data_key), *file = scalar(map, key);

	if (data && !base64_decode(data, &decoded))
		return yaml_error(yaml_find(map, data_key), err, "%s is truncated or not base64", data_key);
	if (data)
		ret->text = text_take(&decoded);
	else if (file)
		ret->file = xstrdup(file);
	return 0;
}

static bool is_given(const struct kubeconfig_part *part)
{
	return part->text || part->file;
}

static int check(const char *file, const struct kubeconfig *k, struct error *err)
{
	if (!k->server || !text_starts(k->server, "https://"))
		return error_set(err, ERROR_INPUT, "%s: the current context has no server at https://", file);
	if (!is_given(&k->ca))
		return error_set(err, ERROR_INPUT,
				 "%s: no certificate-authority(-data) to authenticate the server with", file);
	if (!k->token && !(is_given(&k->certificate) && is_given(&k->key)))
		return error_set(err, ERROR_INPUT, "%s: neither a client certificate with its key nor a token", file);
	return 0;
}

static int read_tree(const char *file, const struct yaml *tree, struct kubeconfig *ret, struct error *err)
{
	const struct yaml *context = named(tree, "contexts", "context", scalar(tree, "current-context"));
	const struct yaml *cluster = named(tree, "clusters", "cluster", scalar(context, "cluster"));
	const struct yaml *user = named(tree, "users", "user", scalar(context, "user"));
	const char *server = scalar(cluster, "server"), *token = scalar(user, "token");

	ret->server = xstrdup_or_null(server);
	ret->token = xstrdup_or_null(token);
	if (read_part(cluster, "certificate-authority", &ret->ca, err) < 0 ||
	    read_part(user, "client-certificate", &ret->certificate, err) < 0 ||
	    read_part(user, "client-key", &ret->key, err) < 0)
		return -1;
	return check(file, ret, err);
}

int kubeconfig_parse(const char *file, const char *text, size_t len, struct kubeconfig *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };

	if (yaml_parse(file, text ? text : "", len, &tree, err) < 0 || read_tree(file, tree, &k, err) < 0)
		return -1;
	*ret = k;
	k = (struct kubeconfig){ 0 };
	return 0;
}

/* Relative names are relative to the kubeconfig's directory. */
static int load_part(int rootfd, const char *path, struct kubeconfig_part *part, struct error *err)
{
	CLEANUP(text_done) struct text content = { 0 };
	const char *slash = strrchr(path, '/');
	int directory = slash ? (int)(slash - path) + 1 : 0;

	if (part->text || !part->file)
		return 0;
	CLEANUP(free_p)
	char *full = *part->file == '/' ? xstrdup(part->file) : xasprintf("%.*s%s", directory, path, part->file);
	if (file_read_in(rootfd, full, PART_SIZE_MAX, &content, err) < 0)
		return error_wrap(err, "%s", path);
	part->text = text_take(&content);
	return 0;
}

int kubeconfig_load(int rootfd, const char *path, struct kubeconfig *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(kubeconfig_done) struct kubeconfig k = { 0 };
	int rc = file_read_in(rootfd, path, KUBECONFIG_SIZE_MAX, &text, err);

	if (rc == 0)
		rc = kubeconfig_parse(path, text.data, text.len, &k, err);
	text_wipe(&text);
	if (rc < 0 || load_part(rootfd, path, &k.ca, err) < 0 || load_part(rootfd, path, &k.certificate, err) < 0 ||
	    load_part(rootfd, path, &k.key, err) < 0)
		return -1;
	*ret = k;
	k = (struct kubeconfig){ 0 };
	return 0;
}

void kubeconfig_done(struct kubeconfig *k)
{
	free(k->server);
	free(k->ca.text), free(k->ca.file);
	free(k->certificate.text), free(k->certificate.file);
	wipe_free(k->key.text), free(k->key.file);
	wipe_free(k->token);
	*k = (struct kubeconfig){ 0 };
}
