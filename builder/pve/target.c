/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/input.h"
#include "lib/log.h"
#include "lib/validate.h"
#include "lib/yaml.h"

#define SECRET_MAX 4096 /* bytes of a file with a secret */
#define CA_MAX (256 << 10)

int target_load(const char *file, struct target *ret, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (input_read(file, YAML_SIZE_MAX, &text, err) < 0)
		return error_wrap(err, "target");
	return target_parse(file, text.data ? text.data : "", text.len, ret, err);
}

char *target_path_of(const struct target *t, const char *name)
{
	const char *slash = strrchr(t->file, '/');

	return *name == '/' || !slash ? xstrdup(name) : xasprintf("%.*s/%s", (int)(slash - t->file), t->file, name);
}

static int read_relative(const struct target *t, const char *key, const char *name, size_t limit, struct text *ret,
			 struct error *err)
{
	CLEANUP(free_p) char *path = target_path_of(t, name);

	return input_read(path, limit, ret, err) < 0 ? error_wrap(err, "%s: %s", t->file, key) : 0;
}

static void warn_when_open(const struct target *t)
{
	CLEANUP(free_p) char *path = target_path_of(t, t->token_secret_file);
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)))
		log_warning("%s: every user of this host can read the token's secret; chmod 600 %s", path, path);
}

static int take_secret(struct target *t, char *secret, const char *where, struct error *err)
{
	const char *word = text_trim(secret);

	if (!uuid_is_valid(word))
		return error_set(
			err, ERROR_INPUT,
			"%s: the token's secret in %s is not the UUID that Proxmox VE showed when it made the token",
			t->file, where);
	t->token_secret = xstrdup(word);
	return 0;
}

static int read_secret_file(struct target *t, struct error *err)
{
	CLEANUP(text_done) struct text text = { 0 };

	if (read_relative(t, "token_secret_file", t->token_secret_file, SECRET_MAX, &text, err) < 0)
		return -1;
	warn_when_open(t);
	int rc = take_secret(t, text.data ? text.data : (char[]){ "" }, t->token_secret_file, err);
	text_wipe(&text);
	return rc;
}

static int read_secret_env(struct target *t, struct error *err)
{
	CLEANUP(free_p) char *where = xasprintf("the environment's %s", t->token_secret_env);
	char *value = getenv(t->token_secret_env);

	if (!value || !*value)
		return error_set(err, ERROR_INPUT, "%s: the environment has no %s; it must hold the token's secret",
				 t->file, t->token_secret_env);
	int rc = take_secret(t, value, where, err);
	explicit_bzero(value, strlen(value));
	unsetenv(t->token_secret_env);
	return rc;
}

int target_open(struct target *t, struct error *err)
{
	CLEANUP(text_done) struct text ca = { 0 };

	if (t->ca_file && read_relative(t, "ca", t->ca_file, CA_MAX, &ca, err) < 0)
		return -1;
	if (t->ca_file && !certificate_or_path_is_valid(ca.data ? ca.data : ""))
		return error_set(err, ERROR_INPUT,
				 "%s: %s is not a PEM certificate (or contains a private key); copy the cluster's "
				 "/etc/pve/pve-root-ca.pem",
				 t->file, t->ca_file);
	if (t->ca_file)
		t->ca = text_take(&ca);
	return t->token_secret_file ? read_secret_file(t, err) : read_secret_env(t, err);
}

int target_connect(const struct target *t, const struct target_node *node, struct pve **ret, struct error *err)
{
	struct pve_access access = {
		.url = node && node->url ? node->url : t->url,
		.token_id = t->token_id,
		.token_secret = t->token_secret,
		.ca = t->ca,
		.fingerprints = &t->fingerprints,
	};

	return pve_open(&access, ret, err);
}

const struct target_storages *target_storages_on(const struct target *t, const char *node)
{
	for (size_t i = 0; i < t->nodes.n; i++)
		if (!strcmp(t->nodes.at[i].name, node))
			return &t->nodes.at[i].storages;
	return &t->storages;
}

char *target_user(const struct target *t)
{
	return xstrndup(t->token_id, (size_t)(strrchr(t->token_id, '!') - t->token_id));
}

char *target_bridge_path(const struct target *t)
{
	return t->vlan ? xasprintf("/sdn/zones/%s/%s/%ld", t->zone, t->bridge, t->vlan)
		       : xasprintf("/sdn/zones/%s/%s", t->zone, t->bridge);
}

static void storages_done(struct target_storages *s)
{
	for (size_t i = 0; i < TARGET_STORAGES; i++)
		free(s->at[i]);
}

void target_done(struct target *t)
{
	char *words[] = {
		t->file, t->url,    t->token_id, t->token_secret_file, t->token_secret_env, t->ca_file,      t->ca,
		t->pool, t->bridge, t->zone,     t->agent_user,        t->notes_key_file,   t->notes_key_env
	};

	wipe_free(t->token_secret);
	wipe_free(t->notes_key);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		free(words[i]);
	for (size_t i = 0; i < t->nodes.n; i++) {
		free(t->nodes.at[i].name);
		free(t->nodes.at[i].url);
		storages_done(&t->nodes.at[i].storages);
	}
	storages_done(&t->storages);
	vec_done(&t->nodes);
	strings_done(&t->fingerprints);
	strings_done(&t->tags);
	*t = (struct target){ 0 };
}
