/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_user_data.h"

#include <string.h>

#include "lib/alloc.h"
#include "lib/cloud_config.h"
#include "lib/file.h"
#include "lib/yaml.h"

#define CLOUD_CFG_MAX (1u << 20)
#define NO_LOGIN "no user can log in to this node: it has neither an ssh key (--ssh-key) nor a password"

/* Keys of the document with which a user can log in, and those of one user. */
static const char *const logins[] = { "ssh_authorized_keys", "users", "user", "password", "chpasswd" };
static const char *const passwords[] = { "passwd", "hashed_passwd", "plain_text_passwd" };

static bool has_any(const struct yaml *map, const char *const *keys, size_t n)
{
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found |= yaml_find(map, keys[i]) != NULL;
	return found;
}

static const char *scalar(const struct yaml *map, const char *key)
{
	const struct yaml *found = yaml_find(map, key);

	return found && found->kind == YAML_SCALAR ? found->value : "";
}

static bool is_true(const struct yaml *map, const char *key)
{
	const char *value = scalar(map, key);

	return !strcasecmp(value, "true") || !strcasecmp(value, "yes") || !strcasecmp(value, "on");
}

static bool is_false(const struct yaml *map, const char *key)
{
	const char *value = scalar(map, key);

	return !strcasecmp(value, "false") || !strcasecmp(value, "no") || !strcasecmp(value, "off");
}

/* Accounts of services; and cloud-init locks passwords unless lock_passwd is false. */
static bool can_log_in(const struct yaml *user)
{
	const char *shell = scalar(user, "shell");
	bool service = is_true(user, "system") || text_ends(shell, "nologin") || text_ends(shell, "false");
	bool password = has_any(user, passwords, ARRAY_SIZE(passwords)) && is_false(user, "lock_passwd");

	return service || password || yaml_find(user, "ssh_authorized_keys") || yaml_find(user, "ssh_redirect_user");
}

static bool is_default(const struct yaml *user)
{
	return user->kind == YAML_SCALAR ? strstr(user->value, "default") != NULL : is_true(user, "default");
}

static void check_users(const struct seed_user_data *given, const struct yaml *config, struct strings *ret)
{
	const struct yaml *users = yaml_find(config, "users");
	bool with_default = !users || users->kind != YAML_LIST;

	for (size_t i = 0; !with_default && i < users->children; i++)
		with_default = is_default(users->child[i]);
	if (!with_default && (given->keys || yaml_find(config, "ssh_authorized_keys")))
		strings_addf(
			ret,
			"%s:%d: ssh keys that are given for the node (--ssh-key, ssh_authorized_keys) are those of the "
			"default user, which 'users' leaves out; add `default` to it, or give the keys to a user",
			given->file, users->line);
	for (size_t i = 0; users && users->kind == YAML_LIST && i < users->children; i++) {
		const struct yaml *user = users->child[i];
		if (user->kind == YAML_MAP && !is_default(user) && !can_log_in(user) && !yaml_find(config, "chpasswd"))
			strings_addf(ret,
				     "%s:%d: user '%s' cannot log in: it has neither ssh_authorized_keys nor a "
				     "password with "
				     "lock_passwd: false",
				     given->file, user->line, scalar(user, "name"));
	}
}

static int read_modules(const char *file, struct cloud_modules *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (file_read(AT_FDCWD, file, CLOUD_CFG_MAX, &text, err) < 0 ||
	    yaml_parse_cloud_config(file, text.data, text.len, &tree, err) < 0)
		return -1;
	cloud_modules_read(tree, ret);
	return 0;
}

static int check_keys(const struct seed_user_data *given, const struct yaml *config, struct strings *ret,
		      struct error *err)
{
	CLEANUP(cloud_modules_done) struct cloud_modules modules = { 0 };
	CLEANUP(cloud_findings_done) struct cloud_findings found = { 0 };

	if (read_modules(given->cloud_cfg, &modules, err) < 0)
		return -1;
	cloud_modules_read(config, &modules);
	cloud_config_check(config, &modules, &found);
	for (size_t i = 0; i < found.list.n; i++) {
		CLEANUP(text_done) struct text sentence = { 0 };
		cloud_finding_text(&found.list.at[i], &sentence);
		strings_addf(ret, "%s:%d: %s", given->file, found.list.at[i].at->line, sentence.data);
	}
	return 0;
}

int seed_user_data_check(const struct seed_user_data *given, struct strings *ret, struct error *err)
{
	CLEANUP(yaml_node_free_p) struct yaml *config = NULL;
	struct error ignored = { 0 };

	if (given->file && given->text->len &&
	    yaml_parse_cloud_config(given->file, given->text->data, given->text->len, &config, &ignored) < 0)
		return 0;
	if (config && check_keys(given, config, ret, err) < 0)
		return -1;
	if (config)
		check_users(given, config, ret);
	if (!given->keys && !(config && has_any(config, logins, ARRAY_SIZE(logins))))
		strings_add(ret, NO_LOGIN);
	return 0;
}
